//! Indexes made of their parts.

use std::collections::HashMap;

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, Digest, MediaType};

use crate::{Child, Error, Index, IndexManifest};

/// An index whose document is at hand and whose children are given.
#[derive(Clone, Debug)]
pub struct AssembledIndex {
    manifest: IndexManifest,
    children: HashMap<Digest, Child>,
}

impl AssembledIndex {
    /// An index of a document and the children that it lists, each with its digest. Children that are
    /// not given are [`Error::NotFound`] when asked for.
    pub fn new(manifest: IndexManifest, children: impl IntoIterator<Item = (Digest, Child)>) -> Self {
        Self {
            manifest,
            children: children.into_iter().collect(),
        }
    }
}

impl Index for AssembledIndex {
    fn media_type(&self) -> MediaType {
        self.manifest.media_type().clone()
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        Box::pin(async { Ok(self.manifest.descriptor()) })
    }

    fn manifest(&self) -> BoxFuture<'_, Result<IndexManifest, Error>> {
        Box::pin(async { Ok(self.manifest.clone()) })
    }

    fn child<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<Child, Error>> {
        Box::pin(async {
            let digest = descriptor.digest();
            self.children.get(digest).cloned().ok_or_else(|| Error::NotFound {
                digest: digest.clone(),
            })
        })
    }
}
