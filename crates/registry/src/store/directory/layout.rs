//! Where things are in the directory.
//!
//! ```text
//! lock                                             held by whoever uses the directory
//! version                                          format of all this
//! blobs/<algorithm>/<hh>/<hash>                    content, of blobs and manifests
//! repositories/<name>/_blobs/<algorithm>/<hash>    empty: the repository has this blob
//! repositories/<name>/_manifests/<algorithm>/<hash>  the repository has this manifest, and its media type
//! repositories/<name>/_referrers/<algorithm>/<hash>/<algorithm>-<hash>  of a subject, by referrer
//! repositories/<name>/_tags/<tag>                  the digest that the tag points at
//! repositories/<name>/_uploads/<id>                the bytes so far
//! repositories/<name>/_lock                        held by who changes manifests and tags
//! tmp/<random>                                     small files that are being written
//! ```
//!
//! No component of a repository's name begins with `_`, so nothing here can clash with a repository
//! inside a repository. Every piece of a path is of a type that cannot hold a separator.

use std::path::{Path, PathBuf};

use oci_spec::image::{Digest, DigestAlgorithm};

use crate::name::{RepositoryName, TagName};
use crate::store::{Error, UploadId};

/// The algorithms whose digests name content.
pub(super) const ALGORITHMS: [&str; 2] = ["sha256", "sha512"];

/// The paths in a store's directory.
#[derive(Debug)]
pub(super) struct Layout {
    root: PathBuf,
}

/// The paths of one repository.
#[derive(Debug)]
pub(super) struct RepositoryPaths {
    pub(super) root: PathBuf,
}

impl Layout {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn version(&self) -> PathBuf {
        self.root.join("version")
    }

    /// Held by those who use the directory, and alone by who collects garbage.
    pub(super) fn in_use(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub(super) fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    pub(super) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    pub(super) fn repositories(&self) -> PathBuf {
        self.root.join("repositories")
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Where content is.
    pub(super) fn content(&self, digest: &Digest) -> Result<PathBuf, Error> {
        let (algorithm, hash) = parts(digest)?;
        Ok(self.blobs().join(algorithm).join(&hash[..2]).join(hash))
    }

    pub(super) fn repository(&self, name: &RepositoryName) -> RepositoryPaths {
        RepositoryPaths {
            root: self.repositories().join(name.as_str()),
        }
    }
}

impl RepositoryPaths {
    pub(super) fn blobs(&self) -> PathBuf {
        self.root.join("_blobs")
    }

    pub(super) fn blob(&self, digest: &Digest) -> Result<PathBuf, Error> {
        let (algorithm, hash) = parts(digest)?;
        Ok(self.blobs().join(algorithm).join(hash))
    }

    pub(super) fn manifests(&self) -> PathBuf {
        self.root.join("_manifests")
    }

    pub(super) fn manifest(&self, digest: &Digest) -> Result<PathBuf, Error> {
        let (algorithm, hash) = parts(digest)?;
        Ok(self.manifests().join(algorithm).join(hash))
    }

    pub(super) fn referrers(&self, subject: &Digest) -> Result<PathBuf, Error> {
        let (algorithm, hash) = parts(subject)?;
        Ok(self.root.join("_referrers").join(algorithm).join(hash))
    }

    pub(super) fn referrer(&self, subject: &Digest, digest: &Digest) -> Result<PathBuf, Error> {
        let (algorithm, hash) = parts(digest)?;
        Ok(self.referrers(subject)?.join(format!("{algorithm}-{hash}")))
    }

    pub(super) fn tags(&self) -> PathBuf {
        self.root.join("_tags")
    }

    pub(super) fn tag(&self, tag: &TagName) -> PathBuf {
        self.tags().join(tag.as_str())
    }

    pub(super) fn uploads(&self) -> PathBuf {
        self.root.join("_uploads")
    }

    pub(super) fn upload(&self, id: &UploadId) -> PathBuf {
        self.uploads().join(id.as_str())
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.root.join("_lock")
    }
}

/// Algorithm and hash of a digest that can be part of a path: the hash is hex of the right length.
fn parts(digest: &Digest) -> Result<(&str, &str), Error> {
    match digest.algorithm() {
        DigestAlgorithm::Sha256 | DigestAlgorithm::Sha512 => {
            Ok((digest.algorithm().as_ref(), digest.digest()))
        }
        other => Err(Error::UnsupportedAlgorithm {
            algorithm: other.to_string(),
        }),
    }
}
