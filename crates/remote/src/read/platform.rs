//! Finding the image for a platform in an index.

use std::collections::BTreeSet;

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, MediaType};
use wharf_name::Reference;
use wharf_v1::PlatformSpec;
use wharf_v1::media_type::MediaTypeExt as _;

use crate::error::{Error, Operation, Violation};
use crate::read::{RemoteImage, RemoteIndex};

/// Indexes nested deeper than this are not searched.
const MAX_DEPTH: usize = 8;

/// The first image in `index` that is for `platform`, its manifest read.
///
/// Children are tried in order. One without a platform counts as `linux/amd64`, unless it says that it is an artifact.
/// A nested index is searched if it is for the platform or does not say.
pub(crate) async fn pick(index: &RemoteIndex, platform: &PlatformSpec) -> Result<RemoteImage, Error> {
    let mut available = BTreeSet::new();
    if let Some(image) = search(index, platform, &mut available, 1).await? {
        image.load().await?;
        return Ok(image);
    }
    let source = wharf_v1::Error::NoPlatform {
        wanted: platform.to_string(),
        available: available.into_iter().collect(),
    };
    Err(Error::content(Operation::Get, &reference(index), source))
}

fn search<'a>(
    index: &'a RemoteIndex,
    platform: &'a PlatformSpec,
    available: &'a mut BTreeSet<String>,
    depth: usize,
) -> BoxFuture<'a, Result<Option<RemoteImage>, Error>> {
    Box::pin(async move {
        if depth > MAX_DEPTH {
            let violation = Violation::TooDeep { limit: MAX_DEPTH };
            return Err(Error::answer(Operation::Get, &reference(index), violation));
        }
        let document = index.load().await?;
        let view = document
            .view()
            .map_err(|error| Error::content(Operation::Get, &reference(index), error))?;
        for child in view.manifests() {
            if child.media_type().is_index() {
                if child.platform().is_none() || platform.matches_child(child) {
                    let nested = index.index_child(child);
                    let found = search(&nested, platform, available, depth + 1).await?;
                    if found.is_some() {
                        return Ok(found);
                    }
                }
            } else if is_image(child) {
                if platform.matches_child(child) {
                    return Ok(Some(index.image_child(child)));
                }
                if let Some(other) = child.platform() {
                    available.insert(PlatformSpec::from(other).to_string());
                }
            }
        }
        Ok(None)
    })
}

/// Whether a child can be run. What states a platform can; of the others, not what is marked as an artifact.
fn is_image(child: &Descriptor) -> bool {
    let is_artifact = child
        .artifact_type()
        .as_ref()
        .is_some_and(|kind| *kind != MediaType::ImageConfig);
    child.media_type().is_image() && (child.platform().is_some() || !is_artifact)
}

fn reference(index: &RemoteIndex) -> Reference {
    Reference::Digest(
        index
            .repository()
            .digest(index.known_descriptor().digest().clone()),
    )
}
