//! What is copied, what goes along, and what is said of it.

use futures_util::TryStreamExt as _;
use http::Method;
use wharf_name::Reference;
use wharf_registry::hook::{Fault, Feature, Profile, Reaction};
use wharf_registry::{Options, References, Registry};
use wharf_remote::{Amount, Children, CopyOptions, CopyReport, Error, Misuse};
use wharf_v1::media_type::Family;
use wharf_v1::oci_spec::image::{Descriptor, Digest, MediaType};
use wharf_v1::partial::ImageBuilder;
use wharf_v1::{Child, Config, ImageExt as _, Index as _, IndexExt as _, PlatformSpec};

use crate::kit::{Kit, recording, reference, repository};
use crate::read::platforms;

const ALL: [&str; 3] = ["linux/amd64", "linux/arm64", "windows/amd64"];

/// An index of three platforms at `a.test/app:v1`.
async fn with_index(b: Registry) -> (Kit, Descriptor) {
    let kit = Kit::with(recording(), b, |client| client);
    let tag = reference("a.test/app:v1");
    let written = kit.client.write_index(&tag, &platforms(&ALL)).await;
    kit.forget_requests();
    (kit, written.expect("written"))
}

/// One that takes an index some of whose children it does not have.
fn sparse() -> Registry {
    let options = Options::default().with_references(References::MayBeMissing);
    Registry::builder().record().options(options).build()
}

fn specs(platforms: &[&str]) -> Vec<PlatformSpec> {
    let specs = platforms
        .iter()
        .map(|platform| platform.parse().expect("a platform"));
    specs.collect()
}

async fn copy(kit: &Kit, options: &CopyOptions) -> Result<CopyReport, Error> {
    let (from, to) = (reference("a.test/app:v1"), reference("b.test/app:v1"));
    kit.fresh_client().copy(&from, &to, options).await
}

/// Which of the children of the index at `b.test/app:v1` are there.
async fn there(kit: &Kit) -> Vec<bool> {
    let client = kit.fresh_client();
    let index = client.index(&reference("b.test/app:v1")).await.expect("there");
    let mut there = Vec::new();
    for child in index.children().await.expect("known") {
        let child = index.repository().digest(child.digest().clone());
        there.push(client.image(&child.into(), None).await.is_ok());
    }
    there
}

#[tokio::test]
async fn a_sparse_copy_keeps_the_index_and_leaves_children_out() {
    let (kit, whole) = with_index(sparse()).await;
    let options = CopyOptions::default().with_children(Children::Sparse(specs(&["linux/arm64"])));
    let report = copy(&kit, &options).await.expect("copied");
    assert_eq!(report.descriptor.digest(), whole.digest());
    assert_eq!(there(&kit).await, [false, true, false]);
    // More may follow, although the index is there.
    let options = CopyOptions::default().with_children(Children::Sparse(specs(&ALL[..2])));
    let report = copy(&kit, &options).await.expect("copied");
    assert_eq!(there(&kit).await, [true, true, false]);
    assert_eq!(report.present.count, 1, "the child that was there");
}

/// What a client has copied in part it does not take for whole.
#[tokio::test]
async fn a_sparse_copy_is_not_remembered_as_a_whole_one() {
    let (kit, _) = with_index(sparse()).await;
    let from = reference("a.test/app:v1");
    let options = CopyOptions::default().with_children(Children::Sparse(specs(&["linux/arm64"])));
    for (tag, options) in [
        ("b.test/app:part", options),
        ("b.test/app:v1", CopyOptions::default()),
    ] {
        kit.client
            .copy(&from, &reference(tag), &options)
            .await
            .expect("copied");
    }
    assert_eq!(there(&kit).await, [true, true, true]);
}

#[tokio::test]
async fn a_subset_is_an_index_of_its_own() {
    let (kit, whole) = with_index(recording()).await;
    let options =
        CopyOptions::default().with_children(Children::Subset(specs(&["windows/amd64", "linux/amd64"])));
    let report = copy(&kit, &options).await.expect("copied");
    assert_ne!(report.descriptor.digest(), whole.digest());
    assert_eq!(there(&kit).await, [true, true]);
    let index = kit
        .fresh_client()
        .index(&reference("b.test/app:v1"))
        .await
        .expect("there");
    let names = index.children().await.expect("known");
    let names = names.iter().filter_map(|child| child.platform().as_ref());
    let names: Vec<String> = names
        .map(|platform| PlatformSpec::from(platform).to_string())
        .collect();
    assert_eq!(
        names,
        ["linux/amd64", "windows/amd64"],
        "in the order of the index"
    );
    assert_eq!(index.media_type(), *whole.media_type());
    wharf_v1::conformance::index(index).await;
}

