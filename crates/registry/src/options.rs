//! What a registry allows.

/// What a registry allows. The default allows everything that the specification has.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether clients may change anything. Default: [`Access::ReadWrite`].
    pub access: Access,
    /// Whether clients may delete blobs, manifests and tags. Default: [`Deletion::Allowed`].
    pub deletion: Deletion,
    /// Whether a manifest may be put before what it refers to. Default: [`References::MustExist`].
    pub references: References,
    /// The largest manifest that is taken in, in bytes. Default: 4 MiB.
    pub manifest_limit: u64,
    /// The most entries on one page of a list, and how many there are if the client names no number.
    /// Default: 10,000.
    pub page_limit: usize,
}

/// Whether clients may change anything.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading and writing.
    ReadWrite,
    /// Reading only: every request that would change something is answered 405 `UNSUPPORTED`.
    ReadOnly,
}

/// Whether clients may delete blobs, manifests and tags.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// They may.
    Allowed,
    /// They may not: 405 `UNSUPPORTED`.
    Refused,
}

/// Whether a manifest may be put before what it refers to.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum References {
    /// The config and layers of an image manifest and the children of an index must be in the
    /// repository, or the manifest is refused with `MANIFEST_BLOB_UNKNOWN`. Subjects, and layers that
    /// are not distributable or have `urls`, need not.
    MustExist,
    /// Nothing is checked: sparse images and indexes are taken.
    MayBeMissing,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            access: Access::ReadWrite,
            deletion: Deletion::Allowed,
            references: References::MustExist,
            manifest_limit: 4 << 20,
            page_limit: 10_000,
        }
    }
}

impl Options {
    /// Sets [`access`](Self::access).
    #[must_use]
    pub fn with_access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Sets [`deletion`](Self::deletion).
    #[must_use]
    pub fn with_deletion(mut self, deletion: Deletion) -> Self {
        self.deletion = deletion;
        self
    }

    /// Sets [`references`](Self::references).
    #[must_use]
    pub fn with_references(mut self, references: References) -> Self {
        self.references = references;
        self
    }

    /// Sets [`manifest_limit`](Self::manifest_limit), in bytes.
    #[must_use]
    pub fn with_manifest_limit(mut self, manifest_limit: u64) -> Self {
        self.manifest_limit = manifest_limit;
        self
    }

    /// Sets [`page_limit`](Self::page_limit).
    #[must_use]
    pub fn with_page_limit(mut self, page_limit: usize) -> Self {
        self.page_limit = page_limit;
        self
    }
}
