//! Pushing indexes.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use oci_spec::image::Descriptor;
use wharf_name::Reference;
use wharf_v1::media_type::MediaTypeExt as _;
use wharf_v1::{Child, Index, IndexManifest};

use crate::Client;
use crate::error::{Error, Operation, Violation};
use crate::events::Event;
use crate::write::source::Content;
use crate::write::{Destination, Tip};

/// Indexes nested deeper than this are not pushed.
const MAX_DEPTH: usize = 32;

impl Client {
    /// Writes an index under `reference` (Go: `remote.WriteIndex`): its children, nested ones too, as far as the
    /// repository does not have them, then the index, byte for byte. Gives what was written.
    ///
    /// Only what depends on each other waits for each other: children go up side by side, each before the index that
    /// names it, and what several have in common goes up once. A child that the repository has is not read at all.
    ///
    /// Costs 1 request if the reference names this index already. Else 2, 1 for each child that the repository has, and
    /// for each other what [`write`](Self::write) says.
    ///
    /// # Errors
    /// As [`write`](Self::write), and [`Error::Answer`] with [`Violation::TooDeep`] when indexes are nested more than
    /// 32 deep.
    pub async fn write_index(&self, reference: &Reference, index: &dyn Index) -> Result<Descriptor, Error> {
        self.destination(reference.repository())
            .write_index(reference, index, Tip::Unknown)
            .await
    }
}

impl Destination {
    pub(crate) async fn write_index(
        &self,
        reference: &Reference,
        index: &dyn Index,
        tip: Tip,
    ) -> Result<Descriptor, Error> {
        let knew_something = self.facts.knows_something();
        match self.push_index(reference, index, tip).await {
            Err(error) if self.is_part_missing(&error) && (self.host.distrust() || knew_something) => {
                // What an earlier push knew to be there has been removed since, or a mount was claimed that was none.
                self.facts.forget();
                self.push_index(reference, index, Tip::Differs).await
            }
            outcome => outcome,
        }
    }

    async fn push_index(
        &self,
        reference: &Reference,
        index: &dyn Index,
        tip: Tip,
    ) -> Result<Descriptor, Error> {
        let failed = |error| Error::content(Operation::WriteManifest, reference, error);
        let descriptor = index.descriptor().await.map_err(failed)?;
        self.check_digest(reference, &descriptor)?;
        if tip == Tip::Unknown && self.is_tip(reference, &descriptor).await? {
            self.emit(Event::ManifestExists {
                reference,
                descriptor: &descriptor,
            });
            return Ok(descriptor);
        }
        if self.only.is_some() {
            // It is not whole there then, so nothing is remembered of it.
            self.push_index_whole(reference, index, &descriptor, 1).await?;
            return Ok(descriptor);
        }
        let put = AtomicBool::new(false);
        let present = self.facts.present(descriptor.digest());
        let provide = || async {
            self.push_index_whole(reference, index, &descriptor, 1).await?;
            put.store(true, Ordering::Relaxed);
            Ok::<_, Error>(())
        };
        present.get_or_try_init(provide).await?;
        if !put.into_inner() {
            let manifest = index.manifest().await.map_err(failed)?;
            self.put_manifest(reference, &descriptor, manifest.raw().clone())
                .await?;
        }
        Ok(descriptor)
    }

    /// Children first, the index last.
    fn push_index_whole<'a>(
        &'a self,
        reference: &'a Reference,
        index: &'a dyn Index,
        descriptor: &'a Descriptor,
        depth: usize,
    ) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            if depth > MAX_DEPTH {
                let violation = Violation::TooDeep { limit: MAX_DEPTH };
                return Err(Error::answer(Operation::WriteManifest, reference, violation));
            }
            let failed = |error| Error::content(Operation::WriteManifest, reference, error);
            let manifest: IndexManifest = index.manifest().await.map_err(failed)?;
            if !self.is_home(index.mount_source().as_ref()) {
                let mut seen = HashSet::new();
                let mut children = Vec::new();
                let only = self.only.as_deref().filter(|_| depth == 1);
                for child in manifest.view().map_err(failed)?.manifests() {
                    let is_wanted = only.is_none_or(|only| only.contains(child.digest()));
                    if is_wanted && seen.insert(child.digest()) {
                        children.push(self.push_child(index, child, depth));
                    }
                }
                // Not all at once, so that the manifests of a long index are not all in memory.
                let limit = self.client.jobs().saturating_mul(2);
                stream::iter(children)
                    .buffer_unordered(limit)
                    .try_collect::<()>()
                    .await?;
            }
            self.put_manifest(reference, descriptor, manifest.raw().clone())
                .await
        }
        .boxed()
    }

    fn push_child<'a>(
        &'a self,
        index: &'a dyn Index,
        descriptor: &'a Descriptor,
        depth: usize,
    ) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            let reference = Reference::Digest(self.repository.digest(descriptor.digest().clone()));
            let failed = |error| Error::content(Operation::WriteManifest, &reference, error);
            let is_manifest = descriptor.media_type().is_image() || descriptor.media_type().is_index();
            if !is_manifest {
                return match index.child(descriptor).await.map_err(failed)? {
                    Child::Blob(layer) => self.push_blob(descriptor, Content::Layer(layer)).await,
                    // An index that knows the type better than its own descriptor: its word for what it is.
                    other => {
                        self.push_manifest_child(&reference, descriptor, &other, depth)
                            .await
                    }
                };
            }
            let provide = || async {
                let child = index.child(descriptor).await.map_err(failed)?;
                self.push_manifest_child(&reference, descriptor, &child, depth)
                    .await
            };
            self.facts
                .present(descriptor.digest())
                .get_or_try_init(provide)
                .await?;
            Ok(())
        }
        .boxed()
    }

    async fn push_manifest_child(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        child: &Child,
        depth: usize,
    ) -> Result<(), Error> {
        let home = match child {
            Child::Image(image) => image.mount_source(),
            Child::Index(index) => index.mount_source(),
            Child::Blob(layer) => layer.mount_source(),
            _ => None,
        };
        if self.is_home(home.as_ref()) || self.is_tip(reference, descriptor).await? {
            self.emit(Event::ManifestExists {
                reference,
                descriptor,
            });
            return Ok(());
        }
        match child {
            Child::Image(image) => self.push_image_whole(reference, image, descriptor).await,
            Child::Index(index) => {
                self.push_index_whole(reference, index, descriptor, depth + 1)
                    .await
            }
            Child::Blob(layer) => {
                self.push_blob(descriptor, Content::Layer(Arc::clone(layer)))
                    .await
            }
            _ => {
                let misuse = crate::error::Misuse::Unsupported {
                    media_type: descriptor.media_type().clone(),
                };
                Err(Error::input(Operation::WriteManifest, reference, misuse))
            }
        }
    }
}
