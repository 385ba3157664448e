//! One time for everything.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use wharf_layer::{Compression, LayerBuilder, SpooledLayer, header};
use wharf_mutate::{
    Addendum, Error, MutatedImage, TimeOptions, append_layers, canonical, edit_config, set_time,
};
use wharf_v1::media_type::{self, Family};
use wharf_v1::oci_spec::image::MediaType;
use wharf_v1::partial::StaticLayer;
use wharf_v1::{Codec, Image as _, ImageExt as _, Layer as _, conformance, empty, sha256};

use crate::support::{base, check_kept, history, layers_of, raw, steps_of};

/// A tar of one file with this name and time, as Go's archive/tar writes it.
fn tar(name: &str, mtime: u64) -> Vec<u8> {
    let mut tar = header::regular_file(name, 0o644, 1);
    tar[136..148].copy_from_slice(format!("{mtime:011o}\0").as_bytes());
    tar[148..156].fill(b' ');
    let sum: u32 = tar.iter().map(|byte| u32::from(*byte)).sum();
    tar[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    tar.push(b'1');
    tar.resize(4 * 512, 0);
    tar
}

async fn stored(name: &str, compression: Compression, family: Family) -> SpooledLayer {
    let content = tar(name, 7);
    let builder = LayerBuilder::from_stream(wharf_v1::ByteStream::from_bytes(content));
    let built = builder.compression(compression).family(family).build().await;
    built.expect("a tar")
}

async fn built(names: &[&str]) -> MutatedImage {
    let mut addenda = Vec::new();
    for name in names {
        addenda.push(match name.strip_prefix('(') {
            Some(step) => Addendum::without_layer(history(step.trim_end_matches(')'))),
            None => Addendum::new(Arc::new(stored(name, Compression::gzip(), Family::Oci).await))
                .with_history(history(name)),
        });
    }
    append_layers(Arc::new(base()), addenda)
}

fn epoch() -> SystemTime {
    SystemTime::UNIX_EPOCH
}

async fn timed(image: MutatedImage) -> Arc<MutatedImage> {
    let image = set_time(Arc::new(image), epoch(), &TimeOptions::new()).await;
    let image = Arc::new(image.expect("tars"));
    conformance::image(Arc::clone(&image)).await;
    image
}

#[tokio::test]
async fn all_times_are_set_and_all_else_is_kept() {
    let names = ["a", "(b)", "c"];
    let image = edit_config(Arc::new(built(&names).await), |config| {
        config.set_author(Some("dave".to_owned()));
        config.set_variant(Some("v8".to_owned()));
    });
    let image = timed(image).await;
    check_kept(&image).await;
    assert_eq!(image.media_type(), MediaType::ImageManifest);
    let diff_ids = ["a", "c"].map(|name| sha256(tar(name, 0)).to_string());
    assert_eq!(layers_of(&image).await.1, diff_ids);
    assert_eq!(steps_of(&image).await, names);
    let config = image.config().await.expect("config");
    let view = config.view().expect("config");
    let time = Some("1970-01-01T00:00:00Z");
    assert_eq!(view.created().as_deref(), time);
    for entry in view.history().as_ref().expect("has one") {
        assert_eq!(entry.created().as_deref(), time);
    }
    assert_eq!(
        (view.author().as_deref(), view.variant().as_deref()),
        (Some("dave"), Some("v8"))
    );
    // Once more changes nothing.
    let again = set_time(Arc::clone(&image) as _, epoch(), &TimeOptions::new())
        .await
        .expect("tars");
    assert_eq!(raw(&again).await, raw(&image).await);
}

/// Where Go drops layers, or panics.
#[tokio::test]
async fn no_layer_is_lost_whatever_the_history_says() {
    let all = ["a", "b", "c"].map(|name| sha256(tar(name, 0)).to_string());
    for entries in [
        None,
        Some(vec!["(x)", "y", "z"]),
        Some(vec![]),
        Some(vec!["1", "2", "3", "4"]),
    ] {
        let told = entries.clone();
        let image = edit_config(Arc::new(built(&["a", "b", "c"]).await), move |config| {
            let entry = |step: &&str| {
                let mut entry = history(step.trim_matches(['(', ')']));
                entry.set_empty_layer(step.starts_with('(').then_some(true));
                entry
            };
            config.set_history(told.as_ref().map(|told| told.iter().map(entry).collect()));
        });
        let image = timed(image).await;
        assert_eq!(layers_of(&image).await.1, all, "{entries:?}");
        assert_eq!(steps_of(&image).await, entries.unwrap_or_default());
    }
}

#[tokio::test]
async fn each_layer_keeps_its_compression_unless_asked() {
    let codecs = [
        (Compression::None, Family::Oci, media_type::OCI_LAYER),
        (Compression::gzip(), Family::Oci, media_type::OCI_LAYER_GZIP),
        (Compression::zstd(), Family::Oci, media_type::OCI_LAYER_ZSTD),
        (Compression::gzip(), Family::Docker, media_type::DOCKER_LAYER_GZIP),
    ];
    let mut addenda = Vec::new();
    for (compression, family, _) in codecs {
        addenda.push(Addendum::new(Arc::new(stored("a", compression, family).await)));
    }
    let foreign = StaticLayer::new(tar("a", 7), media_type::DOCKER_FOREIGN_LAYER.into());
    addenda.push(Addendum::new(Arc::new(foreign)).with_urls(["https://example.com/"]));
    let image = Arc::new(append_layers(Arc::new(base()), addenda));
    let kept = set_time(Arc::clone(&image) as _, epoch(), &TimeOptions::new())
        .await
        .expect("tars");
    let zstd = TimeOptions::new().with_compression(Compression::zstd());
    let zstd = set_time(image, epoch(), &zstd).await.expect("tars");
    let (kept_layers, zstd_layers) = (
        kept.layers().await.expect("layers"),
        zstd.layers().await.expect("layers"),
    );
    for (place, (compression, _, media_type)) in codecs.iter().enumerate() {
        assert_eq!(kept_layers[place].media_type().as_ref(), *media_type);
        let bytes = kept_layers[place]
            .compressed()
            .await
            .expect("open")
            .collect(10_000)
            .await;
        assert_eq!(Codec::detect(&bytes.expect("whole")), compression.codec());
        let bytes = zstd_layers[place]
            .compressed()
            .await
            .expect("open")
            .collect(10_000)
            .await;
        assert_eq!(bytes.expect("whole")[..4], [0x28, 0xb5, 0x2f, 0xfd]);
    }
    let types: Vec<_> = zstd_layers
        .iter()
        .map(|layer| layer.media_type().to_string())
        .collect();
    let oci = media_type::OCI_LAYER_ZSTD;
    assert_eq!(types[..4], [oci, oci, oci, media_type::DOCKER_LAYER_ZSTD]);
    let (kept_foreign, _) = raw(&kept).await;
    assert!(kept_foreign.contains("https://example.com/"), "{kept_foreign}");
    conformance::image(kept).await;
    conformance::image(zstd).await;
}

#[tokio::test]
async fn what_other_tools_make_of_a_time() {
    async fn check(image: &MutatedImage, diff_id: &str) {
        assert_eq!(layers_of(image).await.1, [format!("sha256:{diff_id}")]);
    }
    let layer = || StaticLayer::new(tar("a", 0), MediaType::ImageLayer);
    assert_eq!(
        layer().descriptor().await.expect("known").digest().digest(),
        "8921b80ee7024c66a2b13513814564ae73d21084d84889efe1cd025060a6f5a5"
    );
    let image = || {
        let image = append_layers(Arc::new(empty::image()), [Addendum::new(Arc::new(layer()))]);
        Arc::new(image)
    };
    let zero = set_time(image(), epoch(), &TimeOptions::new())
        .await
        .expect("a tar");
    check(
        &zero,
        "8921b80ee7024c66a2b13513814564ae73d21084d84889efe1cd025060a6f5a5",
    )
    .await;
    let config = zero.config().await.expect("config");
    assert_eq!(config.size(), 233);
    assert_eq!(
        config.digest().digest(),
        "5dcb77dca52defbea6f7e93d388a789977eda592077d0ef4a0418bfd5782384e"
    );
    let time = epoch() + Duration::from_secs(1_000_000_000);
    let later = set_time(image(), time, &TimeOptions::new()).await.expect("a tar");
    check(
        &later,
        "85a7744baad6717902b1d28ece755d81211342c1f99deb885d0b5dffe6133e68",
    )
    .await;
    let config = later.config().await.expect("config");
    assert_eq!(
        config.view().expect("config").created().as_deref(),
        Some("2001-09-09T01:46:40Z")
    );
    conformance::image(zero).await;
    conformance::image(later).await;
}

#[tokio::test]
async fn canonical_images_do_not_tell_where_they_were_built() {
    let config = r#"{"container":"c","docker_version":"1","os":"linux","x-b":1,"x-a":2,"config":{"Hostname":"h","User":"u","X":1.0},"rootfs":{"type":"layers","diff_ids":[]}}"#;
    let image = Arc::new(crate::support::assembled(config, MediaType::ImageConfig, ""));
    let image = Arc::new(canonical(image, &TimeOptions::new()).await.expect("no layers"));
    let (_, config) = raw(&image).await;
    assert_eq!(
        config,
        concat!(
            r#"{"architecture":"","created":"0001-01-01T00:00:00Z","os":"linux","#,
            r#""rootfs":{"type":"layers","diff_ids":[]},"config":{"User":"u","X":1.0},"x-a":2,"x-b":1}"#
        )
    );
    conformance::image(Arc::clone(&image)).await;
    let again = canonical(Arc::clone(&image) as _, &TimeOptions::new())
        .await
        .expect("no layers");
    assert_eq!(raw(&again).await.1, config);
    // Two builds of one content.
    let one = canonical(Arc::new(built(&["a", "(b)", "c"]).await), &TimeOptions::new()).await;
    let other = edit_config(Arc::new(built(&["a", "(b)", "c"]).await), |config| {
        config.set_created(Some("2024-01-02T03:04:05Z".to_owned()));
    });
    let other = canonical(Arc::new(other), &TimeOptions::new()).await;
    let one = one.expect("tars");
    let diff_ids = ["a", "c"].map(|name| sha256(tar(name, 0)).to_string());
    assert_eq!(layers_of(&one).await.1, diff_ids, "entries are of 1970");
    assert_eq!(
        one.digest().await.expect("digest"),
        other.expect("tars").digest().await.expect("digest")
    );
}

#[tokio::test]
async fn what_cannot_be_rewritten() {
    let early = epoch() - Duration::from_secs(1);
    let error = set_time(Arc::new(base()), early, &TimeOptions::new()).await;
    assert!(matches!(error, Err(Error::Time { .. })), "{error:?}");
    let late = epoch() + Duration::from_secs(400_000_000_000);
    let error = set_time(Arc::new(base()), late, &TimeOptions::new()).await;
    assert!(matches!(error, Err(Error::Time { .. })), "{error:?}");
    let layer = StaticLayer::new("no tar", MediaType::ImageLayer);
    let image = append_layers(Arc::new(base()), [Addendum::new(Arc::new(layer))]);
    let error = set_time(Arc::new(image), epoch(), &TimeOptions::new()).await;
    assert!(matches!(error, Err(Error::Layer { .. })), "{error:?}");
}

/// A layer whose bytes are not those that its descriptor says.
#[tokio::test]
async fn damaged_layers_are_refused() {
    #[derive(Debug)]
    struct Bytes(Vec<u8>);
    impl wharf_v1::partial::BlobSource for Bytes {
        fn open(&self) -> futures_core::future::BoxFuture<'_, Result<wharf_v1::ByteStream, wharf_v1::Error>> {
            Box::pin(async { Ok(wharf_v1::ByteStream::from_bytes(self.0.clone())) })
        }
    }
    let good = tar("a", 7);
    let descriptor = StaticLayer::new(good.clone(), MediaType::ImageLayer)
        .descriptor()
        .await
        .expect("known");
    let mut bad = good;
    bad[512] = b'2';
    let layer = wharf_v1::partial::BlobLayer::new(descriptor, Bytes(bad)).with_diff_id(sha256("x"));
    let image = append_layers(Arc::new(base()), [Addendum::new(Arc::new(layer))]);
    let error = set_time(Arc::new(image), epoch(), &TimeOptions::new())
        .await
        .expect_err("damaged");
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    assert!(text.contains("checksum"), "{text}");
}
