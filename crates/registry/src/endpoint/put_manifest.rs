//! [Pushing manifests](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests).

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{Response, StatusCode};
use oci_spec::image::{Digest, DigestAlgorithm};
use wharf_v1::Hasher;

use crate::body::Body;
use crate::hook::Feature;
use crate::manifest::{self, Links};
use crate::name::{Identifier, RepositoryName, TagName, excerpt};
use crate::options::References;
use crate::problem::{Code, Problem};
use crate::store::{Error, NewManifest};

use super::call::Call;
use super::respond::Reply;

const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const OCI_TAG: HeaderName = HeaderName::from_static("oci-tag");

/// Tags that one request may put. The specification wants at least ten.
const MOST_TAGS: usize = 100;

/// Problems that one response names at most.
const MOST_PROBLEMS: usize = 20;

pub(super) async fn serve(
    call: &Call<'_>,
    repository: &RepositoryName,
    identifier: &Identifier,
) -> Result<Response<Body>, Problem> {
    let tags = tags(call, identifier)?;
    let raw = body(call).await?;
    let digest = verified(&raw, identifier)?;
    let claimed = call
        .header(CONTENT_TYPE)
        .map(without_parameters)
        .filter(|claimed| !claimed.is_empty());
    let manifest::Judged { media_type, links } = manifest::judge(claimed, &raw)
        .map_err(|fault| Problem::new(Code::ManifestInvalid, fault.to_string()))?;
    if call.options().references == References::MustExist {
        references_exist(call, repository, &links).await?;
    }

    let mut new = NewManifest::new(digest.clone(), &*media_type, raw.clone());
    new.tags.clone_from(&tags);
    if let Some(subject) = &links.subject {
        let referrer = links.referrer(&media_type, digest.clone(), raw.len() as u64);
        new = new.with_subject(subject.clone(), referrer);
    }
    call.store().put_manifest(repository, new).await?;

    let mut reply = Reply::new(call, StatusCode::CREATED)
        .location(&format!("/v2/{repository}/manifests/{digest}"))
        .digest(&digest);
    if let Some(subject) = links.subject.filter(|_| call.has(Feature::Referrers)) {
        reply = reply.text(OCI_SUBJECT, subject.as_ref());
    }
    if let Identifier::Digest(_) = identifier {
        reply = tags
            .iter()
            .fold(reply, |reply, tag| reply.append(OCI_TAG, tag.as_str()));
    }
    Ok(reply.body(Body::empty()).done())
}

/// The tags that will point at the manifest: the one it is put under, or those of the query.
fn tags(call: &Call<'_>, identifier: &Identifier) -> Result<Vec<TagName>, Problem> {
    if let Identifier::Tag(tag) = identifier {
        return Ok(vec![tag.clone()]);
    }
    let texts: Vec<&str> = call
        .query
        .all("tag")
        .filter(|_| call.has(Feature::TagParameter))
        .collect();
    if texts.len() > MOST_TAGS {
        return Err(
            Problem::new(Code::Unsupported, format!("more than {MOST_TAGS} tags"))
                .with_status(StatusCode::URI_TOO_LONG),
        );
    }
    let parsed = texts.into_iter().map(|text| {
        text.parse()
            .map_err(|_| Problem::new(Code::ManifestInvalid, format!("{:?} is no tag", excerpt(text))))
    });
    parsed.collect()
}

/// The whole body, unless it is too large.
async fn body(call: &Call<'_>) -> Result<Bytes, Problem> {
    let limit = call.options().manifest_limit;
    let too_large = || {
        Problem::new(
            Code::ManifestInvalid,
            format!("manifest is larger than {limit} bytes"),
        )
        .with_status(StatusCode::PAYLOAD_TOO_LARGE)
    };
    let announced = call.content_length()?;
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let raw = call
        .incoming
        .stream()
        .collect(limit)
        .await
        .map_err(|error| match error {
            wharf_v1::Error::TooLarge { .. } => too_large(),
            other => Problem::from(Error::Client(other.into())),
        })?;
    match announced {
        Some(length) if length != raw.len() as u64 => {
            let message = format!("{} bytes came, {length} were announced", raw.len());
            Err(Problem::new(Code::SizeInvalid, message))
        }
        _ => Ok(raw),
    }
}

/// The digest of the manifest, which is the one that it is put under if that is a digest.
fn verified(raw: &[u8], identifier: &Identifier) -> Result<Digest, Problem> {
    let algorithm = match identifier {
        Identifier::Digest(digest) => digest.algorithm(),
        Identifier::Tag(_) => &DigestAlgorithm::Sha256,
    };
    let mut hasher = Hasher::new(algorithm).map_err(Error::from)?;
    hasher.update(raw);
    let got = hasher.finish();
    match identifier {
        Identifier::Digest(want) if *want != got => Err(Error::DigestMismatch {
            got,
            want: want.clone(),
        }
        .into()),
        _ => Ok(got),
    }
}

/// The media type without `; charset=…` and the like, as the specification wants it.
fn without_parameters(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

async fn references_exist(
    call: &Call<'_>,
    repository: &RepositoryName,
    links: &Links,
) -> Result<(), Problem> {
    let mut missing = Vec::new();
    for digest in &links.blobs {
        if missing.len() < MOST_PROBLEMS && !has_blob(call, repository, digest).await? {
            missing.push(format!("no blob {digest} in {repository}"));
        }
    }
    for digest in &links.children {
        // What an index lists is a manifest, or now and then a blob.
        if missing.len() < MOST_PROBLEMS
            && !has_manifest(call, repository, digest).await?
            && !has_blob(call, repository, digest).await?
        {
            missing.push(format!("no manifest {digest} in {repository}"));
        }
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Problem::all(Code::ManifestBlobUnknown, missing))
    }
}

async fn has_blob(call: &Call<'_>, repository: &RepositoryName, digest: &Digest) -> Result<bool, Problem> {
    present(call.store().blob(repository, digest).await)
}

async fn has_manifest(
    call: &Call<'_>,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<bool, Problem> {
    present(call.store().manifest(repository, digest).await)
}

fn present<T>(found: Result<T, Error>) -> Result<bool, Problem> {
    match found {
        Ok(_) => Ok(true),
        Err(error) if error.is_not_found() || matches!(error, Error::UnsupportedAlgorithm { .. }) => {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}
