//! Finding the image for a platform in an index.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use oci_spec::image::Descriptor;

use crate::media_type::MediaTypeExt as _;
use crate::{Child, Error, Fit, Image, Index, IndexExt as _, PlatformSpec};

/// Indexes nested deeper than this are not searched.
const MAX_DEPTH: usize = 8;

/// The image in `index` that fits `platform` best.
pub(crate) async fn image_for<I: Index + ?Sized>(
    index: &I,
    platform: &PlatformSpec,
) -> Result<Arc<dyn Image>, Error> {
    let mut search = Search {
        platform,
        wanted: None,
        best: None,
        available: BTreeSet::new(),
    };
    if let Some(image) = search.run(index, MAX_DEPTH).await? {
        return Ok(image);
    }
    // Only now it is known which will do best.
    search.wanted = search.best;
    if search.wanted.is_some()
        && let Some(image) = search.run(index, MAX_DEPTH).await?
    {
        return Ok(image);
    }
    Err(Error::NoPlatform {
        wanted: platform.to_string(),
        available: search.available.into_iter().collect(),
    })
}

struct Search<'a> {
    platform: &'a PlatformSpec,
    /// The fit of the image that is looked for; an exact one if `None`.
    wanted: Option<Fit>,
    /// The best that was seen.
    best: Option<Fit>,
    available: BTreeSet<String>,
}

impl Search<'_> {
    fn run<'a, I: Index + ?Sized>(
        &'a mut self,
        index: &'a I,
        depth: usize,
    ) -> BoxFuture<'a, Result<Option<Arc<dyn Image>>, Error>> {
        Box::pin(async move {
            if depth == 0 {
                return Ok(None);
            }
            for listed in index.children().await? {
                let fit = self.platform.fit_child(&listed);
                if is_image(&listed) {
                    if fit.is_some_and(|fit| self.is_wanted(fit))
                        && let Child::Image(image) = index.child(&listed).await?
                    {
                        return Ok(Some(image));
                    }
                    self.note(&listed, fit);
                } else if listed.media_type().is_index()
                    && (fit.is_some() || listed.platform().is_none())
                    && let Child::Index(nested) = index.child(&listed).await?
                    && let Some(image) = self.run(&*nested, depth - 1).await?
                {
                    return Ok(Some(image));
                }
            }
            Ok(None)
        })
    }

    fn is_wanted(&self, fit: Fit) -> bool {
        match self.wanted {
            None => fit.is_exact(),
            Some(wanted) => fit == wanted,
        }
    }

    fn note(&mut self, listed: &Descriptor, fit: Option<Fit>) {
        self.best = self.best.into_iter().chain(fit).min();
        let have = listed.platform().as_ref().map(PlatformSpec::from);
        // Nobody could have asked for an attestation.
        let have = have.filter(|have| have.os() != "unknown");
        self.available.extend(have.map(|have| have.to_string()));
    }
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
        for silent in [index_of(vec![]), index_of(vec![image(4, None)])] {
            let error = pick(&silent, "linux/s390x").await.expect_err("not there");
            assert_eq!(
                error.to_string(),
                "no child with platform linux/s390x (the index says of none what platform it is for)"
            );
        }
    }

    #[tokio::test]
    async fn the_best_that_will_do() {
        let v5 = image(1, Some("linux/arm/v5"));
        let v6 = image(2, Some("linux/arm/v6"));
        let attestation = image(3, Some("unknown/unknown"));
        let arm64 = image(4, Some("linux/arm64/v8"));
        let nested = Arc::new(index_of(vec![v6.clone(), arm64.clone()]));
        let listed = nested.descriptor().await.expect("known");
        let index = index_of(vec![attestation, v5.clone(), (listed, Child::Index(nested))]);
        found(pick(&index, "linux/arm/v7").await, &v6);
        found(pick(&index, "linux/arm/v5").await, &v5);
        found(pick(&index, "linux/aarch64").await, &arm64);
        let error = pick(&index, "linux/amd64").await.expect_err("not there");
        assert_eq!(
            error.to_string(),
            "no child with platform linux/amd64 (there are: linux/arm/v5, linux/arm/v6, linux/arm64/v8)"
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
