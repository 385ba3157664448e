//! Indexes of a layout: its `index.json`, and those nested in it.

use std::fmt;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, MediaType};
use tokio::sync::OnceCell;
use wharf_v1::media_type::MediaTypeExt as _;
use wharf_v1::{Child, Error, Image, Index, IndexManifest};

use crate::blobs::Blobs;
use crate::image::{DOCUMENT_LIMIT, LayoutImage};
use crate::layer::layer;

/// An index of a layout.
pub(crate) struct LayoutIndex {
    blobs: Blobs,
    descriptor: Descriptor,
    manifest: OnceCell<IndexManifest>,
}

impl LayoutIndex {
    /// The index that a descriptor names; read when first needed.
    fn nested(blobs: Blobs, descriptor: Descriptor) -> Self {
        Self {
            blobs,
            descriptor,
            manifest: OnceCell::new(),
        }
    }

    /// `index.json` as it was read.
    pub(crate) fn root(blobs: Blobs, manifest: IndexManifest) -> Self {
        Self {
            blobs,
            descriptor: manifest.descriptor(),
            manifest: OnceCell::new_with(Some(manifest)),
        }
    }

    async fn load(&self) -> Result<IndexManifest, Error> {
        let raw = self.blobs.read(&self.descriptor, DOCUMENT_LIMIT).await?;
        IndexManifest::verified(
            raw,
            self.descriptor.media_type().clone(),
            self.descriptor.digest(),
        )
    }

    async fn open_child(&self, descriptor: &Descriptor) -> Result<Child, Error> {
        let digest = descriptor.digest();
        if self.blobs.size(digest).await?.is_none() {
            return Err(Error::NotFound {
                digest: digest.clone(),
            });
        }
        let (blobs, descriptor) = (self.blobs.clone(), descriptor.clone());
        Ok(if descriptor.media_type().is_image() {
            Child::Image(Arc::new(LayoutImage::new(blobs, descriptor)))
        } else if descriptor.media_type().is_index() {
            Child::Index(Arc::new(Self::nested(blobs, descriptor)))
        } else {
            Child::Blob(Arc::new(layer(&blobs, &descriptor)))
        })
    }
}

impl Index for LayoutIndex {
    fn media_type(&self) -> MediaType {
        self.descriptor.media_type().clone()
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        Box::pin(async { Ok(self.descriptor.clone()) })
    }

    fn manifest(&self) -> BoxFuture<'_, Result<IndexManifest, Error>> {
        Box::pin(async { Ok(self.manifest.get_or_try_init(|| self.load()).await?.clone()) })
    }

    fn child<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<Child, Error>> {
        Box::pin(self.open_child(descriptor))
    }
}

/// The images that an index lists itself.
pub(crate) async fn images(index: &dyn Index) -> Result<Vec<Arc<dyn Image>>, crate::Error> {
    let mut images = Vec::new();
    for descriptor in index.manifest().await?.view()?.manifests() {
        if let Child::Image(image) = index.child(descriptor).await? {
            images.push(image);
        }
    }
    Ok(images)
}

impl fmt::Debug for LayoutIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayoutIndex")
            .field("layout", &self.blobs.path())
            .field("digest", &self.descriptor.digest().to_string())
            .finish_non_exhaustive()
    }
}
