//! The digest of an image.

use std::path::Path;

use wharf::name::Tag;
use wharf::remote::{Client, Fetched};
use wharf::tarball::Archive;
use wharf::v1::media_type::MediaTypeExt as _;
use wharf::v1::oci_spec::image::{Descriptor, Digest};
use wharf::v1::{Image as _, IndexExt as _, PlatformSpec};

use crate::{Error, Place};

/// The digest of what is at `place` (Go: `crane.Digest`): that of its [`descriptor`].
///
/// # Errors
/// As for [`descriptor`].
pub async fn digest(
    client: &Client,
    place: &Place,
    platform: Option<&PlatformSpec>,
) -> Result<Digest, Error> {
    Ok(descriptor(client, place, platform).await?.digest().clone())
}

/// Media type, digest and size of what is at `place` (Go: `crane.Head`).
///
/// With a platform, of an index it is that of the child for that platform; what is no index has
/// one digest, whatever the platform. Costs 1 request, or 2 where the registry does not tell, or the
/// child is not found at first sight.
///
/// # Errors
/// As for [`Place::read`], and [`Error::Remote`] or [`Error::Content`] when an index has no child for the platform.
pub async fn descriptor(
    client: &Client,
    place: &Place,
    platform: Option<&PlatformSpec>,
) -> Result<Descriptor, Error> {
    let Place::Registry(reference) = place else {
        let content = place.read(client).await?;
        let content = content
            .for_platforms(platform.map_or(&[], std::slice::from_ref))
            .await?;
        return content.descriptor().await;
    };
    let Some(platform) = platform else {
        return Ok(client.head(reference).await?);
    };
    let fetched = client.get(reference).await?;
    if !fetched.media_type().is_index() {
        return Ok(fetched.descriptor().clone());
    }
    match listed_child(&fetched, platform).await? {
        Some(child) => Ok(child),
        None => Ok(fetched.image(Some(platform)).await?.descriptor().await?),
    }
}

/// The child of an index for a platform, if the index says so plainly: nothing before it is nested or
/// lacks a platform, which takes a closer look.
async fn listed_child(index: &Fetched, platform: &PlatformSpec) -> Result<Option<Descriptor>, Error> {
    for child in index.index()?.children().await? {
        if child.media_type().is_index() || child.platform().is_none() {
            return Ok(None);
        }
        if child.media_type().is_image() && platform.matches_child(&child) {
            return Ok(Some(child));
        }
    }
    Ok(None)
}

/// The digest that an image in a docker archive has once it is pushed: that of its
/// [descriptor](descriptor_of_tarball).
///
/// # Errors
/// As for [`descriptor_of_tarball`].
pub async fn digest_of_tarball(path: &Path, tag: Option<&Tag>) -> Result<Digest, Error> {
    Ok(descriptor_of_tarball(path, tag).await?.digest().clone())
}

/// What an image in a docker archive is once it is pushed. `tag` chooses among several.
///
/// Its digest is that of a manifest of Docker's media types made for the archive, so not that of an OCI image
/// from which the archive came.
///
/// # Errors
/// [`Error::Load`] when the file is no such archive, or does not have the image.
pub async fn descriptor_of_tarball(path: &Path, tag: Option<&Tag>) -> Result<Descriptor, Error> {
    let failed = |error| Error::load("tarball", path, error);
    let archive = Archive::open(path).await.map_err(failed)?;
    let image = archive.image(tag).await.map_err(failed)?;
    Ok(image.as_descriptor().clone())
}