#[tokio::test]
async fn a_platform_that_is_not_there_is_an_error_before_anything_is_written() {
    let (kit, _) = with_index(recording()).await;
    for children in [
        Children::Sparse(specs(&["linux/s390x"])),
        Children::Subset(specs(&["linux/s390x"])),
    ] {
        let error = copy(&kit, &CopyOptions::default().with_children(children)).await;
        let error = error.expect_err("there is none");
        assert!(
            matches!(&error, Error::Content { source, .. }
            if matches!(**source, wharf_v1::Error::NoPlatform { .. })),
            "{error:?}"
        );
    }
    assert!(kit.asked_b().iter().all(|line| line.starts_with("HEAD")));
}

#[tokio::test]
async fn a_copy_has_as_many_tags_as_wanted() {
    let (kit, whole) = with_index(recording()).await;
    let tags = ["latest", "v1.2"].map(|tag| repository("b.test/app").tag(tag).expect("a tag"));
    let options = CopyOptions::default().with_tags(tags);
    for _ in 0..2 {
        let report = copy(&kit, &options).await.expect("copied");
        assert_eq!(report.descriptor.digest(), whole.digest());
    }
    for tag in ["v1", "latest", "v1.2"] {
        let tag = Reference::Tag(repository("b.test/app").tag(tag).expect("a tag"));
        let found = kit.client.head(&tag).await.expect("there");
        assert_eq!(found.digest(), whole.digest());
    }
    let elsewhere = repository("b.test/other").tag("v1").expect("a tag");
    let error = copy(&kit, &CopyOptions::default().with_tags([elsewhere])).await;
    assert!(
        matches!(error, Err(Error::Input { source, .. }) if matches!(*source, Misuse::OtherRepository { .. }))
    );
}

async fn attach(kit: &Kit, subject: &Digest, note: &str) -> Digest {
    let subject = Descriptor::new(MediaType::ImageManifest, 7, subject.clone());
    let artifact = ImageBuilder::new(Family::Oci)
        .config(Config::new("{}", MediaType::EmptyJSON))
        .artifact_type(MediaType::from("application/example"))
        .annotation("note", note)
        .subject(subject)
        .build()
        .await
        .expect("an artifact");
    let digest = artifact.digest().await.expect("known");
    let place = repository("a.test/app").digest(digest.clone()).into();
    kit.client.write(&place, &artifact).await.expect("written");
    digest
}

/// With the API at both ends, at one, and at none.
#[tokio::test]
async fn what_refers_to_it_goes_along() {
    let without = || {
        let profile = Profile::full().without(Feature::Referrers);
        Registry::builder().record().profile(profile).build()
    };
    for (a, b) in [
        (recording(), recording()),
        (without(), recording()),
        (recording(), without()),
        (without(), without()),
    ] {
        let kit = Kit::with(a, b, |client| client);
        let tag = reference("a.test/app:v1");
        let index = platforms(&ALL);
        let whole = kit.client.write_index(&tag, &index).await.expect("written");
        let children = index.children().await.expect("known");
        let signature = attach(&kit, whole.digest(), "of the index").await;
        let sbom = attach(&kit, children[1].digest(), "of a child").await;
        let deeper = attach(&kit, &sbom, "of what refers to a child").await;
        copy(&kit, &CopyOptions::default()).await.expect("copied");
        let client = kit.fresh_client();
        let listed = async |subject: &Digest| -> Vec<Digest> {
            let subject = repository("b.test/app").digest(subject.clone());
            let found = client.referrers(&subject, None).await.expect("a list");
            found.iter().map(|referrer| referrer.digest().clone()).collect()
        };
        assert!(listed(whole.digest()).await.is_empty(), "only on request");
        let options = CopyOptions::default().with_referrers(true);
        copy(&kit, &options).await.expect("copied");
        assert_eq!(listed(whole.digest()).await, [signature]);
        assert_eq!(listed(children[1].digest()).await, std::slice::from_ref(&sbom));
        assert_eq!(listed(&sbom).await, [deeper]);
    }
}

#[tokio::test]
async fn tags_named_after_it_go_along() {
    let (kit, whole) = with_index(recording()).await;
    let stem = whole.digest().to_string().replace(':', "-");
    let image = wharf_v1::random::image(9, 1, 100);
    for tag in [
        format!("{stem}.sig"),
        format!("{stem}.att"),
        "sha256-other.sig".to_owned(),
        "v2".to_owned(),
    ] {
        let tag = Reference::Tag(repository("a.test/app").tag(&tag).expect("a tag"));
        kit.client.write(&tag, &image).await.expect("written");
    }
    let options = CopyOptions::default().with_digest_tags(true);
    copy(&kit, &options).await.expect("copied");
    let tags = kit.client.tags(&repository("b.test/app")).entries();
    let mut tags: Vec<String> = tags.try_collect().await.expect("a list");
    tags.sort();
    assert_eq!(
        tags,
        [format!("{stem}.att"), format!("{stem}.sig"), "v1".to_owned()]
    );
}

