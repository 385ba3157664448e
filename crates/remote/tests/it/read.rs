//! Reading manifests, images, indexes and blobs.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderName, Method, StatusCode};
use oci_spec::image::{ImageIndexBuilder, MediaType};
use wharf_name::Reference;
use wharf_registry::Registry;
use wharf_registry::hook::{Fault, Feature, Profile, Reaction};
use wharf_v1::{Image as _, ImageExt as _, IndexExt as _, IndexManifest, Layer as _, PlatformSpec};

use crate::kit::{Kit, reference};

const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const OTHER: &str = "sha256:f0e4c2f76c58916ec258f246851bea091d14d4247a2fc3e18694461b1816e13b";

/// A registry with one image of two layers at `a.test/app:v1`.
async fn with_image() -> (Kit, Reference, oci_spec::image::Digest) {
    let kit = Kit::new();
    let reference = reference("a.test/app:v1");
    let image = wharf_v1::random::image(1, 2, 1000);
    let written = kit.client.write(&reference, &image).await.expect("written");
    kit.forget_requests();
    (kit, reference, written.digest().clone())
}

#[tokio::test]
async fn head_is_one_request_and_tells_all_three() {
    let (kit, reference, digest) = with_image().await;
    let got = kit.client.head(&reference).await.expect("there");
    assert_eq!(*got.digest(), digest);
    assert_eq!(*got.media_type(), MediaType::ImageManifest);
    let raw = kit.client.get(&reference).await.expect("there");
    assert_eq!(got.size(), raw.raw().len() as u64);
    assert_eq!(
        kit.asked_a(),
        ["HEAD app/manifests/v1 200", "GET app/manifests/v1 200"]
    );
}

#[tokio::test]
async fn head_asks_for_the_manifest_where_the_registry_does_not_tell() {
    for feature in [Feature::HeadManifests, Feature::DigestHeader] {
        let registry = Registry::builder()
            .record()
            .profile(Profile::full().without(feature))
            .build();
        let kit = Kit::with(registry, crate::kit::recording(), |client| client);
        let reference = reference("a.test/app:v1");
        let image = wharf_v1::random::image(1, 1, 10);
        kit.client.write(&reference, &image).await.expect("written");
        kit.forget_requests();
        let got = kit.client.head(&reference).await.expect("there");
        assert_eq!(*got.digest(), image.digest().await.expect("known"));
        assert_eq!(kit.asked_a().len(), 2);
    }
}

#[tokio::test]
async fn a_missing_manifest_is_not_found() {
    let (kit, _, _) = with_image().await;
    let missing = reference("a.test/app:nope");
    let error = kit.client.get(&missing).await.expect_err("not there");
    assert!(error.is_not_found());
    assert_eq!(error.to_string(), "fetching manifest a.test/app:nope");
    let source = std::error::Error::source(&error).expect("a cause").to_string();
    assert!(
        source.starts_with("GET https://a.test/v2/app/manifests/nope: MANIFEST_UNKNOWN"),
        "{source}"
    );
    assert!(
        kit.client
            .head(&missing)
            .await
            .expect_err("not there")
            .is_not_found()
    );
}

