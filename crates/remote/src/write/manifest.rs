//! Sending manifests.

use bytes::Bytes;
use http::{HeaderName, Method, header};
use oci_spec::image::Descriptor;
use wharf_name::Reference;
use wharf_transport::Body;
use wharf_v1::media_type::DOCKER_SCHEMA1_SIGNED;

use crate::client::ReferrersApi;
use crate::error::{Error, Operation, Violation};
use crate::events::Event;
use crate::wire;
use crate::write::{Destination, referrers};

/// By which a registry says that it lists the manifest with the referrers of its subject.
const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

impl Destination {
    /// Puts the bytes of a manifest under `reference`, and if it has a subject, sees to it that it is found by that. All that
    /// they refer to must be there. To put the same bytes
    /// twice does no harm, so the HTTP stack may.
    pub(crate) async fn put_manifest(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        raw: Bytes,
    ) -> Result<(), Error> {
        let subject = referrers::subject_of(&raw);
        let is_listed = self
            .put_manifest_alone(reference, descriptor, raw.clone())
            .await?;
        match subject {
            Some(subject) if !is_listed => self.list_referrer(&subject, descriptor, &raw).await,
            _ => Ok(()),
        }
    }

    /// Puts the bytes of a manifest, and sees to nothing else. Says whether the registry lists it with the referrers of
    /// its subject.
    pub(crate) async fn put_manifest_alone(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        raw: Bytes,
    ) -> Result<bool, Error> {
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
        // The digest of a signed one is not that of its bytes.
        if descriptor.media_type().as_ref() != DOCKER_SCHEMA1_SIGNED
            && let Some(got) = wire::content_digest(response.headers())
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
        let is_listed = response.headers().contains_key(OCI_SUBJECT);
        if is_listed {
            self.host.learn_referrers_api(ReferrersApi::Present);
        }
        Ok(is_listed)
    }
}
