//! Images in a registry.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, MediaType};
use tokio::sync::OnceCell;
use wharf_name::{Reference, Repository};
use wharf_v1::{Config, Document, Image, Layer, Manifest, MountSource, PlatformSpec};

use crate::Client;
use crate::error::{Error, Operation};
use crate::read::{DOCUMENT_LIMIT, RemoteLayer, inline};

impl Client {
    /// The image that `reference` names (Go: `remote.Image`): if that is an index, its first child for `platform`,
    /// `linux/amd64` if none is given.
    ///
    /// Costs 1 request, 2 for a child of an index. Config and layers are read when they are asked for.
    ///
    /// # Errors
    /// As for [`get`](Self::get) and [`Fetched::image`](crate::Fetched::image).
    pub async fn image(
        &self,
        reference: &Reference,
        platform: Option<&PlatformSpec>,
    ) -> Result<RemoteImage, Error> {
        self.get(reference).await?.image(platform).await
    }
}

/// An image in a registry, whose parts are read when they are first needed.
///
/// The manifest and config are then kept; layers are streamed each time they are opened. Every byte is verified against
/// the digest that led to it. Cloning is cheap.
///
/// What [`config`](Image::config) and [`layers`](Image::layers) cost: 1 request for the config, none for the layers and
/// their descriptors, 1 for each time that a layer is opened. Content embedded in descriptors costs none.
#[derive(Clone)]
pub struct RemoteImage(Arc<Inner>);

struct Inner {
    client: Client,
    repository: Repository,
    descriptor: Descriptor,
    manifest: OnceCell<Manifest>,
    config: OnceCell<Config>,
}

impl RemoteImage {
    pub(crate) fn lazy(client: Client, repository: Repository, descriptor: Descriptor) -> Self {
        Self::of(client, repository, descriptor, OnceCell::new())
    }

    pub(crate) fn loaded(
        client: Client,
        repository: Repository,
        descriptor: Descriptor,
        manifest: Manifest,
    ) -> Self {
        Self::of(client, repository, descriptor, OnceCell::new_with(Some(manifest)))
    }

    fn of(
        client: Client,
        repository: Repository,
        descriptor: Descriptor,
        manifest: OnceCell<Manifest>,
    ) -> Self {
        Self(Arc::new(Inner {
            client,
            repository,
            descriptor,
            manifest,
            config: OnceCell::new(),
        }))
    }

    /// The repository that the image is in.
    #[must_use]
    pub fn repository(&self) -> &Repository {
        &self.0.repository
    }

    /// Media type, digest and size, and what the index said of it if it came from one.
    #[must_use]
    pub fn as_descriptor(&self) -> &Descriptor {
        &self.0.descriptor
    }

    /// The manifest, read if it was not yet.
    ///
    /// # Errors
    /// As for [`Client::get`].
    pub(crate) async fn load(&self) -> Result<&Manifest, Error> {
        let load = || async {
            let inner = &*self.0;
            let raw = inner
                .client
                .fetch_child(&inner.repository, &inner.descriptor)
                .await?;
            Ok(Document::new(raw, inner.descriptor.media_type().clone()))
        };
        self.0.manifest.get_or_try_init(load).await
    }

    pub(crate) async fn load_config(&self) -> Result<&Config, wharf_v1::Error> {
        let load = || async {
            let descriptor = self.load().await?.view()?.config();
            let raw = self
                .0
                .client
                .read_small_blob(&self.0.repository, descriptor)
                .await?;
            Config::verified(raw, descriptor.media_type().clone(), descriptor.digest())
        };
        self.0.config.get_or_try_init(load).await
    }
}

impl Client {
    /// The bytes of a manifest that an index names: exactly those, in digest and size.
    pub(crate) async fn fetch_child(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
    ) -> Result<Bytes, Error> {
        if let Some(raw) = inline::data(descriptor) {
            return Ok(raw);
        }
        let reference = Reference::Digest(repository.digest(descriptor.digest().clone()));
        let (got, raw) = self
            .fetch_manifest(&reference, descriptor.media_type().as_ref())
            .await?;
        if got.size() != descriptor.size() {
            let source = wharf_v1::Error::SizeMismatch {
                got: got.size(),
                want: descriptor.size(),
            };
            return Err(Error::content(Operation::Get, &reference, source));
        }
        Ok(raw)
    }

    /// A blob's bytes, where they are few enough.
    pub(crate) async fn read_small_blob(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
    ) -> Result<Bytes, wharf_v1::Error> {
        if let Some(raw) = inline::data(descriptor) {
            return Ok(raw);
        }
        let limit = DOCUMENT_LIMIT as u64;
        if descriptor.size() > limit {
            return Err(wharf_v1::Error::TooLarge { limit });
        }
        self.open_blob(repository, descriptor).await?.collect(limit).await
    }
}

impl Image for RemoteImage {
    fn media_type(&self) -> MediaType {
        self.0.descriptor.media_type().clone()
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, wharf_v1::Error>> {
        Box::pin(async { Ok(self.0.descriptor.clone()) })
    }

    fn manifest(&self) -> BoxFuture<'_, Result<Manifest, wharf_v1::Error>> {
        Box::pin(async { Ok(self.load().await?.clone()) })
    }

    fn config(&self) -> BoxFuture<'_, Result<Config, wharf_v1::Error>> {
        Box::pin(async { Ok(self.load_config().await?.clone()) })
    }

    fn layers(&self) -> BoxFuture<'_, Result<Vec<Arc<dyn Layer>>, wharf_v1::Error>> {
        Box::pin(async {
            let layers = self.load().await?.view()?.layers();
            let layer = |(at, descriptor): (usize, &Descriptor)| -> Arc<dyn Layer> {
                Arc::new(RemoteLayer::in_image(
                    self.0.client.clone(),
                    self.0.repository.clone(),
                    descriptor.clone(),
                    self.clone(),
                    at,
                ))
            };
            Ok(layers.iter().enumerate().map(layer).collect())
        })
    }

    fn mount_source(&self) -> Option<MountSource> {
        Some(mount_source(&self.0.repository))
    }
}

/// A repository, in the words of a crate that does not know the type.
pub(crate) fn mount_source(repository: &Repository) -> MountSource {
    MountSource::new(repository.registry().as_str(), repository.path())
}

impl fmt::Debug for RemoteImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteImage")
            .field("repository", &self.0.repository)
            .field("digest", self.0.descriptor.digest())
            .finish_non_exhaustive()
    }
}
