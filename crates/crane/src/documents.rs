//! The documents of an image: its manifest and its config.

use bytes::Bytes;
use wharf::remote::Client;
use wharf::v1::media_type::MediaTypeExt as _;
use wharf::v1::{Image as _, PlatformSpec};

use crate::{Content, Error, Place};

/// The manifest or index that is at `place`, as it is stored (Go: `crane.Manifest`).
///
/// With a platform, of an index it is the manifest of the child for that platform. Costs 1 request,
/// or 2 for a child.
///
/// # Errors
/// As for [`Place::read`], and [`Error::Remote`] or [`Error::Content`] when an index has no child for the platform.
pub async fn manifest(
    client: &Client,
    place: &Place,
    platform: Option<&PlatformSpec>,
) -> Result<Bytes, Error> {
    if let Place::Registry(reference) = place {
        let fetched = client.get(reference).await?;
        if platform.is_none() || !fetched.media_type().is_index() {
            return Ok(fetched.raw().clone());
        }
        let image = fetched.image(platform).await?;
        return Content::Image(std::sync::Arc::new(image)).raw().await;
    }
    let content = place.read(client).await?;
    content
        .for_platforms(platform.map_or(&[], std::slice::from_ref))
        .await?
        .raw()
        .await
}

/// The config of the image that is at `place`, as it is stored (Go: `crane.Config`).
///
/// Of an index it is that of the child for `platform`, `linux/amd64` if none is given. For an artifact
/// it is whatever blob takes the place of a config. Costs 2 requests, or 3 for a child.
///
/// # Errors
/// As for [`Place::read`]; [`Error::Remote`] or [`Error::Content`] when an index has no child for the platform,
/// and when the manifest is of a kind that has no config.
pub async fn config(client: &Client, place: &Place, platform: Option<&PlatformSpec>) -> Result<Bytes, Error> {
    Ok(place.image(client, platform).await?.config().await?.raw().clone())
}
