//! Tags: giving and taking them.

use futures_util::future::try_join_all;
use wharf::layout::Layout;
use wharf::name::{Reference, Tag};
use wharf::remote::Client;
use wharf::v1::Matcher;
use wharf::v1::oci_spec::image::Descriptor;

use crate::{Entry, Error, Place};

/// Points `tag` at what `reference` names in the same repository; nothing moves but the manifest
/// (Go: `crane.Tag`). Costs 2 requests.
///
/// # Errors
/// [`Error::Remote`] when there is no such manifest, the tag is in another repository, or the registry
/// refuses or cannot be reached.
pub async fn tag(client: &Client, reference: &Reference, tag: &Tag) -> Result<Descriptor, Error> {
    Ok(client.tag(reference, tag).await?)
}

/// Points several tags at what `reference` names in the same repository. Costs 1 request, and 1 for each tag.
///
/// # Errors
/// As for [`tag`]. A tag of another repository is found before anything is written; where the registry refuses one, others
/// may be there.
pub async fn tag_all(client: &Client, reference: &Reference, tags: &[Tag]) -> Result<Descriptor, Error> {
    let is_elsewhere = |tag: &&Tag| tag.repository() != reference.repository();
    match (tags, tags.iter().find(is_elsewhere)) {
        (_, Some(only)) | ([only], _) => return tag(client, reference, only).await,
        _ => {}
    }
    let fetched = client.get(reference).await?;
    let writes = tags.iter().map(|tag| {
        let (media_type, raw) = (fetched.media_type().clone(), fetched.raw().clone());
        async move { client.put(&tag.clone().into(), media_type, raw).await }
    });
    try_join_all(writes).await?;
    Ok(fetched.descriptor().clone())
}

/// Deletes the tag or manifest that `place` names, as given (Go: `crane.Delete`). Costs 1 request.
///
/// A layout lists it no longer; the blobs stay, until they are collected as garbage.
///
/// # Errors
/// [`Error::Remote`] when there is no such thing, or the registry refuses or cannot be reached; [`Error::NotListed`] when
/// a layout does not list it, or `place` does not say which; [`Error::Load`] or [`Error::Save`] when the layout cannot be
/// read or written; [`Error::NotExtendable`] for an archive.
pub async fn delete(client: &Client, place: &Place) -> Result<(), Error> {
    let (path, entry) = match place {
        Place::Registry(reference) => return Ok(client.delete(reference).await?),
        Place::Layout { path, entry } => (path, entry),
        archive => {
            return Err(Error::NotExtendable {
                place: archive.to_string(),
            });
        }
    };
    let matcher = match entry {
        Entry::Named(name) => Some(Matcher::name(name)),
        Entry::Digest(digest) => Some(Matcher::digests([digest.clone()])),
        Entry::Only => None,
    };
    let layout = Layout::open(path).await;
    let layout = layout.map_err(|error| Error::load("OCI layout", path, error))?;
    if let Some(matcher) = matcher {
        let removed = layout.remove(&matcher).await;
        if !removed
            .map_err(|error| Error::save("OCI layout", path, error))?
            .is_empty()
        {
            return Ok(());
        }
    }
    Err(Error::NotListed {
        place: place.to_string(),
        names: place.names().await?,
    })
}
