//! What a reference names, without reading it.

use http::{HeaderMap, Method, StatusCode, header};
use oci_spec::image::Descriptor;
use wharf_name::Reference;
use wharf_transport::RegistryContext;

use crate::error::{Error, Operation, Violation};
use crate::media::{ACCEPT_MANIFESTS, content_type};
use crate::{Client, wire};

/// Some registries, and file servers that play one, have no `HEAD`.
const HEAD_STATUSES: &[StatusCode] = &[
    StatusCode::OK,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::NOT_IMPLEMENTED,
];

impl Client {
    /// Media type, digest and size of the manifest that `reference` names (Go: `remote.Head`).
    ///
    /// The values are what the registry says; nothing is verified but that a digest is the one asked for. Registries
    /// that do not tell all three, or know no `HEAD`, are asked for the manifest itself.
    ///
    /// Costs 1 request, or 2 where the first did not tell.
    ///
    /// # Errors
    /// [`Error::Request`] when the registry refuses or cannot be reached: [`is_not_found`](Error::is_not_found) tells a
    /// missing manifest. [`Error::Answer`] when it names another digest than the one asked for.
    pub async fn head(&self, reference: &Reference) -> Result<Descriptor, Error> {
        match self
            .try_head(wire::pull(reference.repository()), reference)
            .await?
        {
            Some(descriptor) => Ok(descriptor),
            None => Ok(self.get(reference).await?.descriptor().clone()),
        }
    }

    /// As [`head`](Self::head), without a second request: `None` where the registry does not tell.
    pub(crate) async fn try_head(
        &self,
        context: RegistryContext,
        reference: &Reference,
    ) -> Result<Option<Descriptor>, Error> {
        let response = self
            .call(Method::HEAD, context, &wire::manifest_path(reference))
            .header(header::ACCEPT, ACCEPT_MANIFESTS)
            .accepted(HEAD_STATUSES)
            .send()
            .await
            .map_err(|error| Error::request(Operation::Head, reference, error))?;
        if response.status() != StatusCode::OK {
            return Ok(None);
        }
        read(response.headers(), reference)
    }
}

fn read(headers: &HeaderMap, reference: &Reference) -> Result<Option<Descriptor>, Error> {
    let told = wire::content_digest(headers);
    if let (Some(got), Some(want)) = (&told, reference.digest())
        // The registry may hash with another algorithm than the one that was asked with.
        && got.algorithm() == want.algorithm()
        && got != want
    {
        let violation = Violation::Digest {
            got: got.clone(),
            want: want.clone(),
        };
        return Err(Error::answer(Operation::Head, reference, violation));
    }
    let digest = reference.digest().cloned().or(told);
    let known = (content_type(headers), wire::content_length(headers), digest);
    let (Some(media_type), Some(size), Some(digest)) = known else {
        return Ok(None);
    };
    Ok(Some(Descriptor::new(media_type, size, digest)))
}