/// The table of `GET` by tag and by digest, with good and bad bodies and headers.
#[tokio::test]
async fn the_digest_asked_for_beats_the_header_and_the_body() {
    let (kit, tag, digest) = with_image().await;
    let by_digest = Reference::Digest(tag.repository().digest(digest.clone()));
    let wrong_header = || Reaction::set_header(DIGEST, HeaderValue::from_static(OTHER));
    let wrong_body = || Reaction::replace_body(r#"{"schemaVersion":2,"config":{},"layers":[]}"#);
    for (reference, reaction, good) in [
        (&tag, None, true),
        (&by_digest, None, true),
        (&by_digest, Some(wrong_body()), false),
        (&tag, Some(wrong_header()), true),
        (&by_digest, Some(wrong_header()), true),
    ] {
        kit.a.faults().clear();
        if let Some(reaction) = reaction {
            kit.a
                .faults()
                .add(Fault::on(Method::GET, "/manifests/").then(reaction));
        }
        let outcome = kit.client.get(reference).await;
        assert_eq!(outcome.is_ok(), good, "{reference}");
        if let Ok(fetched) = outcome {
            assert_eq!(*fetched.descriptor().digest(), digest);
        }
    }
    kit.a.faults().clear();
    kit.a
        .faults()
        .add(Fault::on(Method::HEAD, "/manifests/").then(wrong_header()));
    let error = kit.client.head(&by_digest).await.expect_err("another digest");
    let cause = std::error::Error::source(&error).expect("a cause").to_string();
    assert_eq!(
        cause,
        format!("manifest digest: \"{OTHER}\" does not match requested digest: \"{digest}\"")
    );
}

#[tokio::test]
async fn what_contradicts_itself_is_refused() {
    let (kit, tag, _) = with_image().await;
    let index = HeaderValue::from_static("application/vnd.oci.image.index.v1+json");
    kit.a
        .faults()
        .add(Fault::on(Method::GET, "/manifests/").then(Reaction::set_header(CONTENT_TYPE, index)));
    let error = kit.client.get(&tag).await.expect_err("an index it is not");
    assert!(matches!(error, wharf_remote::Error::Answer { .. }), "{error:?}");
}

#[tokio::test]
async fn parameters_of_the_media_type_do_not_matter() {
    let (kit, tag, _) = with_image().await;
    let value = HeaderValue::from_static("application/vnd.oci.image.manifest.v1+json; charset=utf-8");
    kit.a
        .faults()
        .add(Fault::on(Method::GET, "/manifests/").then(Reaction::set_header(CONTENT_TYPE, value)));
    let fetched = kit.client.get(&tag).await.expect("there");
    assert_eq!(*fetched.media_type(), MediaType::ImageManifest);
}

#[tokio::test]
async fn an_image_is_read_lazily_and_once() {
    let (kit, tag, digest) = with_image().await;
    let image = kit.client.image(&tag, None).await.expect("there");
    assert_eq!(kit.asked_a(), ["GET app/manifests/v1 200"]);
    for _ in 0..2 {
        assert_eq!(image.digest().await.expect("known"), digest);
        let layers = image.layers().await.expect("known");
        assert_eq!(layers.len(), 2);
        for layer in &layers {
            let source = layer.mount_source().expect("it is in a repository");
            assert_eq!(
                (source.registry.as_str(), source.repository.as_str()),
                ("a.test", "app")
            );
            layer.descriptor().await.expect("known");
        }
    }
    assert!(kit.asked_a().is_empty());
    for _ in 0..2 {
        image.config().await.expect("readable");
        image.layers().await.expect("known")[1]
            .diff_id()
            .await
            .expect("in the config");
    }
    assert_eq!(kit.asked_a(), ["GET app/blobs/D 200"]);
}

#[tokio::test]
async fn embedded_content_costs_no_request() {
    let kit = Kit::new();
    let (repository, config) = (
        reference("a.test/app:v1"),
        br#"{"rootfs":{"type":"layers","diff_ids":[]},"os":"linux","architecture":"amd64"}"#,
    );
    let mut descriptor = oci_spec::image::Descriptor::new(
        MediaType::ImageConfig,
        config.len() as u64,
        wharf_v1::sha256(config),
    );
    descriptor.set_data(Some(base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        config,
    )));
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor,
        "layers": [],
    });
    kit.client
        .write_layer(repository.repository(), &static_layer(&config[..]))
        .await
        .expect("written");
    kit.client
        .put(&repository, MediaType::ImageManifest, manifest.to_string())
        .await
        .expect("written");
    kit.forget_requests();
    let image = kit.client.image(&repository, None).await.expect("there");
    assert_eq!(image.config().await.expect("embedded").raw().as_ref(), config);
    assert_eq!(kit.asked_a(), ["GET app/manifests/v1 200"]);
}

