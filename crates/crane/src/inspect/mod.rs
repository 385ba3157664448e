//! What is at a place, at a glance.

mod image;

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use wharf::remote::Client;
use wharf::v1::media_type::MediaTypeExt as _;
use wharf::v1::oci_spec::image::Descriptor;
use wharf::v1::{Child, Index, IndexExt as _, PlatformSpec};

use crate::{Content, DescriptorSummary, Error, Place, referrers};

pub use image::{ImageSummary, LayerSummary};

/// Manifests that are asked for at a time.
const AT_ONCE: usize = 8;
/// Children of an index that are looked at.
const MOST_CHILDREN: usize = 1000;

/// What is at a place. Serialises as what `crane inspect --json` prints; fields may be added.
#[non_exhaustive]
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// The place as it was named.
    pub name: String,
    /// The digest of the manifest or index.
    pub digest: String,
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub size: u64,
    /// What it is for, if it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Its annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// What an index lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<PlatformSummary>,
    /// The image: of an index the one for the platform asked for, else for `linux/amd64`, else the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageSummary>,
    /// What refers to the manifest or index.
    pub referrers: Vec<DescriptorSummary>,
}

/// A child of an index.
#[non_exhaustive]
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlatformSummary {
    /// The platform that the index states, or `-`.
    pub platform: String,
    /// The digest of the child.
    pub digest: String,
    /// Its media type.
    pub media_type: String,
    /// Bytes of the child's manifest, config and layers as stored; none where it is no image, or not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_size: Option<u64>,
    /// What it is for, if the index says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
}

/// What is at `place`: manifest, platforms, one image's config and layers, referrers. No layer is read, of a layout or
/// a registry; of an index every child's manifest is, a thousand at most.
///
/// # Errors
/// As [`Place::read`]; [`Error::Content`] when an index lacks the platform that is asked for, or something cannot be
/// read or is damaged.
pub async fn inspect(
    client: &Client,
    place: &Place,
    platform: Option<&PlatformSpec>,
) -> Result<Inspection, Error> {
    let content = place.read(client).await?;
    let descriptor = content.descriptor().await?;
    let mut inspection = Inspection {
        name: place.to_string(),
        digest: descriptor.digest().to_string(),
        media_type: descriptor.media_type().to_string(),
        size: descriptor.size(),
        artifact_type: None,
        annotations: BTreeMap::new(),
        platforms: Vec::new(),
        image: None,
        referrers: Vec::new(),
    };
    match &content {
        Content::Image(image) => {
            let manifest = image.manifest().await?;
            let view = manifest.view()?;
            inspection.annotations = sorted(view.annotations().clone());
            inspection.artifact_type = view.artifact_type().as_ref().map(ToString::to_string);
            inspection.image = Some(ImageSummary::of(&**image).await?);
        }
        Content::Index(index) => {
            let manifest = index.manifest().await?;
            let view = manifest.view()?;
            inspection.annotations = sorted(view.annotations().clone());
            inspection.artifact_type = view.artifact_type().as_ref().map(ToString::to_string);
            inspection.platforms = children(&**index).await?;
            let image = match platform {
                Some(platform) => Some(index.image_for(platform).await?),
                None => match index.image_for(&PlatformSpec::default()).await {
                    Ok(image) => Some(image),
                    Err(wharf::v1::Error::NoPlatform { .. }) => first_image(&**index).await?,
                    Err(error) => return Err(error.into()),
                },
            };
            if let Some(image) = image {
                inspection.image = Some(ImageSummary::of(&*image).await?);
            }
        }
        Content::Other { .. } => {}
    }
    let referrers = referrers(client, place, descriptor.digest(), None).await?;
    inspection.referrers = referrers.iter().map(DescriptorSummary::from).collect();
    Ok(inspection)
}

fn sorted(annotations: Option<std::collections::HashMap<String, String>>) -> BTreeMap<String, String> {
    annotations.unwrap_or_default().into_iter().collect()
}

async fn children(index: &dyn Index) -> Result<Vec<PlatformSummary>, Error> {
    let listed = index.children().await?;
    let summaries = stream::iter(
        listed
            .into_iter()
            .take(MOST_CHILDREN)
            .map(|child| summary(index, child)),
    );
    summaries.buffered(AT_ONCE).try_collect().await
}

async fn summary(index: &dyn Index, child: Descriptor) -> Result<PlatformSummary, Error> {
    let total_size = match child.media_type().is_image() {
        true => match total_size_of(index, &child).await {
            // It is listed, and that is all.
            Err(error) if error.is_not_found() => None,
            size => size?,
        },
        false => None,
    };
    let platform = child.platform().as_ref().map(PlatformSpec::from);
    Ok(PlatformSummary {
        platform: platform.map_or_else(|| "-".to_owned(), |platform| platform.to_string()),
        digest: child.digest().to_string(),
        media_type: child.media_type().to_string(),
        total_size,
        artifact_type: child.artifact_type().as_ref().map(ToString::to_string),
    })
}

async fn total_size_of(index: &dyn Index, child: &Descriptor) -> Result<Option<u64>, Error> {
    match index.child(child).await? {
        Child::Image(image) => image::total_size(&image.manifest().await?).map(Some),
        _ => Ok(None),
    }
}

async fn first_image(index: &dyn Index) -> Result<Option<std::sync::Arc<dyn wharf::v1::Image>>, Error> {
    let listed = index.children().await?;
    let Some(first) = listed.iter().find(|child| child.media_type().is_image()) else {
        return Ok(None);
    };
    match index.child(first).await? {
        Child::Image(image) => Ok(Some(image)),
        _ => Ok(None),
    }
}
