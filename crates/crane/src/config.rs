//! The config of an image.

use bytes::Bytes;
use wharf::name::Reference;
use wharf::remote::Client;
use wharf::v1::{Image as _, PlatformSpec};

use crate::Error;

/// The config of the image that `reference` names, as the registry has it (Go: `crane.Config`).
///
/// Of an index it is that of the child for `platform`, `linux/amd64` if none is given. For an artifact
/// it is whatever blob takes the place of a config. Costs 2 requests, or 3 for a child.
///
/// # Errors
/// [`Error::Remote`] when the registry does not have it, refuses or cannot be reached, when an index
/// has no child for the platform, and when the manifest is of a kind that has no config.
pub async fn config(
    client: &Client,
    reference: &Reference,
    platform: Option<&PlatformSpec>,
) -> Result<Bytes, Error> {
    let image = client.image(reference, platform).await?;
    Ok(image.config().await?.raw().clone())
}