fn static_layer(bytes: &[u8]) -> std::sync::Arc<dyn wharf_v1::Layer> {
    let bytes = Bytes::copy_from_slice(bytes);
    std::sync::Arc::new(wharf_v1::partial::StaticLayer::new(bytes, MediaType::ImageLayer))
}

#[tokio::test]
async fn a_platform_is_picked_from_an_index() {
    let kit = Kit::new();
    let tag = reference("a.test/app:multi");
    let index = platforms(&["linux/amd64", "linux/arm64/v8", "windows/amd64:10.0.1"]);
    kit.client.write_index(&tag, &index).await.expect("written");
    kit.forget_requests();
    let children = index.children().await.expect("known");
    for (spec, want) in [
        (None, Some(0)),
        (Some("linux/amd64"), Some(0)),
        (Some("linux/arm64"), Some(1)),
        (Some("linux/arm64/v8"), Some(1)),
        (Some("windows/amd64:10.0.1"), Some(2)),
        (Some("linux/arm64/v7"), None),
        (Some("linux"), None),
    ] {
        let spec: Option<PlatformSpec> = spec.map(|spec| spec.parse().expect("a platform"));
        let outcome = kit.client.image(&tag, spec.as_ref()).await;
        match want {
            Some(at) => {
                let image = outcome.expect("there is one");
                assert_eq!(image.digest().await.expect("known"), *children[at].digest());
                assert_eq!(
                    kit.asked_a(),
                    ["GET app/manifests/multi 200", "GET app/manifests/D 200"]
                );
                let known = image.descriptor().await.expect("known");
                assert_eq!(known.platform(), children[at].platform());
            }
            None => {
                let error = outcome.expect_err("there is none");
                let cause = std::error::Error::source(&error).expect("a cause").to_string();
                let spec = spec.expect("given");
                assert_eq!(
                    cause,
                    format!(
                        "no child with platform {spec} (there are: linux/amd64, linux/arm64/v8, windows/amd64:10.0.1)"
                    )
                );
                assert_eq!(kit.asked_a().len(), 1);
            }
        }
    }
}

/// An index of one small image for each platform.
pub(crate) fn platforms(specs: &[&str]) -> wharf_v1::partial::AssembledIndex {
    let mut manifests = Vec::new();
    let mut children = Vec::new();
    for (seed, spec) in specs.iter().enumerate() {
        let image = wharf_v1::random::image(seed as u64, 1, 100);
        let spec: PlatformSpec = spec.parse().expect("a platform");
        let mut descriptor = image.as_descriptor().clone();
        descriptor.set_platform(Some(spec.to_platform()));
        let digest = descriptor.digest().clone();
        manifests.push(descriptor);
        children.push((digest, wharf_v1::Child::Image(std::sync::Arc::new(image))));
    }
    let view = ImageIndexBuilder::default()
        .schema_version(2_u32)
        .manifests(manifests)
        .build()
        .expect("whole");
    let manifest = IndexManifest::from_view(view, MediaType::ImageIndex);
    wharf_v1::partial::AssembledIndex::new(manifest, children)
}

#[tokio::test]
async fn an_index_is_not_an_image_and_an_image_not_an_index() {
    let (kit, tag, _) = with_image().await;
    let error = kit.client.index(&tag).await.expect_err("an image");
    let cause = std::error::Error::source(&error).expect("a cause").to_string();
    assert_eq!(
        cause,
        "unexpected media type application/vnd.oci.image.manifest.v1+json for index"
    );
}

#[tokio::test]
async fn a_child_of_another_size_than_the_index_says_is_refused() {
    let kit = Kit::new();
    let image = wharf_v1::random::image(1, 1, 10);
    let by_digest = reference("a.test/app:child");
    kit.client.write(&by_digest, &image).await.expect("written");
    let mut descriptor = image.as_descriptor().clone();
    descriptor.set_size(7);
    let document = serde_json::json!({ "schemaVersion": 2, "manifests": [descriptor] });
    let tag = reference("a.test/app:multi");
    kit.client
        .put(&tag, MediaType::ImageIndex, document.to_string())
        .await
        .expect("written");
    let error = kit.client.image(&tag, None).await.expect_err("the index lies");
    let cause = std::error::Error::source(&error).expect("a cause").to_string();
    assert!(cause.starts_with("error verifying size;"), "{cause}");
}

