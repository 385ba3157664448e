//! From a file or directory to a registry.

use std::path::Path;
use std::sync::Arc;

use wharf::layout::Layout;
use wharf::remote::Client;
use wharf::tarball::Archive;
use wharf::v1::partial::AssembledImage;
use wharf::v1::{Child, IndexExt as _};

use crate::{Content, Error, Place, Stored};

/// What of a layout is pushed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PushScope {
    /// The one image or index that it lists.
    #[default]
    Single,
    /// All that it lists, as one index: its `index.json` is the manifest.
    Everything,
}

/// Stores what a layout or docker archive holds, and says what it is called now (Go: `crane.Push`).
///
/// A directory is a layout, anything else an archive. `scope` is of no meaning for an archive, whose
/// one image is pushed with Docker's media types.
///
/// # Errors
/// [`Error::Io`] when there is nothing at `path`, [`Error::Load`] when it is neither layout nor archive or is
/// damaged, [`Error::LayoutEntries`] when a layout does not list just one thing; else as [`Place::write`].
pub async fn push(client: &Client, path: &Path, place: &Place, scope: PushScope) -> Result<Stored, Error> {
    let metadata = tokio::fs::metadata(path).await.map_err(|source| Error::Io {
        action: "stat",
        path: path.to_owned(),
        source,
    })?;
    let content = match metadata.is_dir() {
        true => from_layout(path, scope).await?,
        false => Content::Image(Arc::new(from_tarball(path).await?)),
    };
    Ok(Stored::at(place, &place.write(client, &content).await?))
}

async fn from_layout(path: &Path, scope: PushScope) -> Result<Content, Error> {
    let failed = |error| Error::load("OCI layout", path, error);
    let layout = Layout::open(path).await.map_err(failed)?;
    let index = layout.index().await.map_err(failed)?;
    if scope == PushScope::Everything {
        return Ok(Content::Index(index));
    }
    let entries = index.children().await?;
    let [only] = &entries[..] else {
        return Err(Error::LayoutEntries {
            entries: entries.len(),
        });
    };
    match index.child(only).await? {
        Child::Image(image) => Ok(Content::Image(image)),
        Child::Index(index) => Ok(Content::Index(index)),
        _ => Err(Error::LayoutNonImage {
            media_type: only.media_type().clone(),
        }),
    }
}

async fn from_tarball(path: &Path) -> Result<AssembledImage, Error> {
    let failed = |error| Error::load("tarball", path, error);
    let archive = Archive::open(path).await.map_err(failed)?;
    archive.image(None).await.map_err(failed)
}
