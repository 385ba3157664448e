//! Indexes from indexes.

use std::sync::Arc;

use wharf_mutate::{
    Addendum, ConfigEdits, Error, IndexAddendum, MutatedIndex, annotate, annotate_children, append_children,
    append_layers, edit_children, edit_config, edit_images, filter_platforms, remove_children, replace_child,
    set_subject,
};
use wharf_v1::oci_spec::image::{Descriptor, MediaType};
use wharf_v1::partial::{AssembledImage, AssembledIndex, StaticLayer};
use wharf_v1::{
    Child, Image, ImageExt as _, Index, IndexExt as _, IndexManifest, Matcher, PlatformSpec, conformance,
    empty, random, sha256,
};

use crate::support::base;

fn index() -> Arc<dyn Index> {
    Arc::new(random::index(1, 2, 1, 100))
}

async fn text(index: &impl Index) -> String {
    let manifest = index.manifest().await.expect("manifest");
    String::from_utf8(manifest.raw().to_vec()).expect("text")
}

#[tokio::test]
async fn children_of_all_kinds_are_appended() {
    let platform = PlatformSpec::new("linux", "arm").with_variant("v7").to_platform();
    let artifact = crate::support::assembled("{}", "application/x-kind".into(), "");
    let index = append_children(
        index(),
        [
            IndexAddendum::image(random::image(7, 1, 100))
                .with_platform(platform.clone())
                .with_urls(["https://example.com/"])
                .with_annotations([("a", "b")])
                .with_artifact_type("x/y".into()),
            IndexAddendum::index(random::index(8, 1, 1, 100)),
            IndexAddendum::blob(StaticLayer::new("blob", "text/plain".into())),
            IndexAddendum::image(base()),
            IndexAddendum::image(artifact),
        ],
    );
    let children = index.children().await.expect("children");
    assert_eq!(children.len(), 7);
    assert_eq!(children[2].platform().as_ref(), Some(&platform));
    assert_eq!(
        children[2].urls().as_deref(),
        Some(&["https://example.com/".to_owned()][..])
    );
    assert_eq!(
        children[2].annotations().as_ref().map(|all| all["a"].as_str()),
        Some("b")
    );
    assert_eq!(children[2].artifact_type(), &Some(MediaType::from("x/y")));
    assert_eq!(children[4].media_type().as_ref(), "text/plain");
    // What an image's config says of its platform, and an artifact's of its kind.
    let spec = children[5]
        .platform()
        .as_ref()
        .map(|have| PlatformSpec::from(have).to_string());
    assert_eq!(spec.as_deref(), Some("linux/arm64"));
    assert_eq!(children[5].artifact_type(), &None);
    assert_eq!(
        children[6].artifact_type(),
        &Some(MediaType::from("application/x-kind"))
    );
    assert!(matches!(index.child(&children[4]).await, Ok(Child::Blob(_))));
    // In itself, and in another.
    let index = Arc::new(index);
    conformance::index(Arc::clone(&index)).await;
    let twice = append_children(
        Arc::clone(&index) as _,
        [IndexAddendum::index(Arc::clone(&index))],
    );
    conformance::index(append_children(
        Arc::new(empty::index()),
        [IndexAddendum::index(twice), IndexAddendum::index(empty::index())],
    ))
    .await;
}

#[tokio::test]
async fn nothing_appended_is_nothing_changed() {
    let same = append_children(index(), []);
    assert_eq!(text(&same).await, text(&index()).await);
}

