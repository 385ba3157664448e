//! An index that was made from another.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, MediaType};
use tokio::sync::OnceCell;
use wharf_v1::{Child, Error, Index, IndexManifest};

use crate::annotations::merged;

/// An index that was made from another by a function of this crate.
#[derive(Debug)]
pub struct MutatedIndex {
    base: Arc<dyn Index>,
    annotations: BTreeMap<String, String>,
    manifest: OnceCell<IndexManifest>,
}

impl MutatedIndex {
    pub(crate) fn new(base: Arc<dyn Index>, annotations: BTreeMap<String, String>) -> Self {
        Self {
            base,
            annotations,
            manifest: OnceCell::new(),
        }
    }

    async fn compute(&self) -> Result<IndexManifest, Error> {
        self.base.manifest().await?.edit(|index| {
            let annotations = merged(index.annotations().as_ref(), &self.annotations);
            index.set_annotations(annotations);
        })
    }
}

impl Index for MutatedIndex {
    fn media_type(&self) -> MediaType {
        self.base.media_type()
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        Box::pin(async { Ok(self.manifest().await?.descriptor()) })
    }

    fn manifest(&self) -> BoxFuture<'_, Result<IndexManifest, Error>> {
        Box::pin(async { self.manifest.get_or_try_init(|| self.compute()).await.cloned() })
    }

    fn child<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<Child, Error>> {
        self.base.child(descriptor)
    }
}
