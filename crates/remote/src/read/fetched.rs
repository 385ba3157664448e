//! A manifest that was read, before anything is made of it.

use std::fmt;

use bytes::Bytes;
use oci_spec::image::{Descriptor, MediaType};
use wharf_name::Reference;
use wharf_v1::media_type::MediaTypeExt as _;
use wharf_v1::{Document, DocumentKind, Image as _, IndexExt as _, PlatformSpec};

use crate::Client;
use crate::error::{Error, Operation};
use crate::read::{RemoteImage, RemoteIndex};

/// What a reference names: the bytes of a manifest or index of any kind, and what they are
/// (Go: `remote.Descriptor`).
///
/// Made by [`Client::get`]. Cloning is cheap.
#[derive(Clone)]
pub struct Fetched {
    client: Client,
    reference: Reference,
    descriptor: Descriptor,
    raw: Bytes,
}

impl Fetched {
    pub(crate) fn new(client: Client, reference: Reference, descriptor: Descriptor, raw: Bytes) -> Self {
        Self {
            client,
            reference,
            descriptor,
            raw,
        }
    }

    /// What was asked for.
    #[must_use]
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// Media type, digest and size.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// What kind of manifest it is.
    #[must_use]
    pub fn media_type(&self) -> &MediaType {
        self.descriptor.media_type()
    }

    /// The bytes as the registry has them.
    #[must_use]
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// The image: this one, or, if this is an index, its first child for `platform`, `linux/amd64` if none is given.
    ///
    /// A single image is taken whatever its platform. Indexes in an index are searched as well if they are for the
    /// platform or do not say.
    ///
    /// Costs nothing for an image. For an index it costs 1 request for the child, and 1 for each nested index that is
    /// searched.
    ///
    /// # Errors
    /// [`Error::Content`] with [`wharf_v1::Error::NoPlatform`] when the index has no such child, with
    /// [`wharf_v1::Error::UnexpectedMediaType`] when this is neither image nor index; [`Error::Request`] and
    /// [`Error::Answer`] as for [`Client::get`].
    pub async fn image(&self, platform: Option<&PlatformSpec>) -> Result<RemoteImage, Error> {
        if self.media_type().is_index() {
            return self.child_for(&platform.cloned().unwrap_or_default()).await;
        }
        if !self.media_type().is_image() {
            return Err(self.unexpected(DocumentKind::Manifest));
        }
        let manifest = Document::new(self.raw.clone(), self.media_type().clone());
        let repository = self.reference.repository().clone();
        Ok(RemoteImage::loaded(
            self.client.clone(),
            repository,
            self.descriptor.clone(),
            manifest,
        ))
    }

    async fn child_for(&self, platform: &PlatformSpec) -> Result<RemoteImage, Error> {
        let failed = |error| Error::content(Operation::Get, &self.reference, error);
        let found = self.index()?.image_for(platform).await.map_err(failed)?;
        let descriptor = found.descriptor().await.map_err(failed)?;
        // The same image, as what it is: children of a remote index are remote images in its repository.
        let image = RemoteImage::lazy(
            self.client.clone(),
            self.reference.repository().clone(),
            descriptor,
        );
        image.load().await?;
        Ok(image)
    }

    /// The index.
    ///
    /// # Errors
    /// [`Error::Content`] with [`wharf_v1::Error::UnexpectedMediaType`] when this is no index.
    pub fn index(&self) -> Result<RemoteIndex, Error> {
        if !self.media_type().is_index() {
            return Err(self.unexpected(DocumentKind::Index));
        }
        let manifest = Document::new(self.raw.clone(), self.media_type().clone());
        let repository = self.reference.repository().clone();
        Ok(RemoteIndex::loaded(
            self.client.clone(),
            repository,
            self.descriptor.clone(),
            manifest,
        ))
    }

    fn unexpected(&self, wanted: DocumentKind) -> Error {
        let got = self.media_type().clone();
        let source = wharf_v1::Error::UnexpectedMediaType { got, wanted };
        Error::content(Operation::Get, &self.reference, source)
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched")
            .field("reference", &self.reference)
            .field("descriptor", &self.descriptor)
            .finish_non_exhaustive()
    }
}
