//! Indexes of a content source.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, MediaType};
use tokio::sync::OnceCell;

use super::stored_image::{LooseBlob, document};
use super::{BlobLayer, ContentSource, StoredImage};
use crate::media_type::MediaTypeExt as _;
use crate::{Child, Error, Index, IndexManifest, MountSource};

/// An index that a [`ContentSource`] has, with all or some of its children.
///
/// Nothing is read before it is asked for; the document is verified, read once and kept. Children are
/// images, indexes and blobs of the same source, by their media types.
#[derive(Debug)]
pub struct StoredIndex<S> {
    source: Arc<S>,
    descriptor: Descriptor,
    manifest: OnceCell<IndexManifest>,
}

impl<S: ContentSource> StoredIndex<S> {
    /// The index that `descriptor` describes.
    pub fn new(descriptor: Descriptor, source: Arc<S>) -> Self {
        Self {
            source,
            descriptor,
            manifest: OnceCell::new(),
        }
    }

    /// The index of a document that is at hand.
    pub fn of_manifest(manifest: IndexManifest, source: Arc<S>) -> Self {
        Self {
            source,
            descriptor: manifest.descriptor(),
            manifest: OnceCell::new_with(Some(manifest)),
        }
    }
}

impl<S: ContentSource> Index for StoredIndex<S> {
    fn media_type(&self) -> MediaType {
        self.descriptor.media_type().clone()
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        Box::pin(async { Ok(self.descriptor.clone()) })
    }

    fn manifest(&self) -> BoxFuture<'_, Result<IndexManifest, Error>> {
        let read = || document(&*self.source, &self.descriptor);
        Box::pin(async move { self.manifest.get_or_try_init(read).await.cloned() })
    }

    fn child<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<Child, Error>> {
        Box::pin(async {
            let (source, descriptor) = (Arc::clone(&self.source), descriptor.clone());
            Ok(if descriptor.media_type().is_image() {
                Child::Image(Arc::new(StoredImage::new(descriptor, source)))
            } else if descriptor.media_type().is_index() {
                Child::Index(Arc::new(Self::new(descriptor, source)))
            } else {
                let limits = source.limits();
                let blob = LooseBlob {
                    source,
                    descriptor: descriptor.clone(),
                };
                Child::Blob(Arc::new(BlobLayer::new(descriptor, blob).with_limits(limits)))
            })
        })
    }

    fn mount_source(&self) -> Option<MountSource> {
        self.source.mount_source()
    }
}
