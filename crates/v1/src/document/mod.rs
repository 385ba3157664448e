//! Documents: exact bytes with a typed view.

mod canonical;
mod descriptor;
mod edit;
mod json;
mod parse;
mod schema;
mod time;
mod view;

use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use oci_spec::image::{
    Descriptor, Digest, DigestAlgorithm, ImageConfiguration, ImageIndex, ImageManifest, MediaType,
};

use crate::{Error, Hasher};

pub use descriptor::{DescriptorExt, parse_descriptor};
pub use view::{DocumentKind, View};

/// The manifest of an image or artifact: its bytes and their typed view.
pub type Manifest = Document<ImageManifest>;
/// An index (or Docker manifest list): its bytes and their typed view.
pub type IndexManifest = Document<ImageIndex>;
/// The config of an image: its bytes and their typed view.
pub type Config = Document<ImageConfiguration>;

/// A manifest, index or config: the exact bytes, their digest, their media type and, parsed when
/// first asked for, the typed view.
///
/// The digest is always that of the bytes. Cloning is cheap.
pub struct Document<T>(Arc<Inner<T>>);

struct Inner<T> {
    raw: Bytes,
    digest: Digest,
    media_type: MediaType,
    view: OnceLock<T>,
}

impl<T: View> Document<T> {
    /// A document of these bytes, hashed with sha256. The bytes are not parsed yet.
    #[must_use]
    pub fn new(raw: impl Into<Bytes>, media_type: MediaType) -> Self {
        let raw = raw.into();
        let digest = crate::sha256(&raw);
        Self::of(raw, digest, media_type)
    }

    /// A document of bytes that must hash to `want`, with the algorithm of `want`.
    ///
    /// # Errors
    /// [`Error::DigestMismatch`] when they do not, [`Error::UnsupportedAlgorithm`] when that cannot
    /// be told.
    pub fn verified(raw: impl Into<Bytes>, media_type: MediaType, want: &Digest) -> Result<Self, Error> {
        let raw = raw.into();
        let got = digest_of(&raw, want.algorithm())?;
        if got != *want {
            return Err(Error::DigestMismatch {
                got,
                want: want.clone(),
                read: raw.len() as u64,
            });
        }
        Ok(Self::of(raw, got, media_type))
    }

    fn of(raw: Bytes, digest: Digest, media_type: MediaType) -> Self {
        Self(Arc::new(Inner {
            raw,
            digest,
            media_type,
            view: OnceLock::new(),
        }))
    }

    /// The bytes, exactly as stored.
    #[must_use]
    pub fn raw(&self) -> &Bytes {
        &self.0.raw
    }

    /// The digest of [`raw`](Self::raw).
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.0.digest
    }

    /// Bytes in [`raw`](Self::raw).
    #[must_use]
    pub fn size(&self) -> u64 {
        self.0.raw.len() as u64
    }

    /// The media type that the document was stored or served with.
    #[must_use]
    pub fn media_type(&self) -> &MediaType {
        &self.0.media_type
    }

    /// Media type, digest and size.
    #[must_use]
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::new(self.0.media_type.clone(), self.size(), self.0.digest.clone())
    }

    /// Checks that this is what `descriptor` describes.
    ///
    /// # Errors
    /// [`Error::SizeMismatch`] or [`Error::DigestMismatch`] when it is not,
    /// [`Error::UnsupportedAlgorithm`] when that cannot be told.
    pub fn check(&self, descriptor: &Descriptor) -> Result<(), Error> {
        if self.size() != descriptor.size() {
            return Err(Error::SizeMismatch {
                got: self.size(),
                want: descriptor.size(),
            });
        }
        let want = descriptor.digest();
        if self.0.digest == *want {
            return Ok(());
        }
        let got = digest_of(&self.0.raw, want.algorithm())?;
        if got != *want {
            return Err(Error::DigestMismatch {
                got,
                want: want.clone(),
                read: self.size(),
            });
        }
        Ok(())
    }

    /// The typed view, parsed at the first call.
    ///
    /// Parsing is tolerant where real documents are: `null` stands for what is missing, descriptors
    /// without a media type have an empty one, unknown media types and digest algorithms are kept. A
    /// config or index may lack anything. Lists that are sets (`ExposedPorts`, `Volumes`) come sorted.
    ///
    /// # Errors
    /// - [`Error::InvalidDocument`] when the bytes are no JSON of this kind, when bytes follow the
    ///   JSON, when a manifest or descriptor lacks what makes it one, or when a manifest or index could
    ///   be taken otherwise by another reader: for one of the other kind, by what it contains or by its
    ///   `mediaType` field, or with other content, by names that differ in case only
    ///   ([CVE-2021-41190](https://github.com/opencontainers/distribution-spec/security/advisories/GHSA-mc8v-mgrf-8f4m)).
    /// - [`Error::UnexpectedMediaType`] when it was stored as a document of another kind.
    pub fn view(&self) -> Result<&T, Error> {
        if let Some(view) = self.0.view.get() {
            return Ok(view);
        }
        let view = parse::parse(&self.0.raw, &self.0.media_type)?;
        Ok(self.0.view.get_or_init(|| view))
    }
}

impl<T> Clone for Document<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Document<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("digest", &self.0.digest.to_string())
            .field("media_type", &self.0.media_type.to_string())
            .field("size", &self.0.raw.len())
            .finish_non_exhaustive()
    }
}

fn digest_of(raw: &[u8], algorithm: &DigestAlgorithm) -> Result<Digest, Error> {
    let mut hasher = Hasher::new(algorithm)?;
    hasher.update(raw);
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests;
