//! Pushing images.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{BoxFuture, FutureExt as _, try_join_all};
use oci_spec::image::Descriptor;
use wharf_name::Reference;
use wharf_v1::{Image, Layer, Manifest};

use crate::Client;
use crate::error::{Error, Misuse, Operation};
use crate::events::Event;
use crate::write::source::Content;
use crate::write::{Destination, Tip};

impl Client {
    /// Writes an image under `reference` (Go: `remote.Write`): its config and layers, as far as the repository does not
    /// have them, then its manifest, byte for byte. Gives what was written.
    ///
    /// Blobs go up at the same time, as many as [`jobs`](crate::ClientBuilder::jobs) allows. Layers that come from
    /// another repository of the registry are mounted instead of sent, those that come from this one are known to be
    /// there. Layers that are compressed while they are read need not know their digest before; they go first.
    ///
    /// Costs 1 request if the reference names this image already. Else 2, and for each config and layer 1 if the
    /// repository has it, it is mounted, or it has at most 16 KiB, 2 if it has to be sent, and 1 more if it has more than
    /// 128 KiB and the registry has not mounted anything yet; one round trip for the first question and the manifest
    /// each, and those of the largest blob.
    ///
    /// # Errors
    /// [`Error::Request`] and [`Error::Answer`] when the registry refuses, cannot be reached, or does not do as it
    /// should, [`Error::Content`] when the image cannot be read or is not what it claims to be, [`Error::Input`] when
    /// `reference` is a digest and not that of the image. The manifest is written last, so nothing of a failed push can
    /// be seen in the registry; blobs that were written stay, and are not sent again by the next push.
    pub async fn write(&self, reference: &Reference, image: &dyn Image) -> Result<Descriptor, Error> {
        self.destination(reference.repository())
            .write_image(reference, image, Tip::Unknown)
            .await
    }
}

impl Destination {
    pub(crate) async fn write_image(
        &self,
        reference: &Reference,
        image: &dyn Image,
        tip: Tip,
    ) -> Result<Descriptor, Error> {
        let knew_something = self.facts.knows_something();
        match self.push_image(reference, image, tip).await {
            Err(error) if self.is_part_missing(&error) && (self.host.distrust() || knew_something) => {
                // What an earlier push knew to be there has been removed since, or a mount was claimed that was none.
                self.facts.forget();
                self.push_image(reference, image, Tip::Differs).await
            }
            outcome => outcome,
        }
    }

    async fn push_image(
        &self,
        reference: &Reference,
        image: &dyn Image,
        tip: Tip,
    ) -> Result<Descriptor, Error> {
        let descriptor = match image.descriptor().await {
            Err(wharf_v1::Error::NotComputed) => {
                self.push_streams(image).await?;
                image.descriptor().await
            }
            known => known,
        }
        .map_err(|error| Error::content(Operation::WriteManifest, reference, error))?;
        self.check_digest(reference, &descriptor)?;
        if tip == Tip::Unknown && self.is_tip(reference, &descriptor).await? {
            self.emit(Event::ManifestExists {
                reference,
                descriptor: &descriptor,
            });
            return Ok(descriptor);
        }
        let put = AtomicBool::new(false);
        let present = self.facts.present(descriptor.digest());
        let provide = || async {
            self.push_image_whole(reference, image, &descriptor).await?;
            put.store(true, Ordering::Relaxed);
            Ok::<_, Error>(())
        };
        present.get_or_try_init(provide).await?;
        if !put.into_inner() {
            let manifest = self.manifest_of(reference, image).await?;
            self.put_manifest(reference, &descriptor, manifest.raw().clone())
                .await?;
        }
        Ok(descriptor)
    }

    /// Parts first, manifest last.
    pub(super) async fn push_image_whole(
        &self,
        reference: &Reference,
        image: &dyn Image,
        descriptor: &Descriptor,
    ) -> Result<(), Error> {
        let manifest = self.manifest_of(reference, image).await?;
        if !self.is_home(image.mount_source().as_ref()) {
            self.push_parts(reference, image, &manifest).await?;
        }
        self.put_manifest(reference, descriptor, manifest.raw().clone())
            .await
    }

    async fn manifest_of(&self, reference: &Reference, image: &dyn Image) -> Result<Manifest, Error> {
        let failed = |error| Error::content(Operation::WriteManifest, reference, error);
        image.manifest().await.map_err(failed)
    }

    async fn push_parts(
        &self,
        reference: &Reference,
        image: &dyn Image,
        manifest: &Manifest,
    ) -> Result<(), Error> {
        let failed = |error| Error::content(Operation::WriteManifest, reference, error);
        let view = manifest.view().map_err(failed)?;
        let layers = image.layers().await.map_err(failed)?;
        if layers.len() != view.layers().len() {
            let misuse = Misuse::Layers {
                given: layers.len(),
                named: view.layers().len(),
            };
            return Err(Error::input(Operation::WriteManifest, reference, misuse));
        }
        let config = self.push_blob(view.config(), Content::Config(image)).boxed();
        let layers = view.layers().iter().zip(layers);
        let layers = layers.map(|(known, layer)| self.push_blob(known, Content::Layer(layer)).boxed());
        try_join_all(std::iter::once(config).chain(layers)).await?;
        Ok(())
    }

    /// Sends the layers of an image that has some whose digest is not known, after which it is.
    async fn push_streams(&self, image: &dyn Image) -> Result<(), Error> {
        let failed = |error| Error::content(Operation::WriteBlob, &self.repository, error);
        let layers = image.layers().await.map_err(failed)?;
        let push = |layer: Arc<dyn Layer>| -> BoxFuture<'_, Result<(), Error>> {
            async move { self.push_layer(layer).await.map(|_| ()) }.boxed()
        };
        try_join_all(layers.into_iter().map(push)).await?;
        Ok(())
    }

    /// Whether a manifest was refused because something that it refers to is not in the repository.
    pub(super) fn is_part_missing(&self, error: &Error) -> bool {
        use wharf_transport::ErrorCode::{BlobUnknown, ManifestBlobUnknown, ManifestUnknown};
        let Error::Request {
            operation: Operation::WriteManifest,
            source,
            ..
        } = error
        else {
            return false;
        };
        source.registry_error().is_some_and(|answer| {
            answer
                .errors
                .iter()
                .any(|error| matches!(error.code, BlobUnknown | ManifestBlobUnknown | ManifestUnknown))
        })
    }
}
