//! Deleting manifests and tags.

use http::{Method, StatusCode};
use oci_spec::image::{Descriptor, Digest};
use wharf_name::Reference;

use crate::client::ReferrersApi;
use crate::error::{Error, Operation};
use crate::media::ACCEPT_MANIFESTS;
use crate::write::referrers;
use crate::{Client, wire};

impl Client {
    /// Deletes what `reference` names (Go: `remote.Delete`): by digest the manifest and all tags of it, by tag that tag,
    /// where the registry can do so. Blobs are left to the registry.
    ///
    /// Where clients keep the list of referrers as a tag, a manifest with a subject is taken from that list too.
    ///
    /// Costs 1 request. By digest 1 more, which reads the manifest first, unless the registry is known to list referrers
    /// itself; and for a manifest with a subject what it takes to change the list.
    ///
    /// # Errors
    /// [`Error::Request`] when the registry refuses, as many do for a tag, or for any deletion at all. An error whose
    /// operation is [`Operation::WriteReferrers`] says that the manifest is gone and is still listed.
    pub async fn delete(&self, reference: &Reference) -> Result<(), Error> {
        let listed = self.listed_as_referrer(reference).await;
        let deleted = self
            .call(
                Method::DELETE,
                wire::delete(reference.repository()),
                &wire::manifest_path(reference),
            )
            .accepted(&[StatusCode::OK, StatusCode::ACCEPTED, StatusCode::NO_CONTENT])
            .send()
            .await;
        match deleted {
            Err(error) if !is_gone(&error) => {
                return Err(Error::request(Operation::Delete, reference, error));
            }
            _ => {}
        }
        self.facts().repository(reference.repository()).forget();
        let Some((subject, gone)) = listed else {
            return Ok(());
        };
        let destination = self.destination(reference.repository());
        destination.unlist_referrer(&subject, &gone).await
    }

    /// The subject of the manifest that will be deleted, and the manifest, where a list has to be changed for it.
    ///
    /// What cannot be read can still be deleted, so nothing fails here.
    async fn listed_as_referrer(&self, reference: &Reference) -> Option<(Digest, Descriptor)> {
        reference.digest()?;
        let host = self.facts().host(reference.registry());
        if host.referrers_api() == ReferrersApi::Present || !self.settings().referrers_tag {
            return None;
        }
        let (descriptor, raw) = self.fetch_manifest(reference, ACCEPT_MANIFESTS).await.ok()?;
        Some((referrers::subject_of(&raw)?, descriptor))
    }
}

/// Whether the registry says that it is not there, after it was asked before and the answer was lost.
fn is_gone(error: &wharf_transport::Error) -> bool {
    let again = |error: &wharf_transport::RegistryError| error.attempts > 1;
    error.is_not_found() && error.registry_error().is_some_and(again)
}