#[tokio::test]
async fn children_are_removed() {
    let children = index().children().await.expect("children");
    let first = children[0].digest().clone();
    let one = remove_children(index(), Matcher::digests([first]));
    assert_eq!(one.children().await.expect("children"), children[1..]);
    conformance::index(one).await;
    let none = remove_children(index(), Matcher::any());
    assert!(text(&none).await.contains(r#""manifests":[]"#));
    conformance::index(none).await;
}

fn listed(platform: &str, seed: u64) -> IndexAddendum {
    let spec: PlatformSpec = platform.parse().expect("a platform");
    IndexAddendum::image(random::image(seed, 1, 100)).with_platform(spec.to_platform())
}

#[tokio::test]
async fn platforms_are_filtered() {
    let platforms = [
        "linux/amd64",
        "linux/arm/v6",
        "linux/arm/v7",
        "windows/amd64:10",
        "unknown/unknown",
    ];
    let addenda = platforms
        .iter()
        .zip(1..)
        .map(|(platform, seed)| listed(platform, seed));
    let all = append_children(
        Arc::new(empty::index()),
        addenda.chain([IndexAddendum::index(random::index(9, 1, 1, 100))]),
    );
    let all: Arc<dyn Index> = Arc::new(all);
    let check = async |wanted: &[&str], want: &[&str]| {
        let wanted = wanted
            .iter()
            .map(|text| text.parse::<PlatformSpec>().expect("a platform"));
        let index = filter_platforms(Arc::clone(&all), wanted);
        let children = index.children().await.expect("children");
        let kept: Vec<_> = children
            .iter()
            .map(|child| PlatformSpec::from(child.platform().as_ref().expect("has one")).to_string())
            .collect();
        assert_eq!(kept, want, "{wanted:?}", wanted = want);
        conformance::index(index).await;
    };
    check(&["linux/amd64"], &["linux/amd64"]).await;
    check(&["linux/arm"], &["linux/arm/v6", "linux/arm/v7"]).await;
    check(
        &["linux/arm/v7", "windows"],
        &["linux/arm/v7", "windows/amd64:10"],
    )
    .await;
    check(&["plan9"], &[]).await;
    check(&[], &[]).await;
}

#[tokio::test]
async fn entries_are_edited_but_not_what_they_describe() {
    let before = index().children().await.expect("children");
    let edited = edit_children(index(), |child| {
        *child = Descriptor::new("x/y".into(), 1, sha256("other"));
        child.set_annotations(Some([("a".to_owned(), "b".to_owned())].into()));
    });
    let after = edited.children().await.expect("children");
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(
            (before.digest(), before.size(), before.media_type()),
            (after.digest(), after.size(), after.media_type())
        );
        assert!(after.annotations().is_some());
    }
    conformance::index(edited).await;
    assert_eq!(text(&edit_children(index(), |_| {})).await, text(&index()).await);
}

#[tokio::test]
async fn a_child_is_replaced() {
    let old = append_children(
        index(),
        [listed("linux/arm64", 5)
            .with_annotations([("a", "b")])
            .with_urls(["https://example.com/"])],
    );
    let old: Arc<dyn Index> = Arc::new(old);
    let digest = random::image(5, 1, 100).digest().await.expect("digest");
    let new = listed("linux/arm64/v8", 6);
    let index = replace_child(Arc::clone(&old), &digest, new.clone())
        .await
        .expect("there");
    let child = &index.children().await.expect("children")[2];
    assert_eq!(
        *child.digest(),
        random::image(6, 1, 100).digest().await.expect("digest")
    );
    assert!(child.annotations().is_some() && child.urls().is_none());
    assert_eq!(
        child
            .platform()
            .as_ref()
            .and_then(|have| have.variant().as_deref()),
        Some("v8")
    );
    conformance::index(index).await;
    // One that says nothing of its platform is for the old one's.
    let nowhere = IndexAddendum::image(empty::oci_image());
    let index = replace_child(Arc::clone(&old), &digest, nowhere).await;
    let arm = PlatformSpec::new("linux", "arm64");
    assert!(index.expect("there").image_for(&arm).await.is_ok());
    let error = replace_child(old, &sha256("none"), new).await;
    assert!(matches!(error, Err(Error::NotFound { .. })), "{error:?}");
}

/// An index as BuildKit makes it, with fields that nobody knows, a signature of an attestation, and a
/// nested index.
async fn attested() -> AssembledIndex {
    let image = random::image(1, 1, 100);
    let listed = image.descriptor().await.expect("descriptor");
    let mut attestation = empty::oci_image();
    let statement = StaticLayer::new("{}", "application/vnd.in-toto+json".into());
    let with_statement = append_layers(
        Arc::new(attestation.clone()),
        [Addendum::new(Arc::new(statement))],
    );
    let (manifest, config) = (
        with_statement.manifest().await.expect("manifest"),
        with_statement.config().await.expect("config"),
    );
    attestation = AssembledImage::new(manifest, config, with_statement.layers().await.expect("layers"))
        .expect("aligned");
    let attestation = attestation.descriptor().await.expect("descriptor");
    let signature = set_subject(Arc::new(empty::oci_image()), listed.clone());
    let signature = append_layers(
        Arc::new(signature),
        [Addendum::new(Arc::new(StaticLayer::new(
            "sig",
            "application/x-sig".into(),
        )))],
    );
    let signed = signature.descriptor().await.expect("descriptor");
    // First in the index, though it refers to what refers to the image.
    let countersigned = set_subject(Arc::new(base()), signed.clone());
    let counter = countersigned.descriptor().await.expect("descriptor");
    let entry = |listed: &Descriptor, more: String| {
        format!(
            r#"{{"mediaType":"{}","digest":"{}","size":{}{more}}}"#,
            listed.media_type(),
            listed.digest(),
            listed.size()
        )
    };
    let about = |kind: &str| {
        format!(
            r#","annotations":{{"vnd.docker.reference.digest":"{}","vnd.docker.reference.type":"{kind}"}},"platform":{{"architecture":"unknown","os":"unknown"}}"#,
            listed.digest()
        )
    };
    let nested = random::index(3, 1, 1, 100);
    let nested_listed = nested.descriptor().await.expect("descriptor");
    let entries = [
        entry(&counter, r#","artifactType":"x/counter","platform":{"architecture":"unknown","os":"unknown"}"#.to_owned()),
        entry(&signed, about("signature")),
        entry(
            &listed,
            r#","x-vendor":{"a":1.0},"urls":["https://example.com/"],"data":"b2xk","annotations":{"k":"v"},"platform":{"architecture":"arm","os":"linux","variant":"v7","x":1}"#.to_owned(),
        ),
        entry(&attestation, about("attestation-manifest")),
        entry(&nested_listed, String::new()),
    ];
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{}],"x-index":[null]}}"#,
        entries.join(",")
    );
    let children: [(_, Child); 5] = [
        (counter.digest().clone(), Child::Image(Arc::new(countersigned))),
        (signed.digest().clone(), Child::Image(Arc::new(signature))),
        (listed.digest().clone(), Child::Image(Arc::new(image))),
        (
            attestation.digest().clone(),
            Child::Image(Arc::new(with_statement)),
        ),
        (nested_listed.digest().clone(), Child::Index(Arc::new(nested))),
    ];
    AssembledIndex::new(IndexManifest::new(manifest, MediaType::ImageIndex), children)
}

