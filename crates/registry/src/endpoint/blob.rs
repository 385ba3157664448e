//! `/v2/<name>/blobs/<digest>`: [pulling](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs)
//! and deleting blobs.

use http::header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, HeaderValue, IF_RANGE, RANGE};
use http::{Method, Response, StatusCode};
use oci_spec::image::Digest;

use crate::body::Body;
use crate::hook::Feature;
use crate::name::RepositoryName;
use crate::problem::Problem;
use crate::range::{Wanted, wanted};

use super::call::Call;
use super::respond::Reply;

pub(super) async fn serve(
    call: &Call<'_>,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Response<Body>, Problem> {
    match *call.method() {
        Method::GET => read(call, repository, digest).await,
        Method::HEAD if call.has(Feature::HeadBlobs) => read(call, repository, digest).await,
        Method::DELETE => {
            call.deletion_allowed()?;
            call.store().delete_blob(repository, digest).await?;
            Ok(Reply::new(call, StatusCode::ACCEPTED).body(Body::empty()).done())
        }
        _ => Err(Problem::method("GET, HEAD, DELETE")),
    }
}

async fn read(
    call: &Call<'_>,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Response<Body>, Problem> {
    let size = call.store().blob(repository, digest).await?;
    if call.is_not_modified(digest) {
        return Ok(Reply::new(call, StatusCode::NOT_MODIFIED)
            .digest(digest)
            .etag(digest)
            .done());
    }
    let (status, range) = match wanted_of(call, digest, size) {
        Wanted::All => (StatusCode::OK, 0..size),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Unsatisfiable => return Err(Problem::unsatisfiable(size)),
    };
    let mut reply = Reply::new(call, status)
        .header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
        .digest(digest)
        .etag(digest);
    if call.has(Feature::Ranges) {
        reply = reply.header(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    }
    if status == StatusCode::PARTIAL_CONTENT {
        reply = reply.text(
            CONTENT_RANGE,
            &format!("bytes {}-{}/{size}", range.start, range.end - 1),
        );
    }
    let length = range.end - range.start;
    let body = if *call.method() == Method::HEAD {
        // Never read: the length is all that is left of it.
        Body::stream(futures_util::stream::empty::<Result<_, std::io::Error>>(), length)
    } else {
        Body::stream(call.store().read_blob(repository, digest, range).await?, length)
    };
    Ok(reply.body(body).done())
}

/// A `Range` counts for GET only, and with `If-Range` only for the version that the client has.
fn wanted_of(call: &Call<'_>, digest: &Digest, size: u64) -> Wanted {
    let Some(header) = call.headers().get(RANGE).filter(|_| call.has(Feature::Ranges)) else {
        return Wanted::All;
    };
    let same = call
        .header(IF_RANGE)
        .is_none_or(|tag| tag == format!("\"{digest}\""));
    if *call.method() != Method::GET || !same {
        return Wanted::All;
    }
    header
        .to_str()
        .map_or(Wanted::Unsatisfiable, |header| wanted(header, size))
}
