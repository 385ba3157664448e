//! What a place holds.

use std::sync::Arc;

use bytes::Bytes;
use wharf::mutate::keep_children;
use wharf::v1::oci_spec::image::{Descriptor, MediaType};
use wharf::v1::{Child, Image, Index, IndexExt as _, Matcher, PlatformSpec};

use crate::Error;

/// What a [`Place`](crate::Place) holds. Cloning is cheap; layers are read when they are asked for.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum Content {
    /// An image or artifact.
    Image(Arc<dyn Image>),
    /// An index.
    Index(Arc<dyn Index>),
    /// A manifest of another kind: what it refers to is not known.
    Other {
        /// What it is.
        descriptor: Box<Descriptor>,
        /// Its bytes.
        raw: Bytes,
    },
}

impl Content {
    /// Its media type.
    #[must_use]
    pub fn media_type(&self) -> MediaType {
        match self {
            Self::Image(image) => image.media_type(),
            Self::Index(index) => index.media_type(),
            Self::Other { descriptor, .. } => descriptor.media_type().clone(),
        }
    }

    /// Media type, digest and size of its manifest.
    ///
    /// # Errors
    /// [`Error::Content`] when it cannot be read.
    pub async fn descriptor(&self) -> Result<Descriptor, Error> {
        Ok(match self {
            Self::Image(image) => image.descriptor().await?,
            Self::Index(index) => index.descriptor().await?,
            Self::Other { descriptor, .. } => (**descriptor).clone(),
        })
    }

    /// The bytes of its manifest.
    ///
    /// # Errors
    /// [`Error::Content`] when it cannot be read.
    pub async fn raw(&self) -> Result<Bytes, Error> {
        Ok(match self {
            Self::Image(image) => image.manifest().await?.raw().clone(),
            Self::Index(index) => index.manifest().await?.raw().clone(),
            Self::Other { raw, .. } => raw.clone(),
        })
    }

    /// The image: this one, whatever its platform; of an index the one for `platform`, `linux/amd64` if none is
    /// given.
    ///
    /// # Errors
    /// [`Error::Content`] when an index has no such child or it cannot be read, [`Error::NoImage`] when
    /// this is neither image nor index.
    pub async fn image(&self, platform: Option<&PlatformSpec>) -> Result<Arc<dyn Image>, Error> {
        match self {
            Self::Image(image) => Ok(Arc::clone(image)),
            Self::Index(index) => Ok(index.image_for(&platform.cloned().unwrap_or_default()).await?),
            Self::Other { descriptor, .. } => Err(Error::NoImage {
                media_type: descriptor.media_type().clone(),
            }),
        }
    }

    /// What of it is for these platforms: itself if it is no index or none are given, the image for a single one,
    /// else the index with only the children that fit best.
    ///
    /// # Errors
    /// [`Error::Content`] when an index lacks one of the platforms, or cannot be read.
    pub async fn for_platforms(&self, platforms: &[PlatformSpec]) -> Result<Self, Error> {
        let Self::Index(index) = self else {
            return Ok(self.clone());
        };
        match platforms {
            [] => Ok(self.clone()),
            [platform] => Ok(Self::Image(index.image_for(platform).await?)),
            platforms => {
                let children = index.children().await?;
                let mut digests = Vec::with_capacity(platforms.len());
                for platform in platforms {
                    digests.push(platform.find(&children)?.digest().clone());
                }
                let kept = keep_children(Arc::clone(index), Matcher::digests(digests));
                Ok(Self::Index(Arc::new(kept)))
            }
        }
    }
}

impl TryFrom<Child> for Content {
    type Error = Error;

    fn try_from(child: Child) -> Result<Self, Error> {
        match child {
            Child::Image(image) => Ok(Self::Image(image)),
            Child::Index(index) => Ok(Self::Index(index)),
            Child::Blob(blob) => Err(Error::NoImage {
                media_type: blob.media_type(),
            }),
            _ => Err(Error::NoImage {
                media_type: MediaType::Other("unknown".to_owned()),
            }),
        }
    }
}
