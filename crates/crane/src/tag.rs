//! Tags: giving and taking them.

use wharf::name::{Reference, Tag};
use wharf::remote::Client;
use wharf::v1::oci_spec::image::Descriptor;

use crate::Error;

/// Points `tag` at what `reference` names in the same repository; nothing moves but the manifest
/// (Go: `crane.Tag`). Costs 2 requests.
///
/// # Errors
/// [`Error::Remote`] when there is no such manifest, the tag is in another repository, or the registry
/// refuses or cannot be reached.
pub async fn tag(client: &Client, reference: &Reference, tag: &Tag) -> Result<Descriptor, Error> {
    Ok(client.tag(reference, tag).await?)
}

/// Deletes the tag or manifest that `reference` names, as given (Go: `crane.Delete`). Costs 1 request.
///
/// # Errors
/// [`Error::Remote`] when there is no such thing, or the registry refuses or cannot be reached.
pub async fn delete(client: &Client, reference: &Reference) -> Result<(), Error> {
    Ok(client.delete(reference).await?)
}
