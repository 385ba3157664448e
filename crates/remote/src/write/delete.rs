//! Deleting manifests and tags.

use http::{Method, StatusCode};
use wharf_name::Reference;

use crate::error::{Error, Operation};
use crate::{Client, wire};

impl Client {
    /// Deletes what `reference` names (Go: `remote.Delete`): by digest the manifest and all tags of it, by tag that tag,
    /// where the registry can do so. Blobs are left to the registry.
    ///
    /// Costs 1 request.
    ///
    /// # Errors
    /// [`Error::Request`] when the registry refuses, as many do for a tag, or for any deletion at all.
    pub async fn delete(&self, reference: &Reference) -> Result<(), Error> {
        self.call(
            Method::DELETE,
            wire::delete(reference.repository()),
            &wire::manifest_path(reference),
        )
        .accepted(&[StatusCode::OK, StatusCode::ACCEPTED, StatusCode::NO_CONTENT])
        .send()
        .await
        .map_err(|error| Error::request(Operation::Delete, reference, error))?;
        self.facts().repository(reference.repository()).forget();
        Ok(())
    }
}
