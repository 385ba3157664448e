//! From a path to what it asks for.

use std::borrow::Cow;

use oci_spec::image::Digest;
use percent_encoding::percent_decode_str;

use crate::name::{Identifier, RepositoryName, excerpt, parse_digest};
use crate::problem::{Code, Problem};
use crate::store::UploadId;

/// What a path names, every piece of it parsed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/v2/`
    Base,
    /// `/v2/_catalog`
    Catalog,
    /// `/v2/<name>/blobs/<digest>`
    Blob(RepositoryName, Digest),
    /// `/v2/<name>/blobs/uploads/`
    Uploads(RepositoryName),
    /// `/v2/<name>/blobs/uploads/<id>`
    Upload(RepositoryName, UploadId),
    /// `/v2/<name>/manifests/<tag or digest>`
    Manifest(RepositoryName, Identifier),
    /// A manifest under a text that cannot be a tag: there is none.
    NoManifest(RepositoryName, String),
    /// `/v2/<name>/tags/list`
    Tags(RepositoryName),
    /// `/v2/<name>/referrers/<digest>`
    Referrers(RepositoryName, Digest),
}

impl Route {
    /// Parses the raw path of a request. Percent-encoding is undone inside each segment, after the
    /// path was split, so that an encoded slash separates nothing.
    pub(crate) fn parse(path: &str) -> Result<Self, Problem> {
        let Some(rest) = path.strip_prefix("/v2") else {
            return Err(unrouted(path));
        };
        if rest.is_empty() || rest == "/" {
            return Ok(Self::Base);
        }
        let Some(rest) = rest.strip_prefix('/') else {
            return Err(unrouted(path));
        };
        let segments: Vec<Cow<'_, str>> = rest.split('/').map(decode).collect::<Result<_, _>>()?;
        let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        match &*segments {
            ["_catalog"] => Ok(Self::Catalog),
            [name @ .., "tags", "list"] => Ok(Self::Tags(repository(name)?)),
            [name @ .., "manifests", reference] => manifest(repository(name)?, reference),
            [name @ .., "referrers", digest] => Ok(Self::Referrers(repository(name)?, parse_digest(digest)?)),
            [name @ .., "blobs", "uploads"] | [name @ .., "blobs", "uploads", ""] => {
                Ok(Self::Uploads(repository(name)?))
            }
            [name @ .., "blobs", "uploads", id] => {
                let repository = repository(name)?;
                let id = id.parse().map_err(|_| {
                    Problem::new(Code::BlobUploadUnknown, format!("no upload {:?}", excerpt(id)))
                })?;
                Ok(Self::Upload(repository, id))
            }
            [name @ .., "blobs", digest] => Ok(Self::Blob(repository(name)?, parse_digest(digest)?)),
            _ => Err(unrouted(path)),
        }
    }
}

fn decode(segment: &str) -> Result<Cow<'_, str>, Problem> {
    let invalid = || {
        Problem::new(
            Code::NameInvalid,
            format!("invalid path segment {:?}", excerpt(segment)),
        )
    };
    let decoded = percent_decode_str(segment).decode_utf8().map_err(|_| invalid())?;
    if decoded.contains(['/', '\\', '\0']) {
        Err(invalid())
    } else {
        Ok(decoded)
    }
}

fn repository(segments: &[&str]) -> Result<RepositoryName, Problem> {
    let name = segments.join("/");
    name.parse().map_err(|_| {
        Problem::new(
            Code::NameInvalid,
            format!("invalid repository name {:?}", excerpt(&name)),
        )
    })
}

fn manifest(repository: RepositoryName, reference: &str) -> Result<Route, Problem> {
    if reference.contains(':') {
        return Ok(Route::Manifest(
            repository,
            Identifier::Digest(parse_digest(reference)?),
        ));
    }
    Ok(match reference.parse() {
        Ok(tag) => Route::Manifest(repository, Identifier::Tag(tag)),
        Err(_) => Route::NoManifest(repository, excerpt(reference)),
    })
}

fn unrouted(path: &str) -> Problem {
    Problem::new(Code::Unsupported, format!("no endpoint at {:?}", excerpt(path)))
        .with_status(http::StatusCode::NOT_FOUND)
}
