//! `/v2/<name>/blobs/uploads/`: [beginning an upload](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs),
//! or making do without one.

use http::{Method, Response, StatusCode};
use oci_spec::image::{Digest, DigestAlgorithm};

use crate::auth::Action;
use crate::body::Body;
use crate::hook::Feature;
use crate::name::{RepositoryName, parse_digest, supported};
use crate::problem::{Code, Problem};
use crate::store::{Error, UploadId};

use super::call::Call;
use super::upload;

pub(super) async fn serve(call: &Call<'_>, repository: &RepositoryName) -> Result<Response<Body>, Problem> {
    if *call.method() != Method::POST {
        return Err(Problem::method("POST"));
    }
    if let Some(digest) = call.query.get("mount") {
        let digest = parse_digest(digest)?;
        if call.has(Feature::Mount) && mount(call, repository, &digest).await? {
            return Ok(upload::created(call, repository, &digest));
        }
        return begin(call, repository, digest.algorithm()).await;
    }
    if let Some(digest) = call.query.get("digest") {
        let digest = parse_digest(digest)?;
        if call.has(Feature::MonolithicPost) {
            return monolithic(call, repository, &digest).await;
        }
        return begin(call, repository, digest.algorithm()).await;
    }
    let algorithm = DigestAlgorithm::from(call.query.get("digest-algorithm").unwrap_or("sha256"));
    supported(&algorithm)?;
    begin(call, repository, &algorithm).await
}

/// [Mounts](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#mounting-a-blob-from-another-repository)
/// a blob, if some repository has it that the caller may read. Without `from` all are tried.
async fn mount(call: &Call<'_>, repository: &RepositoryName, digest: &Digest) -> Result<bool, Problem> {
    let sources = match call.query.get("from") {
        Some(from) => {
            let invalid = |_| Problem::new(Code::NameInvalid, "`from` is not a repository name");
            vec![from.parse().map_err(invalid)?]
        }
        None => call.store().blob_repositories(digest).await?,
    };
    for source in sources
        .iter()
        .filter(|source| call.caller.may(source, Action::Pull))
    {
        match call.store().mount_blob(source, repository, digest).await {
            Ok(()) => return Ok(true),
            Err(Error::BlobUnknown { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}

async fn monolithic(
    call: &Call<'_>,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Response<Body>, Problem> {
    let id = call.store().begin_upload(repository, digest.algorithm()).await?;
    let done = upload::take_last_chunk(call, repository, &id, digest).await;
    if done.is_err() {
        // The client never learns the id, so nobody could go on with it.
        let _ = call.store().cancel_upload(repository, &id).await;
    }
    done
}

async fn begin(
    call: &Call<'_>,
    repository: &RepositoryName,
    algorithm: &DigestAlgorithm,
) -> Result<Response<Body>, Problem> {
    let id: UploadId = call.store().begin_upload(repository, algorithm).await?;
    Ok(upload::at(call, repository, &id, StatusCode::ACCEPTED, 0))
}