#[tokio::test]
async fn a_blob_is_streamed_and_verified() {
    let (kit, tag, _) = with_image().await;
    let image = kit.client.image(&tag, None).await.expect("there");
    let layer = &image.layers().await.expect("known")[0];
    let descriptor = layer.descriptor().await.expect("known");
    let blob = tag.repository().digest(descriptor.digest().clone());
    kit.forget_requests();

    let bytes = kit
        .client
        .blob(&blob)
        .await
        .expect("there")
        .collect(1 << 20)
        .await
        .expect("good bytes");
    assert_eq!(bytes.len() as u64, descriptor.size());
    let requests = kit.a.log().requests();
    assert_eq!(requests[0].header("accept-encoding"), Some("identity"));
    assert_eq!(requests[0].header("accept"), None);
    assert_eq!(kit.asked_a(), ["GET app/blobs/D 200"]);

    let bare = kit.client.layer(&blob);
    assert_eq!(bare.descriptor().await.expect("told").size(), descriptor.size());
    assert_eq!(
        bare.descriptor().await.expect("remembered").size(),
        descriptor.size()
    );
    assert_eq!(kit.asked_a(), ["HEAD app/blobs/D 200"]);
    assert_eq!(
        bare.diff_id().await.expect("computed"),
        layer.diff_id().await.expect("in the config")
    );
}

#[tokio::test]
async fn whether_a_layer_is_there_costs_one_small_request() {
    let (kit, tag, _) = with_image().await;
    let image = kit.client.image(&tag, None).await.expect("there");
    let layer = &image.layers().await.expect("known")[0];
    kit.forget_requests();
    assert!(layer.exists().await.expect("told"));
    assert_eq!(kit.asked_a(), ["HEAD app/blobs/D 200"]);
    let absent = tag.repository().digest(wharf_v1::sha256("absent"));
    assert!(!kit.client.layer(&absent).exists().await.expect("told"));
    assert_eq!(kit.asked_a(), ["HEAD app/blobs/D 404"]);
}

#[tokio::test]
async fn wrong_short_and_long_blobs_fail() {
    let (kit, tag, _) = with_image().await;
    let image = kit.client.image(&tag, None).await.expect("there");
    let layer = &image.layers().await.expect("known")[0];
    let size = usize::try_from(layer.descriptor().await.expect("known").size()).expect("small");
    for (reaction, want) in [
        (Reaction::corrupt_body(7), "error verifying sha256 checksum"),
        (
            Reaction::replace_body(vec![0; size]),
            "error verifying sha256 checksum",
        ),
        (Reaction::replace_body(vec![0; size - 1]), "error verifying size"),
        (Reaction::replace_body(vec![0; size + 1]), "error verifying size"),
        (
            Reaction::replace_body("<html>not found</html>"),
            "error verifying size",
        ),
    ] {
        kit.a.faults().clear();
        kit.a
            .faults()
            .add(Fault::on(Method::GET, "/blobs/").then(reaction));
        let error = match layer.compressed().await {
            Ok(stream) => stream.collect(1 << 20).await.expect_err("not the layer"),
            Err(error) => error,
        };
        let text = chain(&error);
        assert!(text.contains(want), "{text}");
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}

#[tokio::test]
async fn a_missing_blob_is_not_found_before_anything_is_streamed() {
    let (kit, tag, _) = with_image().await;
    let digest = OTHER.parse().expect("a digest");
    let error = kit
        .client
        .blob(&tag.repository().digest(digest))
        .await
        .expect_err("not there");
    assert!(error.is_not_found());
    assert_eq!(error.status(), Some(StatusCode::NOT_FOUND));
}
