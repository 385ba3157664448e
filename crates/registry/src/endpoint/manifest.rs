//! `/v2/<name>/manifests/<tag or digest>`: [pulling](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests),
//! [pushing](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests) and deleting manifests.

use http::header::CONTENT_TYPE;
use http::{Method, Response, StatusCode};
use oci_spec::image::Digest;

use crate::body::Body;
use crate::hook::Feature;
use crate::name::{Identifier, RepositoryName};
use crate::problem::{Code, Problem};

use super::call::Call;
use super::put_manifest;
use super::respond::Reply;

const METHODS: &str = "GET, HEAD, PUT, DELETE";

pub(super) async fn serve(
    call: &Call<'_>,
    repository: &RepositoryName,
    identifier: &Identifier,
) -> Result<Response<Body>, Problem> {
    match *call.method() {
        Method::GET => read(call, repository, identifier).await,
        Method::HEAD if call.has(Feature::HeadManifests) => head(call, repository, identifier).await,
        Method::PUT => put_manifest::serve(call, repository, identifier).await,
        Method::DELETE => {
            call.deletion_allowed()?;
            match identifier {
                Identifier::Tag(tag) => call.store().delete_tag(repository, tag).await?,
                Identifier::Digest(digest) => call.store().delete_manifest(repository, digest).await?,
            }
            Ok(Reply::new(call, StatusCode::ACCEPTED).body(Body::empty()).done())
        }
        _ => Err(Problem::method(METHODS)),
    }
}

/// A text that can be neither tag nor digest names no manifest, and can name none.
pub(super) fn serve_none(
    call: &Call<'_>,
    repository: &RepositoryName,
    text: &str,
) -> Result<Response<Body>, Problem> {
    match *call.method() {
        Method::GET | Method::HEAD | Method::DELETE => Err(Problem::new(
            Code::ManifestUnknown,
            format!("no manifest {text:?} in {repository}"),
        )),
        Method::PUT => Err(Problem::new(Code::ManifestInvalid, format!("{text:?} is no tag"))),
        _ => Err(Problem::method(METHODS)),
    }
}

async fn read(
    call: &Call<'_>,
    repository: &RepositoryName,
    identifier: &Identifier,
) -> Result<Response<Body>, Problem> {
    let digest = resolve(call, repository, identifier).await?;
    if call.is_not_modified(&digest) {
        call.store().manifest(repository, &digest).await?;
        return Ok(not_modified(call, &digest));
    }
    let manifest = call.store().read_manifest(repository, &digest).await?;
    Ok(found(
        call,
        &digest,
        &manifest.media_type,
        Body::full(manifest.raw),
    ))
}

async fn head(
    call: &Call<'_>,
    repository: &RepositoryName,
    identifier: &Identifier,
) -> Result<Response<Body>, Problem> {
    let digest = resolve(call, repository, identifier).await?;
    let manifest = call.store().manifest(repository, &digest).await?;
    if call.is_not_modified(&digest) {
        return Ok(not_modified(call, &digest));
    }
    let unread = Body::stream(
        futures_util::stream::empty::<Result<_, std::io::Error>>(),
        manifest.size,
    );
    Ok(found(call, &digest, &manifest.media_type, unread))
}

async fn resolve(
    call: &Call<'_>,
    repository: &RepositoryName,
    identifier: &Identifier,
) -> Result<Digest, Problem> {
    Ok(match identifier {
        Identifier::Tag(tag) => call.store().tag(repository, tag).await?,
        Identifier::Digest(digest) => digest.clone(),
    })
}

fn found(call: &Call<'_>, digest: &Digest, media_type: &str, body: Body) -> Response<Body> {
    Reply::new(call, StatusCode::OK)
        .text(CONTENT_TYPE, media_type)
        .digest(digest)
        .etag(digest)
        .body(body)
        .done()
}

fn not_modified(call: &Call<'_>, digest: &Digest) -> Response<Body> {
    Reply::new(call, StatusCode::NOT_MODIFIED)
        .digest(digest)
        .etag(digest)
        .done()
}
