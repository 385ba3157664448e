//! Images and layers of a content source.

use std::sync::Arc;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, Digest, MediaType};
use tokio::sync::OnceCell;

use super::{BlobLayer, BlobSource, ContentSource, diff_ids};
use crate::{ByteStream, Config, Document, Error, Image, Layer, Manifest, MountSource, View};

/// Bytes of a manifest, index or config that are read into memory, at most.
const DOCUMENT_LIMIT: u64 = 100 * 1024 * 1024;

/// An image of which a [`ContentSource`] has manifest, config and layers.
///
/// Nothing is read before it is asked for. Documents are verified, read once and kept; layers are
/// verified whenever they are opened.
#[derive(Debug)]
pub struct StoredImage<S> {
    inner: Arc<Inner<S>>,
    /// Not within what they share, since each of them holds that.
    layers: OnceCell<Vec<Arc<dyn Layer>>>,
}

#[derive(Debug)]
struct Inner<S> {
    source: Arc<S>,
    descriptor: Descriptor,
    manifest: OnceCell<Manifest>,
    config: OnceCell<Config>,
    diff_ids: OnceCell<Option<Vec<Digest>>>,
}

impl<S: ContentSource> StoredImage<S> {
    /// The image whose manifest `descriptor` describes.
    pub fn new(descriptor: Descriptor, source: Arc<S>) -> Self {
        Self::of(descriptor, source, OnceCell::new())
    }

    /// The image of a manifest that is at hand.
    pub fn of_manifest(manifest: Manifest, source: Arc<S>) -> Self {
        Self::of(manifest.descriptor(), source, OnceCell::new_with(Some(manifest)))
    }

    fn of(descriptor: Descriptor, source: Arc<S>, manifest: OnceCell<Manifest>) -> Self {
        let inner = Inner {
            source,
            descriptor,
            manifest,
            config: OnceCell::new(),
            diff_ids: OnceCell::new(),
        };
        Self {
            inner: Arc::new(inner),
            layers: OnceCell::new(),
        }
    }
}

impl<S: ContentSource> Inner<S> {
    async fn manifest(&self) -> Result<&Manifest, Error> {
        let read = || document(&*self.source, &self.descriptor);
        self.manifest.get_or_try_init(read).await
    }

    async fn config(&self) -> Result<&Config, Error> {
        let read = || async { document(&*self.source, self.manifest().await?.view()?.config()).await };
        self.config.get_or_try_init(read).await
    }

    async fn diff_ids(&self) -> Result<Option<&[Digest]>, Error> {
        let read = || async { diff_ids(self.manifest().await?, self.config().await?) };
        Ok(self.diff_ids.get_or_try_init(read).await?.as_deref())
    }
}

impl<S: ContentSource> Image for StoredImage<S> {
    fn media_type(&self) -> MediaType {
        self.inner.descriptor.media_type().clone()
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        Box::pin(async { Ok(self.inner.descriptor.clone()) })
    }

    fn manifest(&self) -> BoxFuture<'_, Result<Manifest, Error>> {
        Box::pin(async { self.inner.manifest().await.cloned() })
    }

    fn config(&self) -> BoxFuture<'_, Result<Config, Error>> {
        Box::pin(async { self.inner.config().await.cloned() })
    }

    fn layers(&self) -> BoxFuture<'_, Result<Vec<Arc<dyn Layer>>, Error>> {
        let make = || async {
            let listed = self.inner.manifest().await?.view()?.layers();
            let layers = listed.iter().enumerate().map(|(at, listed)| {
                let blob = ListedBlob {
                    image: Arc::clone(&self.inner),
                    descriptor: listed.clone(),
                    at,
                };
                let layer = BlobLayer::new(listed.clone(), blob).with_limits(self.inner.source.limits());
                Arc::new(layer) as Arc<dyn Layer>
            });
            Ok::<_, Error>(layers.collect())
        };
        Box::pin(async move { Ok(self.layers.get_or_try_init(make).await?.clone()) })
    }

    fn mount_source(&self) -> Option<MountSource> {
        self.inner.source.mount_source()
    }
}

/// The bytes of a layer, which know their image.
#[derive(Debug)]
struct ListedBlob<S> {
    image: Arc<Inner<S>>,
    descriptor: Descriptor,
    at: usize,
}

impl<S: ContentSource> BlobSource for ListedBlob<S> {
    fn open(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        self.image.source.open(&self.descriptor)
    }

    fn diff_id(&self) -> BoxFuture<'_, Result<Option<Digest>, Error>> {
        Box::pin(async {
            let diff_ids = self.image.diff_ids().await?;
            Ok(diff_ids.and_then(|diff_ids| diff_ids.get(self.at)).cloned())
        })
    }

    fn mount_source(&self) -> Option<MountSource> {
        self.image.source.mount_source()
    }
}

/// A blob of a content source that is listed by nobody.
#[derive(Debug)]
pub(super) struct LooseBlob<S> {
    pub(super) source: Arc<S>,
    pub(super) descriptor: Descriptor,
}

impl<S: ContentSource> BlobSource for LooseBlob<S> {
    fn open(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        self.source.open(&self.descriptor)
    }

    fn mount_source(&self) -> Option<MountSource> {
        self.source.mount_source()
    }
}

/// Reads a document, verified.
pub(super) async fn document<S: ContentSource, T: View>(
    source: &S,
    descriptor: &Descriptor,
) -> Result<Document<T>, Error> {
    if descriptor.size() > DOCUMENT_LIMIT {
        return Err(Error::TooLarge {
            limit: DOCUMENT_LIMIT,
        });
    }
    let stream = source.open(descriptor).await?.verified(descriptor)?;
    let raw: Bytes = stream.collect(DOCUMENT_LIMIT).await?;
    Document::verified(raw, descriptor.media_type().clone(), descriptor.digest())
}
