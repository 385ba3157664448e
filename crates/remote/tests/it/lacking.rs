//! Registries that lack something, each one thing, and all that has to work with them all the same.

use futures_util::TryStreamExt as _;
use wharf_name::Reference;
use wharf_registry::Registry;
use wharf_registry::hook::{Feature, Profile};
use wharf_remote::{Children, CopyOptions, Error};
use wharf_v1::media_type::Family;
use wharf_v1::oci_spec::image::{Descriptor, MediaType};
use wharf_v1::partial::ImageBuilder;
use wharf_v1::{Config, Image as _, ImageExt as _, IndexExt as _};

use crate::kit::{Kit, recording, reference, repository};
use crate::read::platforms;

const FEATURES: [Feature; 14] = [
    Feature::ChunkedUpload,
    Feature::ConditionalRequests,
    Feature::Deletion,
    Feature::DigestHeader,
    Feature::HeadBlobs,
    Feature::HeadManifests,
    Feature::MonolithicPost,
    Feature::Mount,
    Feature::PageLinks,
    Feature::Ranges,
    Feature::Referrers,
    Feature::ReferrersFilter,
    Feature::UploadCancel,
    Feature::UploadStatus,
];

/// Reads all of an image, with a client that knows nothing.
async fn check(kit: &Kit, reference: &Reference, want: &Descriptor) {
    let client = kit.fresh_client();
    let fetched = client.get(reference).await.expect("there");
    assert_eq!(fetched.descriptor().digest(), want.digest(), "{reference}");
    let mut images = Vec::new();
    match fetched.index() {
        Ok(index) => {
            for child in index.children().await.expect("known") {
                let child = reference.repository().digest(child.digest().clone());
                images.push(client.image(&child.into(), None).await.expect("there"));
            }
        }
        Err(_) => images.push(fetched.image(None).await.expect("an image")),
    }
    for image in images {
        image.config().await.expect("good");
        for layer in image.layers().await.expect("known") {
            let read = layer.compressed().await.expect("there");
            read.collect(1 << 20).await.expect("good");
        }
    }
}

async fn live_with(kit: &Kit, lacks: &[Feature]) -> Result<(), Error> {
    let client = &kit.client;
    let (image_tag, index_tag) = (reference("a.test/app:image"), reference("a.test/app:index"));
    let image = wharf_v1::random::image(1, 3, 50_000);
    let written = client.write(&image_tag, &image).await?;
    check(kit, &image_tag, &written).await;
    let index = client
        .write_index(&index_tag, &platforms(&["linux/amd64", "linux/arm64"]))
        .await?;
    check(kit, &index_tag, &index).await;
    // Once more, by who does not know that it is there.
    kit.fresh_client().write(&image_tag, &image).await?;

    for (from, to) in [
        ("a.test/app:image", "a.test/mirror:image"),
        ("a.test/app:image", "a.test/app:copied"),
        ("a.test/app:image", "b.test/app:image"),
        ("b.test/app:image", "a.test/back:image"),
    ] {
        let copied = client
            .copy(&reference(from), &reference(to), &CopyOptions::default())
            .await?;
        check(kit, &reference(to), &copied.descriptor).await;
    }
    let some = vec!["linux/arm64".parse().expect("a platform")];
    let options = CopyOptions::default().with_children(Children::Subset(some));
    let to = reference("a.test/subset:v1");
    let copied = kit.fresh_client().copy(&index_tag, &to, &options).await?;
    check(kit, &to, &copied.descriptor).await;
    let tag = repository("a.test/app").tag("tagged").expect("a tag");
    client.tag(&image_tag, &tag).await?;
    check(kit, &tag.into(), &written).await;

    let mut tags: Vec<String> = client
        .tags(&repository("a.test/app"))
        .entries()
        .try_collect()
        .await?;
    tags.retain(|tag| !tag.starts_with("sha256-"));
    assert_eq!(tags, ["copied", "image", "index", "tagged"]);

    let subject = repository("a.test/app").digest(written.digest().clone());
    let artifact = ImageBuilder::new(Family::Oci)
        .config(Config::new("{}", MediaType::EmptyJSON))
        .artifact_type(MediaType::from("application/example"))
        .subject(written)
        .build()
        .await
        .expect("an artifact");
    let place = repository("a.test/app").digest(artifact.digest().await.expect("known"));
    client.write(&place.clone().into(), &artifact).await?;
    for kind in ["application/example", "application/other"] {
        let found = kit
            .fresh_client()
            .referrers(&subject, Some(&MediaType::from(kind)))
            .await?;
        assert_eq!(found.len(), usize::from(kind == "application/example"), "{kind}");
    }
    match client.delete(&place.into()).await {
        Err(error) if lacks.contains(&Feature::Deletion) => {
            assert_eq!(error.status(), Some(http::StatusCode::METHOD_NOT_ALLOWED));
        }
        outcome => {
            outcome?;
            assert!(kit.fresh_client().referrers(&subject, None).await?.is_empty());
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn everything_works_without_each_feature() {
    for lacking in FEATURES {
        let profile = Profile::full().without(lacking);
        let a = Registry::builder().record().profile(profile).build();
        let kit = Kit::with(a, recording(), |client| client.page_size(Some(2)));
        live_with(&kit, &[lacking])
            .await
            .unwrap_or_else(|error| panic!("without {lacking:?}: {error:?}"));
    }
}

/// As the registry of go-containerregistry is, and one that has nothing but what nobody can do without.
#[tokio::test(start_paused = true)]
async fn everything_works_with_little() {
    let mut bare = Profile::full();
    for feature in FEATURES {
        // Bytes have to get there somehow.
        if feature != Feature::ChunkedUpload {
            bare = bare.without(feature);
        }
    }
    for (profile, lacks) in [(Profile::go_containerregistry(), &[][..]), (bare, &FEATURES)] {
        let a = Registry::builder().record().profile(profile).build();
        let kit = Kit::with(a, recording(), |client| client);
        live_with(&kit, lacks)
            .await
            .unwrap_or_else(|error| panic!("{lacks:?}: {error:?}"));
    }
}
