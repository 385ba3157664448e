//! An index that was made from another.

mod append;
mod children;
mod edit;
mod order;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, Digest, ImageIndex, MediaType};
use tokio::sync::OnceCell;
use wharf_v1::{Child, Error, Index, IndexManifest};

pub use append::{IndexAddendum, append_children};
pub use children::{edit_children, filter_platforms, keep_children, remove_children, replace_child};
pub(crate) use edit::Edit;
pub use edit::edit_images;

/// An index that was made from another by a function of this crate.
#[derive(Debug)]
pub struct MutatedIndex {
    base: Arc<dyn Index>,
    change: Change,
    media_type: MediaType,
    /// Only what was computed without an error is kept: a layer of a child may be read later.
    documents: OnceCell<Documents>,
}

/// What is other than in the base.
pub(crate) enum Change {
    /// An edit of the document that touches neither digests nor the media type.
    Document(Box<dyn Fn(&mut ImageIndex) + Send + Sync>),
    Append(Vec<IndexAddendum>),
    /// The documents are computed.
    Computed,
}

#[derive(Clone, Debug)]
pub(crate) struct Documents {
    pub(crate) manifest: IndexManifest,
    /// Children that the base does not have.
    pub(crate) children: HashMap<Digest, Child>,
}

impl MutatedIndex {
    pub(crate) fn new(base: Arc<dyn Index>, change: Change) -> Self {
        Self {
            media_type: base.media_type(),
            base,
            change,
            documents: OnceCell::new(),
        }
    }

    /// An index whose documents are computed already.
    pub(crate) fn computed(base: Arc<dyn Index>, documents: Documents) -> Self {
        Self {
            base,
            change: Change::Computed,
            media_type: documents.manifest.media_type().clone(),
            documents: OnceCell::new_with(Some(documents)),
        }
    }

    pub(crate) fn edited(
        base: Arc<dyn Index>,
        edit: impl Fn(&mut ImageIndex) + Send + Sync + 'static,
    ) -> Self {
        Self::new(base, Change::Document(Box::new(edit)))
    }

    async fn documents(&self) -> Result<&Documents, Error> {
        self.documents.get_or_try_init(|| self.compute()).await
    }

    async fn compute(&self) -> Result<Documents, Error> {
        let manifest = self.base.manifest().await?;
        let mut children = HashMap::new();
        let manifest = match &self.change {
            Change::Document(edit) => manifest.edit(edit)?,
            Change::Append(added) => {
                let mut listed = manifest.view()?.manifests().clone();
                for addendum in added {
                    let descriptor = addendum.descriptor().await?;
                    children.insert(descriptor.digest().clone(), addendum.child.clone());
                    listed.push(descriptor);
                }
                manifest.edit(|index| {
                    index.set_manifests(listed);
                })?
            }
            Change::Computed => unreachable!("its documents are there from the beginning"),
        };
        Ok(Documents { manifest, children })
    }
}

impl Index for MutatedIndex {
    fn media_type(&self) -> MediaType {
        self.media_type.clone()
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        Box::pin(async { Ok(self.documents().await?.manifest.descriptor()) })
    }

    fn manifest(&self) -> BoxFuture<'_, Result<IndexManifest, Error>> {
        Box::pin(async { Ok(self.documents().await?.manifest.clone()) })
    }

    fn child<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<Child, Error>> {
        Box::pin(async {
            match self.documents().await?.children.get(descriptor.digest()) {
                Some(child) => Ok(child.clone()),
                None => self.base.child(descriptor).await,
            }
        })
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document(_) => f.write_str("Document"),
            Self::Append(added) => f.debug_tuple("Append").field(added).finish(),
            Self::Computed => f.write_str("Computed"),
        }
    }
}
