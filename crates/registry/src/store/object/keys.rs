//! What objects are called.
//!
//! ```text
//! blobs/<algorithm>/<hex>                                  bytes
//! repositories/<name>/_blobs/<algorithm>/<hex>             size, in digits
//! repositories/<name>/_manifests/<algorithm>/<hex>         media type, line feed, bytes
//! repositories/<name>/_tags/<tag>                          digest
//! repositories/<name>/_referrers/<algorithm>/<hex>/<algorithm>/<hex>   descriptor, as JSON
//! repositories/<name>/_subjects/<algorithm>/<hex>          digest of the subject of this manifest
//! repositories/<name>/_uploads/<id>/begun                  algorithm
//! repositories/<name>/_known                               nothing of interest: something was stored here once
//! repositories/<name>/_uploads/<id>/<offset>-<length>      bytes
//! garbage/<run>/<algorithm>/<hex>                          bytes of a blob, while it is found out whether anybody has it
//! ```
//!
//! No component of a repository's name begins with `_`.

use object_store::path::Path;
use oci_spec::image::Digest;

use crate::name::{RepositoryName, TagName};
use crate::store::UploadId;

/// What marks the part of a key after which the repository's name ends.
const LINKS: &str = "/_blobs/";
const MANIFESTS: &str = "/_manifests/";
const UPLOADS: &str = "/_uploads/";

/// The names of objects below a prefix.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    /// Empty, or ends with a slash.
    prefix: String,
}

impl Keys {
    pub(super) fn below(prefix: &str) -> Self {
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() {
            String::new()
        } else {
            format!("{prefix}/")
        };
        Self { prefix }
    }

    fn key(&self, rest: &str) -> Path {
        Path::from(format!("{}{rest}", self.prefix))
    }

    fn of(&self, repository: &RepositoryName, rest: &str) -> Path {
        self.key(&format!("repositories/{}/{rest}", repository.as_str()))
    }

    pub(super) fn blob(&self, digest: &Digest) -> Path {
        self.key(&format!("blobs/{}", parts(digest)))
    }

    pub(super) fn blob_link(&self, repository: &RepositoryName, digest: &Digest) -> Path {
        self.of(repository, &format!("_blobs/{}", parts(digest)))
    }

    pub(super) fn manifest(&self, repository: &RepositoryName, digest: &Digest) -> Path {
        self.of(repository, &format!("_manifests/{}", parts(digest)))
    }

    pub(super) fn tags(&self, repository: &RepositoryName) -> Path {
        self.of(repository, "_tags")
    }

    pub(super) fn tag(&self, repository: &RepositoryName, tag: &TagName) -> Path {
        self.of(repository, &format!("_tags/{}", tag.as_str()))
    }

    pub(super) fn referrers(&self, repository: &RepositoryName, subject: &Digest) -> Path {
        self.of(repository, &format!("_referrers/{}", parts(subject)))
    }

    pub(super) fn referrer(&self, repository: &RepositoryName, subject: &Digest, digest: &Digest) -> Path {
        self.of(
            repository,
            &format!("_referrers/{}/{}", parts(subject), parts(digest)),
        )
    }

    pub(super) fn subject(&self, repository: &RepositoryName, digest: &Digest) -> Path {
        self.of(repository, &format!("_subjects/{}", parts(digest)))
    }

    pub(super) fn upload(&self, repository: &RepositoryName, id: &UploadId) -> Path {
        self.of(repository, &format!("_uploads/{id}"))
    }

    pub(super) fn begun(&self, repository: &RepositoryName, id: &UploadId) -> Path {
        self.of(repository, &format!("_uploads/{id}/begun"))
    }

    /// Names of this width sort as their numbers do.
    pub(super) fn part(&self, repository: &RepositoryName, id: &UploadId, offset: u64, length: u64) -> Path {
        self.of(repository, &format!("_uploads/{id}/{offset:020}-{length:020}"))
    }

    pub(super) fn repositories(&self) -> Path {
        self.key("repositories")
    }

    pub(super) fn blobs(&self) -> Path {
        self.key("blobs")
    }

    /// All that is set aside.
    pub(super) fn garbage(&self) -> Path {
        self.key("garbage")
    }

    /// Where one run of the collector sets a blob aside.
    pub(super) fn set_aside(&self, run: &UploadId, digest: &Digest) -> Path {
        self.key(&format!("garbage/{run}/{}", parts(digest)))
    }

    /// The digest of a key that is a blob, set aside or in its place.
    pub(super) fn content(&self, key: &Path) -> Option<Digest> {
        let rest = key.as_ref().strip_prefix(&self.prefix)?;
        let rest = match rest.strip_prefix("garbage/") {
            Some(rest) => rest.split_once('/')?.1,
            None => rest.strip_prefix("blobs/")?,
        };
        whole(rest)
    }

    /// The digest of a key that is a link to a blob.
    pub(super) fn linked(&self, key: &Path) -> Option<Digest> {
        whole(&self.split(key, LINKS)?.1)
    }

    /// The upload that a key is a part of.
    pub(super) fn uploading(&self, key: &Path) -> Option<(RepositoryName, UploadId)> {
        let (name, rest) = self.split(key, UPLOADS)?;
        Some((name, rest.split('/').next()?.parse().ok()?))
    }

    pub(super) fn known(&self, repository: &RepositoryName) -> Path {
        self.of(repository, "_known")
    }

    /// The repository of a key that is a link to a blob.
    pub(super) fn linking(&self, key: &Path, digest: &Digest) -> Option<RepositoryName> {
        let (name, rest) = self.split(key, LINKS)?;
        (rest == parts(digest)).then_some(name)
    }

    /// The repository of a key that is a manifest.
    pub(super) fn listing(&self, key: &Path) -> Option<RepositoryName> {
        Some(self.split(key, MANIFESTS)?.0)
    }

    fn split(&self, key: &Path, at: &str) -> Option<(RepositoryName, String)> {
        let rest = key
            .as_ref()
            .strip_prefix(&self.prefix)?
            .strip_prefix("repositories/")?;
        let (name, rest) = rest.split_once(at)?;
        Some((name.parse().ok()?, rest.to_owned()))
    }
}

fn parts(digest: &Digest) -> String {
    format!("{}/{}", digest.algorithm(), digest.digest())
}

/// The digest that [`parts`] were made of.
fn whole(parts: &str) -> Option<Digest> {
    wharf_v1::parse_digest(&parts.replacen('/', ":", 1)).ok()
}