fn amount(count: u64) -> impl Fn(&Amount) -> bool {
    move |amount| amount.count == count && (amount.bytes > 0) == (count > 0)
}

#[tokio::test]
async fn a_report_says_what_was_done_and_a_plan_what_would_be() {
    let (kit, _) = with_index(recording()).await;
    let from = reference("a.test/app:v1");
    let blobs = 3 * 2;
    // Where to, and then: manifests, moved, mounted, present.
    for (to, want) in [
        ("b.test/app:v1", [4, blobs, 0, 0]),
        ("b.test/app:v1", [0, 0, 0, 1]),
        ("b.test/app:v2", [1, 0, 0, 3]),
        ("a.test/mirror:v1", [4, 0, blobs, 0]),
        ("a.test/app:v2", [1, 0, 0, 0]),
    ] {
        let to = reference(to);
        kit.forget_requests();
        let client = kit.fresh_client();
        let planned = client
            .plan_copy(&from, &to, &CopyOptions::default())
            .await
            .expect("planned");
        let asked = [kit.asked_a(), kit.asked_b()].concat();
        assert!(
            asked
                .iter()
                .all(|line| line.starts_with("GET") || line.starts_with("HEAD")),
            "{to}: {asked:#?}"
        );
        assert_eq!(planned.requests, asked.len() as u64, "{to}");
        let copied = kit
            .fresh_client()
            .copy(&from, &to, &CopyOptions::default())
            .await
            .expect("copied");
        let asked = kit.asked_a().len() + kit.asked_b().len();
        assert_eq!(copied.requests, asked as u64, "{to}");
        for report in [&planned, &copied] {
            let got = [&report.manifests, &report.moved, &report.mounted, &report.present];
            for (got, want) in got.iter().zip(want) {
                assert!(amount(want)(got), "{to}: {report:?}, want {want}");
            }
        }
        let same = CopyReport::clone(&planned);
        assert_eq!(
            (same.descriptor, same.skipped),
            (copied.descriptor, copied.skipped)
        );
    }
}

/// A plan counts what goes along too.
#[tokio::test]
async fn a_plan_is_of_the_whole_copy() {
    let (kit, whole) = with_index(recording()).await;
    attach(&kit, whole.digest(), "of the index").await;
    let options = CopyOptions::default()
        .with_referrers(true)
        .with_tags([repository("b.test/app").tag("latest").expect("a tag")]);
    let (from, to) = (reference("a.test/app:v1"), reference("b.test/app:v1"));
    let planned = kit
        .fresh_client()
        .plan_copy(&from, &to, &options)
        .await
        .expect("planned");
    let copied = copy(&kit, &options).await.expect("copied");
    // The index, its children, its other name, and the artifact.
    assert_eq!(copied.manifests.count, 4 + 1 + 1);
    assert_eq!(planned.manifests, copied.manifests);
    assert_eq!(planned.moved, copied.moved);
}

#[tokio::test]
async fn several_are_written_at_once() {
    let kit = Kit::new();
    let image = Child::Image(std::sync::Arc::new(wharf_v1::random::image(1, 2, 100)));
    let index = Child::Index(std::sync::Arc::new(platforms(&ALL)));
    let items = [
        (reference("a.test/app:v1"), image.clone()),
        (reference("a.test/app:latest"), image),
        (reference("b.test/app:v1"), index),
    ];
    let written = kit.client.write_all(&items).await.expect("written");
    assert_eq!(written[0], written[1]);
    for ((reference, _), written) in items.iter().zip(&written) {
        let found = kit.fresh_client().head(reference).await.expect("there");
        assert_eq!(found.digest(), written.digest());
    }
    let blobs = kit.asked_a();
    let blobs = blobs.iter().filter(|line| line.starts_with("POST"));
    assert_eq!(blobs.count(), 3, "two layers and a config, once");
    let denied = Reaction::status(http::StatusCode::FORBIDDEN);
    kit.b
        .faults()
        .add(Fault::on(Method::PUT, "/manifests/").then(denied));
    let items = items.map(|(reference, item)| {
        let text = reference.to_string().replace(":v1", ":v2");
        (text.parse().expect("a reference"), item)
    });
    let error = kit.client.write_all(&items).await.expect_err("one is refused");
    assert!(error.is_denied());
}
