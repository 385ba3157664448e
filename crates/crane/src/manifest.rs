//! The manifest of an image.

use bytes::Bytes;
use wharf::name::Reference;
use wharf::remote::Client;
use wharf::v1::media_type::MediaTypeExt as _;
use wharf::v1::{Image as _, PlatformSpec};

use crate::Error;

/// The manifest or index that `reference` names, as the registry has it (Go: `crane.Manifest`).
///
/// With a platform, of an index it is the manifest of the child for that platform. Costs 1 request,
/// or 2 for a child.
///
/// # Errors
/// [`Error::Remote`] when the registry does not have it, refuses or cannot be reached, and when an
/// index has no child for the platform.
pub async fn manifest(
    client: &Client,
    reference: &Reference,
    platform: Option<&PlatformSpec>,
) -> Result<Bytes, Error> {
    let fetched = client.get(reference).await?;
    match platform {
        Some(platform) if fetched.media_type().is_index() => {
            let image = fetched.image(Some(platform)).await?;
            Ok(image.manifest().await?.raw().clone())
        }
        _ => Ok(fetched.raw().clone()),
    }
}
