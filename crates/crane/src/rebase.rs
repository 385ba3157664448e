//! Images on other bases.

use std::sync::Arc;

use wharf::mutate::RebaseOptions as Options;
use wharf::name::Reference;
use wharf::remote::Client;
use wharf::v1::{Image, PlatformSpec, empty};

use crate::{Content, Error, Place};

const BASE_NAME: &str = "org.opencontainers.image.base.name";
const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// The bases of a [`rebase`].
#[non_exhaustive]
#[derive(Clone, Debug, Default)]
pub struct RebaseOptions {
    /// What the image is based on. Default: by the annotation `org.opencontainers.image.base.digest`, in the repository
    /// of the new base.
    pub old_base: Option<OldBase>,
    /// What it is to be based on. Default: by the annotation `org.opencontainers.image.base.name`.
    pub new_base: Option<Place>,
}

/// What an image is based on.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum OldBase {
    /// Nothing: all its layers come upon the new base.
    Scratch,
    /// The image that is there.
    Place(Place),
}

impl From<Place> for OldBase {
    fn from(place: Place) -> Self {
        Self::Place(place)
    }
}

/// The image on a new base instead of its old one (Go: `crane rebase`).
///
/// Where a base is an index, its image for the platform of `image` is meant. The annotations that name a base are
/// set: to the new base's name, and to its digest, of an index to that of the index.
///
/// # Errors
/// [`Error::NoBase`] when neither the options nor annotations say which bases are meant, [`Error::Mutate`] when
/// the image is not based on the old one, else as for [`Place::read`].
pub async fn rebase(
    client: &Client,
    image: Arc<dyn Image>,
    options: &RebaseOptions,
) -> Result<Arc<dyn Image>, Error> {
    let manifest = image.manifest().await?;
    let annotations = manifest.view()?.annotations().clone().unwrap_or_default();
    let new_base = match &options.new_base {
        Some(place) => place.clone(),
        None => {
            let name = annotations.get(BASE_NAME).ok_or(Error::NoBase {
                which: "new base image",
            })?;
            name.parse().map(Place::Registry)?
        }
    };
    let old_base = match (&options.old_base, &new_base) {
        (Some(base), _) => base.clone(),
        (None, Place::Registry(new)) => {
            let missing = Error::NoBase {
                which: "old base image by digest",
            };
            let digest = annotations.get(BASE_DIGEST).ok_or(missing)?;
            let reference: Reference = format!("{}@{digest}", new.repository()).parse()?;
            OldBase::Place(Place::Registry(reference))
        }
        (None, _) => {
            return Err(Error::NoBase {
                which: "old base image by digest",
            });
        }
    };
    let platform = PlatformSpec::of_config(image.config().await?.view()?);
    let (old, new) = tokio::try_join!(
        old(client, &old_base, platform.as_ref()),
        opened(client, &new_base, platform.as_ref()),
    )?;
    let (new, digest) = new;
    let options = Options::new().with_base_annotations(new_base.to_string(), digest);
    let rebased = wharf::mutate::rebase(image, &*old, new, &options).await?;
    Ok(Arc::new(rebased))
}

/// By what an image says what it is based on: two annotations of its manifest.
#[derive(Clone, Debug)]
pub struct BaseName {
    name: Option<String>,
    digest: wharf::v1::oci_spec::image::Digest,
}

impl BaseName {
    /// Of the base that is at `base`. Its digest is that of the index, if it is one. Only what is known by a tag
    /// has a name besides.
    ///
    /// # Errors
    /// [`Error::Content`] when it cannot be read.
    pub async fn of(base: &Place, content: &Content) -> Result<Self, Error> {
        let tag = base.reference().filter(|reference| reference.digest().is_none());
        Ok(Self {
            name: tag.map(ToString::to_string),
            digest: content.descriptor().await?.digest().clone(),
        })
    }

    /// The image with the annotations.
    #[must_use]
    pub fn annotate(&self, image: Arc<dyn Image>) -> Arc<dyn Image> {
        let digest = [(BASE_DIGEST, self.digest.to_string())];
        let name = self.name.clone().map(|name| (BASE_NAME, name));
        Arc::new(wharf::mutate::annotate(image, digest.into_iter().chain(name)))
    }
}

/// The image of an old base.
async fn old(
    client: &Client,
    base: &OldBase,
    platform: Option<&PlatformSpec>,
) -> Result<Arc<dyn Image>, Error> {
    match base {
        OldBase::Scratch => Ok(Arc::new(empty::image())),
        OldBase::Place(place) => place.image(client, platform).await,
    }
}

/// The image of a base, and the digest by which the base is known.
async fn opened(
    client: &Client,
    base: &Place,
    platform: Option<&PlatformSpec>,
) -> Result<(Arc<dyn Image>, wharf::v1::oci_spec::image::Digest), Error> {
    let content: Content = base.read(client).await?;
    let digest = content.descriptor().await?.digest().clone();
    Ok((content.image(platform).await?, digest))
}
