//! Indexes of a layout: its `index.json`, and those nested in it.

use std::fmt;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, MediaType};
use tokio::sync::OnceCell;
use wharf_v1::media_type::MediaTypeExt as _;
use wharf_v1::{Child, Error, Index, IndexManifest};

use crate::image::{DOCUMENT_LIMIT, LayoutImage};
use crate::layer::layer;
use crate::store::Store;

/// An index of a layout.
pub(crate) struct LayoutIndex {
    store: Store,
    descriptor: Descriptor,
    manifest: OnceCell<IndexManifest>,
}

impl LayoutIndex {
    /// The index that a descriptor names; read when first needed.
    fn nested(store: Store, descriptor: Descriptor) -> Self {
        Self {
            store,
            descriptor,
            manifest: OnceCell::new(),
        }
    }

    /// `index.json` as it was read.
    pub(crate) fn root(store: Store, manifest: IndexManifest) -> Self {
        Self {
            store,
            descriptor: manifest.descriptor(),
            manifest: OnceCell::new_with(Some(manifest)),
        }
    }

    async fn load(&self) -> Result<IndexManifest, Error> {
        let raw = self.store.read(&self.descriptor, DOCUMENT_LIMIT).await?;
        IndexManifest::verified(
            raw,
            self.descriptor.media_type().clone(),
            self.descriptor.digest(),
        )
    }

    async fn open_child(&self, descriptor: &Descriptor) -> Result<Child, Error> {
        let digest = descriptor.digest();
        if self.store.size(digest).await?.is_none() {
            return Err(Error::NotFound {
                digest: digest.clone(),
            });
        }
        let (store, descriptor) = (self.store.clone(), descriptor.clone());
        Ok(if descriptor.media_type().is_image() {
            Child::Image(Arc::new(LayoutImage::new(store, descriptor)))
        } else if descriptor.media_type().is_index() {
            Child::Index(Arc::new(Self::nested(store, descriptor)))
        } else {
            Child::Blob(Arc::new(layer(&store, &descriptor)))
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

impl fmt::Debug for LayoutIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayoutIndex")
            .field("layout", &self.store.root())
            .field("digest", &self.descriptor.digest().to_string())
            .finish_non_exhaustive()
    }
}
