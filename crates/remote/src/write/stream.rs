//! Sending a blob whose digest is known only when all of it was sent.

use std::sync::Arc;

use oci_spec::image::Descriptor;
use wharf_transport::Body;
use wharf_v1::Layer;

use crate::client::BlobSize;
use crate::error::{Error, Operation};
use crate::events::Event;
use crate::write::Destination;
use crate::write::meter::Meter;

impl Destination {
    /// `POST`, one `PATCH` with the bytes as they come, and a `PUT` that names the digest they turned out to have.
    ///
    /// The bytes cannot be had a second time, so nothing is repeated, except that the registry is asked for the blob
    /// when only the last request failed.
    pub(super) async fn upload_stream(&self, layer: &Arc<dyn Layer>) -> Result<Descriptor, Error> {
        let _permit = self.host.upload(BlobSize::Large).await;
        let repository = &self.repository;
        let failed = |error| Error::content(Operation::WriteBlob, repository, error);
        self.emit(Event::BlobStarted {
            repository,
            descriptor: None,
        });
        // The handshake, if one is needed, is over before the bytes that can be sent only once are touched.
        let session = self.begin().await?;
        let meter = Meter::new(self.client.clone(), repository.clone(), None);
        let stream = layer.compressed().await.map_err(failed)?;
        let sent = self
            .patch(repository, session, Body::one_shot(meter.watch(stream), None))
            .await;
        let session = sent.map_err(|error| meter.fault().map_or(error, failed))?;
        let descriptor = layer.descriptor().await.map_err(failed)?;
        if let Err(error) = self.put(&descriptor, session, Body::empty()).await
            && !self.has_blob(&descriptor).await.unwrap_or(false)
        {
            return Err(error);
        }
        self.emit(Event::BlobPushed {
            repository,
            descriptor: &descriptor,
        });
        Ok(descriptor)
    }
}