async fn edited(base: Arc<dyn Index>) -> MutatedIndex {
    edit_images(base, async |_, image| Ok(annotate(image, [("by", "us")])))
        .await
        .expect("all there")
}

#[tokio::test]
async fn what_refers_to_an_edited_image_follows() {
    let before = Arc::new(attested().await);
    conformance::index(Arc::clone(&before)).await;
    let old = before.children().await.expect("children");
    let index = Arc::new(edited(Arc::clone(&before) as _).await);
    conformance::index(Arc::clone(&index)).await;
    let new = index.children().await.expect("children");
    assert_eq!(new.len(), old.len());
    let reference = |child: &Descriptor| {
        child
            .annotations()
            .as_ref()
            .map(|all| all["vnd.docker.reference.digest"].clone())
    };
    let subject = async |child: &Descriptor| match index.child(child).await.expect("there") {
        Child::Image(image) => image
            .manifest()
            .await
            .expect("manifest")
            .view()
            .expect("manifest")
            .subject()
            .clone(),
        other => panic!("{other:?}"),
    };
    assert_ne!(new[2].digest(), old[2].digest(), "the image changed");
    assert_eq!(reference(&new[1]), Some(new[2].digest().to_string()));
    assert_eq!(reference(&new[3]), Some(new[2].digest().to_string()));
    assert_eq!(
        subject(&new[1]).await.as_ref().map(Descriptor::digest),
        Some(new[2].digest())
    );
    assert_eq!(
        subject(&new[0]).await.as_ref().map(Descriptor::digest),
        Some(new[1].digest())
    );
    assert_eq!(
        new[3].digest(),
        old[3].digest(),
        "what it states is not ours to change"
    );
    assert_ne!(new[4].digest(), old[4].digest(), "nested indexes are edited too");
    assert_eq!(new[0].artifact_type(), &Some(MediaType::from("x/counter")));
    // The entry of the image.
    let text = text(&index).await;
    assert!(
        text.contains(r#""x-vendor":{"a":1.0}"#) && text.contains(r#""x-index":[null]"#),
        "{text}"
    );
    assert_eq!(new[2].platform(), old[2].platform());
    assert_eq!(new[2].annotations(), old[2].annotations());
    assert_eq!(*new[2].urls(), None);
    let Child::Image(image) = index.child(&new[2]).await.expect("there") else {
        panic!("an image")
    };
    let data = new[2].data().as_ref().expect("renewed");
    let data = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data).expect("base64");
    assert_eq!(data, *image.manifest().await.expect("manifest").raw());
}

