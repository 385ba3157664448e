//! The config of an image.

use bytes::Bytes;
use wharf::remote::Client;
use wharf::v1::{Image as _, PlatformSpec};

use crate::{Error, Place};

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
