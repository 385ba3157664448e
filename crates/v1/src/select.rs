//! Finding the image for a platform in an index.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use oci_spec::image::Descriptor;

use crate::media_type::MediaTypeExt as _;
use crate::{Child, Error, Image, Index, IndexExt as _, PlatformSpec};

/// Indexes nested deeper than this are not searched.
const MAX_DEPTH: usize = 8;

/// The first image in `index` that is for `platform`.
pub(crate) async fn image_for<I: Index + ?Sized>(
    index: &I,
    platform: &PlatformSpec,
) -> Result<Arc<dyn Image>, Error> {
    let mut available = BTreeSet::new();
    if let Some(image) = search(index, platform, &mut available, MAX_DEPTH).await? {
        return Ok(image);
    }
    let available = available.into_iter().collect();
    Err(Error::NoPlatform {
        wanted: platform.to_string(),
        available,
    })
}

fn search<'a, I: Index + ?Sized>(
    index: &'a I,
    platform: &'a PlatformSpec,
    available: &'a mut BTreeSet<String>,
    depth: usize,
) -> BoxFuture<'a, Result<Option<Arc<dyn Image>>, Error>> {
    Box::pin(async move {
        if depth == 0 {
            return Ok(None);
        }
        for listed in index.children().await? {
            let fits = platform.matches_child(&listed);
            if is_image(&listed) {
                if fits && let Child::Image(image) = index.child(&listed).await? {
                    return Ok(Some(image));
                }
                available.extend(
                    listed
                        .platform()
                        .as_ref()
                        .map(|have| PlatformSpec::from(have).to_string()),
                );
            } else if listed.media_type().is_index()
                && (fits || listed.platform().is_none())
                && let Child::Index(nested) = index.child(&listed).await?
                && let Some(image) = search(&*nested, platform, available, depth - 1).await?
            {
                return Ok(Some(image));
            }
        }
        Ok(None)
    })
}

/// Whether a child is an image to run. One that states a platform is; of the others, not what says that
/// it is an artifact. An image's descriptor may carry its config's media type as its artifact type.
fn is_image(listed: &Descriptor) -> bool {
    let is_artifact = listed
        .artifact_type()
        .as_ref()
        .is_some_and(|kind| !kind.is_config());
    listed.media_type().is_image() && (listed.platform().is_some() || !is_artifact)
}

#[cfg(test)]
mod tests {
    use oci_spec::image::{ImageIndexBuilder, MediaType};

    use super::*;
    use crate::partial::AssembledIndex;
    use crate::{ImageExt as _, IndexManifest, media_type, random};

    fn index_of(children: Vec<(Descriptor, Child)>) -> AssembledIndex {
        let manifest = ImageIndexBuilder::default()
            .schema_version(2_u32)
            .manifests(
                children
                    .iter()
                    .map(|(listed, _)| listed.clone())
                    .collect::<Vec<_>>(),
            )
            .build()
            .expect("all fields");
        let manifest = IndexManifest::from_view(manifest, MediaType::ImageIndex);
        AssembledIndex::new(
            manifest,
            children.into_iter().map(|(d, child)| (d.digest().clone(), child)),
        )
    }

    fn image(seed: u64, platform: Option<&str>) -> (Descriptor, Child) {
        let image = random::image(seed, 1, 1);
        let mut listed = image.as_descriptor().clone();
        listed.set_platform(platform.map(|text| text.parse::<PlatformSpec>().expect(text).to_platform()));
        (listed, Child::Image(Arc::new(image)))
    }

    #[track_caller]
    fn found(result: Result<oci_spec::image::Digest, Error>, want: &(Descriptor, Child)) {
        assert_eq!(result.expect("found"), *want.0.digest());
    }

    async fn pick(index: &AssembledIndex, platform: &str) -> Result<oci_spec::image::Digest, Error> {
        index
            .image_for(&platform.parse().expect(platform))
            .await?
            .digest()
            .await
    }

    #[tokio::test]
    async fn the_first_that_fits() {
        let amd64 = image(1, Some("linux/amd64"));
        let v6 = image(2, Some("linux/arm/v6"));
        let v7 = image(3, Some("linux/arm/v7"));
        let index = index_of(vec![amd64.clone(), v6.clone(), v7.clone()]);
        found(pick(&index, "linux/amd64").await, &amd64);
        found(pick(&index, "linux/arm").await, &v6);
        found(pick(&index, "linux/arm/v7").await, &v7);
        let error = pick(&index, "linux/s390x").await.expect_err("not there");
        assert_eq!(
            error.to_string(),
            "no child with platform linux/s390x (there are: linux/amd64, linux/arm/v6, linux/arm/v7)"
        );
    }

    #[tokio::test]
    async fn artifacts_are_no_images_for_any_platform() {
        let mut signature = image(1, None);
        signature
            .0
            .set_artifact_type(Some(MediaType::from("application/vnd.example.signature")));
        let mut docker = image(2, None);
        docker
            .0
            .set_artifact_type(Some(MediaType::from(media_type::DOCKER_CONFIG)));
        found(
            pick(&index_of(vec![signature, docker.clone()]), "linux/amd64").await,
            &docker,
        );
    }

    #[tokio::test]
    async fn nested_indexes_are_searched() {
        let wanted = image(1, Some("linux/arm64"));
        let mut index = Arc::new(index_of(vec![wanted.clone()]));
        for depth in 2..=MAX_DEPTH + 1 {
            let listed = index.descriptor().await.expect("known");
            index = Arc::new(index_of(vec![(listed, Child::Index(index))]));
            match pick(&index, "linux/arm64").await {
                Err(Error::NoPlatform { .. }) => assert!(depth > MAX_DEPTH, "{depth}"),
                result => found(result, &wanted),
            }
        }
    }
}