#[tokio::test]
async fn an_edit_that_changes_nothing_keeps_the_digest() {
    let before = Arc::new(attested().await);
    let index = edit_images(Arc::clone(&before) as _, async |_, image| Ok(image))
        .await
        .expect("all there");
    assert_eq!(text(&index).await, text(&before).await);
    conformance::index(index).await;
}

#[tokio::test]
async fn platforms_follow_the_config() {
    let before: Arc<dyn Index> = Arc::new(attested().await);
    let edits = ConfigEdits::new().platform(PlatformSpec::new("linux", "arm64").to_platform());
    let edit = async |listed: Descriptor, image| {
        assert_ne!(
            listed
                .platform()
                .as_ref()
                .map(|have| have.os().to_string())
                .as_deref(),
            Some("unknown")
        );
        let edits = edits.clone();
        Ok(edit_config(image, move |config| edits.apply(config)))
    };
    let index = edit_images(before, edit).await.expect("all there");
    let platform = index.children().await.expect("children")[2]
        .platform()
        .clone()
        .expect("has one");
    assert_eq!(platform.architecture().to_string(), "arm64");
    assert_eq!(platform.os().to_string(), "linux");
    conformance::index(index).await;
}

#[tokio::test]
async fn errors_of_an_edit_are_handed_on() {
    let edit = async |_, _| -> Result<AssembledImage, Error> { Err(Error::NotFound { digest: sha256("x") }) };
    let error = edit_images(index(), edit).await;
    assert!(matches!(error, Err(Error::NotFound { .. })), "{error:?}");
    let mut deep: Arc<dyn Index> = index();
    for _ in 0..8 {
        deep = Arc::new(append_children(
            Arc::new(empty::index()),
            [IndexAddendum::index(deep)],
        ));
    }
    let error = edit_images(deep, async |_, image| Ok(image)).await;
    assert!(matches!(error, Err(Error::TooDeep { limit: 8 })), "{error:?}");
}

#[tokio::test]
async fn entries_that_lie_are_not_made_true() {
    let image = random::image(1, 1, 100);
    let mut listed = image.descriptor().await.expect("descriptor");
    listed.set_digest(sha256("other"));
    let json = format!(
        r#"{{"schemaVersion":2,"manifests":[{}]}}"#,
        wharf_v1::DescriptorExt::to_canonical_json(&listed)
    );
    let lying = AssembledIndex::new(
        IndexManifest::new(json, MediaType::ImageIndex),
        [(sha256("other"), Child::Image(Arc::new(image)))],
    );
    let error = edit_images(Arc::new(lying), async |_, image| Ok(image)).await;
    assert!(
        matches!(
            &error,
            Err(Error::Content(wharf_v1::Error::DigestMismatch { .. }))
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn single_entries_are_annotated() {
    let children = index().children().await.expect("children");
    let second = Matcher::digests([children[1].digest().clone()]);
    let index = annotate_children(index(), second.clone(), [("a", "1"), ("b", "2")]);
    let index = annotate_children(Arc::new(index), second, [("b", "3")]);
    let after = index.children().await.expect("children");
    assert_eq!(after[0], children[0]);
    let annotations = after[1].annotations().clone().expect("some");
    assert_eq!((annotations["a"].as_str(), annotations["b"].as_str()), ("1", "3"));
    conformance::index(index).await;
}
