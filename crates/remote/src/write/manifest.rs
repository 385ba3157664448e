//! Sending manifests.

use bytes::Bytes;
use http::{Method, header};
use oci_spec::image::Descriptor;
use wharf_name::Reference;
use wharf_transport::Body;

use crate::error::{Error, Operation, Violation};
use crate::events::Event;
use crate::wire;
use crate::write::Destination;

impl Destination {
    /// Puts the bytes of a manifest under `reference`. All that they refer to must be there. To put the same bytes
    /// twice does no harm, so the HTTP stack may.
    pub(super) async fn put_manifest(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        raw: Bytes,
    ) -> Result<(), Error> {
        let response = self
            .client
            .call(
                Method::PUT,
                wire::push(&self.repository),
                &wire::manifest_path(reference),
            )
            .header(header::CONTENT_TYPE, descriptor.media_type().as_ref())
            .body(Body::full(raw))
            .accepted(wire::MANIFEST_PUT)
            .send()
            .await
            .map_err(|error| Error::request(Operation::WriteManifest, reference, error))?;
        let want = descriptor.digest();
        if let Some(got) = wire::content_digest(response.headers())
            && got.algorithm() == want.algorithm()
            && got != *want
        {
            let violation = Violation::Stored {
                got,
                want: want.clone(),
            };
            return Err(Error::answer(Operation::WriteManifest, reference, violation));
        }
        self.emit(Event::ManifestPushed {
            reference,
            descriptor,
        });
        Ok(())
    }
}
