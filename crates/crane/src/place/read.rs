//! Opening what a place holds.

use std::path::Path;
use std::sync::Arc;

use wharf::layout::{FindExt as _, Layout, LayoutArchive};
use wharf::name::Tag;
use wharf::remote::Client;
use wharf::tarball::Archive;
use wharf::v1::media_type::MediaTypeExt as _;
use wharf::v1::oci_spec::image::Descriptor;
use wharf::v1::{Child, Image, Index, IndexExt as _, PlatformSpec, REF_NAME};

use crate::{Content, Entry, Error, Place};

impl Place {
    /// Opens what is there. Only manifests are read, of a docker archive also the layers, to know their digests.
    ///
    /// `client` is used for registries only.
    ///
    /// # Errors
    /// [`Error::Remote`] when a registry does not have it, refuses or cannot be reached; [`Error::Load`] when
    /// a file cannot be opened or is of another format; [`Error::LayoutEntries`] when a layout does not list just
    /// one thing and no name is given, [`Error::NotListed`] when it has nothing of that name.
    pub async fn read(&self, client: &Client) -> Result<Content, Error> {
        match self {
            Self::Registry(reference) => {
                let fetched = client.get(reference).await?;
                if fetched.media_type().is_index() {
                    return Ok(Content::Index(Arc::new(fetched.index()?)));
                }
                if fetched.media_type().is_image() {
                    return Ok(Content::Image(Arc::new(fetched.image(None).await?)));
                }
                Ok(Content::Other {
                    descriptor: Box::new(fetched.descriptor().clone()),
                    raw: fetched.raw().clone(),
                })
            }
            Self::Layout { path, entry } => {
                let failed = |error| Error::load("OCI layout", path, error);
                let layout = Layout::open(path).await.map_err(failed)?;
                self.listed(layout.index().await.map_err(failed)?, entry).await
            }
            Self::LayoutArchive { path, entry } => {
                let failed = |error| Error::load("OCI archive", path, error);
                let archive = LayoutArchive::open(path).await.map_err(failed)?;
                self.listed(archive.index(), entry).await
            }
            Self::DockerArchive { path, tag } => docker_archive(path, tag.as_ref()).await,
        }
    }

    /// Opens the image that is there: the one, whatever its platform, or of an index that for `platform`, `linux/amd64`
    /// if none is given.
    ///
    /// # Errors
    /// As for [`read`](Self::read); [`Error::Remote`] or [`Error::Content`] when an index has no such image,
    /// and when it is neither image nor index.
    pub async fn image(
        &self,
        client: &Client,
        platform: Option<&PlatformSpec>,
    ) -> Result<Arc<dyn Image>, Error> {
        match self {
            Self::Registry(reference) => Ok(Arc::new(client.image(reference, platform).await?)),
            _ => self.read(client).await?.image(platform).await,
        }
    }

    /// The names of what a layout or archive holds, in order, without those that have none; of a registry the one that the
    /// reference says.
    ///
    /// # Errors
    /// [`Error::Load`] when a file cannot be opened or is of another format, [`Error::Content`] when it is damaged.
    pub async fn names(&self) -> Result<Vec<String>, Error> {
        let index = match self {
            Self::Registry(reference) => return Ok(vec![reference.identifier().to_string()]),
            Self::Layout { path, .. } => {
                let failed = |error| Error::load("OCI layout", path, error);
                let layout = Layout::open(path).await.map_err(failed)?;
                layout.index().await.map_err(failed)?
            }
            Self::LayoutArchive { path, .. } => {
                let opened = LayoutArchive::open(path).await;
                opened
                    .map_err(|error| Error::load("OCI archive", path, error))?
                    .index()
            }
            Self::DockerArchive { path, .. } => {
                let opened = Archive::open(path).await;
                let archive = opened.map_err(|error| Error::load("tarball", path, error))?;
                return Ok(archive.repo_tags().flatten().cloned().collect());
            }
        };
        let children = index.children().await?;
        let named = |child: &Descriptor| child.annotations().as_ref()?.get(REF_NAME).cloned();
        Ok(children.iter().filter_map(named).collect())
    }

    /// What the index of a layout lists.
    async fn listed(&self, index: Arc<dyn Index>, entry: &Entry) -> Result<Content, Error> {
        let found = match entry {
            Entry::Only => {
                let entries = index.children().await?;
                let [only] = &entries[..] else {
                    return Err(Error::NotListed {
                        place: self.to_string(),
                        names: names(&*index).await?,
                    });
                };
                Some(index.child(only).await?)
            }
            Entry::Named(name) => index.named(name).await?,
            Entry::Digest(digest) => match index.child_by_digest(digest).await {
                Err(wharf::v1::Error::NotFound { .. }) => None,
                found => Some(found?),
            },
        };
        match found {
            Some(Child::Blob(blob)) => Err(Error::NoImage {
                media_type: blob.media_type(),
            }),
            Some(child) => child.try_into(),
            None => Err(Error::NotListed {
                place: self.to_string(),
                names: names(&*index).await?,
            }),
        }
    }
}

/// What a layout could have been asked for: the names of its entries, or where they have none their digests.
async fn names(index: &dyn Index) -> Result<Vec<String>, Error> {
    let children = index.children().await?;
    let named = children.iter().map(|child| {
        let name = child.annotations().as_ref().and_then(|all| all.get(REF_NAME));
        name.cloned().unwrap_or_else(|| child.digest().to_string())
    });
    Ok(named.collect())
}

async fn docker_archive(path: &Path, tag: Option<&Tag>) -> Result<Content, Error> {
    let failed = |error| Error::load("tarball", path, error);
    let archive = Archive::open(path).await.map_err(failed)?;
    let image = archive.image(tag).await.map_err(failed)?;
    Ok(Content::Image(Arc::new(image)))
}
