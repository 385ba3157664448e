//! Indexes in a registry.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, Digest, MediaType};
use tokio::sync::OnceCell;
use wharf_name::{Reference, Repository};
use wharf_v1::media_type::MediaTypeExt as _;
use wharf_v1::{Child, Document, Index, IndexManifest, MountSource};

use crate::Client;
use crate::error::{Error, Operation};
use crate::read::image::mount_source;
use crate::read::{RemoteImage, RemoteLayer};

impl Client {
    /// The index that `reference` names (Go: `remote.Index`).
    ///
    /// Costs 1 request. Children are read when they are asked for.
    ///
    /// # Errors
    /// As for [`get`](Self::get), and [`Error::Content`] with [`wharf_v1::Error::UnexpectedMediaType`] when it is no
    /// index.
    pub async fn index(&self, reference: &Reference) -> Result<RemoteIndex, Error> {
        self.get(reference).await?.index()
    }
}

/// An index in a registry, whose children are read when they are first needed.
///
/// Opening a child costs nothing; its manifest costs 1 request when it is first asked for, none if it is embedded in
/// the index. Cloning is cheap.
#[derive(Clone)]
pub struct RemoteIndex(Arc<Inner>);

struct Inner {
    client: Client,
    repository: Repository,
    descriptor: Descriptor,
    manifest: OnceCell<IndexManifest>,
}

impl RemoteIndex {
    pub(crate) fn lazy(client: Client, repository: Repository, descriptor: Descriptor) -> Self {
        Self(Arc::new(Inner {
            client,
            repository,
            descriptor,
            manifest: OnceCell::new(),
        }))
    }

    pub(crate) fn loaded(
        client: Client,
        repository: Repository,
        descriptor: Descriptor,
        manifest: IndexManifest,
    ) -> Self {
        let manifest = OnceCell::new_with(Some(manifest));
        Self(Arc::new(Inner {
            client,
            repository,
            descriptor,
            manifest,
        }))
    }

    /// The repository that the index is in.
    #[must_use]
    pub fn repository(&self) -> &Repository {
        &self.0.repository
    }

    /// Media type, digest and size, and what the outer index said of it if it came from one.
    #[must_use]
    pub fn as_descriptor(&self) -> &Descriptor {
        &self.0.descriptor
    }

    /// An image in this index.
    pub(crate) fn image(&self, descriptor: Descriptor) -> RemoteImage {
        RemoteImage::lazy(self.0.client.clone(), self.0.repository.clone(), descriptor)
    }

    /// An index in this index.
    pub(crate) fn nested(&self, descriptor: Descriptor) -> Self {
        Self::lazy(self.0.client.clone(), self.0.repository.clone(), descriptor)
    }

    /// An index of only these children.
    pub(crate) async fn subset(&self, only: &HashSet<Digest>) -> Result<Self, Error> {
        let changed = self.load().await?.edit(|index| {
            let kept = index
                .manifests()
                .iter()
                .filter(|child| only.contains(child.digest()));
            index.set_manifests(kept.cloned().collect());
        });
        let changed = changed.map_err(|error| {
            let target = Reference::Digest(self.0.repository.digest(self.0.descriptor.digest().clone()));
            Error::content(Operation::Get, &target, error)
        })?;
        let (client, repository) = (self.0.client.clone(), self.0.repository.clone());
        Ok(Self::loaded(client, repository, changed.descriptor(), changed))
    }

    /// The index document, read if it was not yet.
    pub(crate) async fn load(&self) -> Result<&IndexManifest, Error> {
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
}

impl Index for RemoteIndex {
    fn media_type(&self) -> MediaType {
        self.0.descriptor.media_type().clone()
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, wharf_v1::Error>> {
        Box::pin(async { Ok(self.0.descriptor.clone()) })
    }

    fn manifest(&self) -> BoxFuture<'_, Result<IndexManifest, wharf_v1::Error>> {
        Box::pin(async { Ok(self.load().await?.clone()) })
    }

    fn child<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<Child, wharf_v1::Error>> {
        Box::pin(async {
            let (media_type, descriptor) = (descriptor.media_type(), descriptor.clone());
            Ok(if media_type.is_image() {
                Child::Image(Arc::new(self.image(descriptor)))
            } else if media_type.is_index() {
                Child::Index(Arc::new(self.nested(descriptor)))
            } else {
                let (client, repository) = (self.0.client.clone(), self.0.repository.clone());
                Child::Blob(Arc::new(RemoteLayer::described(client, repository, descriptor)))
            })
        })
    }

    fn mount_source(&self) -> Option<MountSource> {
        Some(mount_source(&self.0.repository))
    }
}

impl fmt::Debug for RemoteIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteIndex")
            .field("repository", &self.0.repository)
            .field("digest", self.0.descriptor.digest())
            .finish_non_exhaustive()
    }
}
