//! `/v2/<name>/blobs/uploads/<id>`: [an upload](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks)
//! from its first chunk to its end.

use http::header::{CONTENT_RANGE, HeaderName, RANGE};
use http::{Method, Response, StatusCode};
use oci_spec::image::Digest;

use crate::body::Body;
use crate::hook::Feature;
use crate::name::{RepositoryName, parse_digest};
use crate::problem::{Code, Problem};
use crate::range;
use crate::store::{Chunk, Error, UploadId};

use super::call::Call;
use super::respond::Reply;

const UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");

pub(super) async fn serve(
    call: &Call<'_>,
    repository: &RepositoryName,
    id: &UploadId,
) -> Result<Response<Body>, Problem> {
    match *call.method() {
        Method::GET | Method::HEAD if call.has(Feature::UploadStatus) => {
            let size = call.store().upload_size(repository, id).await?;
            Ok(at(call, repository, id, StatusCode::NO_CONTENT, size))
        }
        Method::PATCH if call.has(Feature::ChunkedUpload) => {
            let chunk = chunk(call)?;
            let size = append(call, repository, id, chunk).await?;
            Ok(at(call, repository, id, StatusCode::ACCEPTED, size))
        }
        Method::PUT => {
            let digest = call.query.get("digest").ok_or_else(|| {
                Problem::new(
                    Code::DigestInvalid,
                    "an upload is ended with the parameter `digest`",
                )
            })?;
            let digest = parse_digest(digest)?;
            take_last_chunk(call, repository, id, &digest).await
        }
        Method::DELETE if call.has(Feature::UploadCancel) => {
            call.store().cancel_upload(repository, id).await?;
            Ok(Reply::new(call, StatusCode::NO_CONTENT).done())
        }
        _ => Err(Problem::method("GET, HEAD, PATCH, PUT, DELETE")),
    }
}

/// Appends the body of the request, if it has one, and makes the upload a blob.
pub(super) async fn take_last_chunk(
    call: &Call<'_>,
    repository: &RepositoryName,
    id: &UploadId,
    digest: &Digest,
) -> Result<Response<Body>, Problem> {
    let chunk = chunk(call)?.with_algorithm(digest.algorithm().clone());
    if chunk.length != Some(0) {
        append(call, repository, id, chunk).await?;
    }
    call.store().finish_upload(repository, id, digest).await?;
    Ok(created(call, repository, digest))
}

/// The body of the request as a chunk, at the place that its headers say.
fn chunk(call: &Call<'_>) -> Result<Chunk, Problem> {
    let length = call.content_length()?;
    let mut chunk = Chunk::new(call.incoming.stream());
    chunk.length = length;
    let Some(header) = call.headers().get(CONTENT_RANGE) else {
        return Ok(chunk);
    };
    let malformed = || {
        Problem::new(
            Code::BlobUploadInvalid,
            "malformed Content-Range, want <first>-<last>",
        )
        .with_status(StatusCode::RANGE_NOT_SATISFIABLE)
    };
    let (offset, span) = header
        .to_str()
        .ok()
        .and_then(range::chunk)
        .ok_or_else(malformed)?;
    if let Some(length) = length.filter(|length| *length != span) {
        let message = format!("Content-Range of {span} bytes, Content-Length of {length}");
        return Err(Problem::new(Code::SizeInvalid, message));
    }
    Ok(chunk.with_offset(offset).with_length(span))
}

async fn append(
    call: &Call<'_>,
    repository: &RepositoryName,
    id: &UploadId,
    chunk: Chunk,
) -> Result<u64, Problem> {
    match call.store().append_upload(repository, id, chunk).await {
        Ok(size) => Ok(size),
        Err(error @ Error::UploadOffset { want, .. }) => {
            let problem = Problem::from(error);
            let headers = at(call, repository, id, StatusCode::ACCEPTED, want)
                .into_parts()
                .0
                .headers;
            // So that the client need not ask where to go on.
            Err(problem.with_headers(headers))
        }
        Err(error) => Err(error.into()),
    }
}

/// The state of an upload of `size` bytes. The `Range` of an empty one is `0-0`, as for one of one byte:
/// the specification has no better.
pub(super) fn at(
    call: &Call<'_>,
    repository: &RepositoryName,
    id: &UploadId,
    status: StatusCode,
    size: u64,
) -> Response<Body> {
    let reply = Reply::new(call, status)
        .location(&format!("/v2/{repository}/blobs/uploads/{id}"))
        .text(RANGE, &format!("0-{}", size.saturating_sub(1)))
        .text(UPLOAD_UUID, id.as_str());
    if status == StatusCode::NO_CONTENT {
        reply.done()
    } else {
        reply.body(Body::empty()).done()
    }
}

/// The response to whatever made a blob.
pub(super) fn created(call: &Call<'_>, repository: &RepositoryName, digest: &Digest) -> Response<Body> {
    Reply::new(call, StatusCode::CREATED)
        .location(&format!("/v2/{repository}/blobs/{digest}"))
        .digest(digest)
        .body(Body::empty())
        .done()
}
