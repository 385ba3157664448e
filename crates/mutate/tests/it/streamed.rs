//! Layers that are read once, and know their digests only then.

use std::sync::Arc;
use std::time::SystemTime;

use futures_util::TryStreamExt as _;
use wharf_layer::{Compression, StreamLayer};
use wharf_mutate::{
    Addendum, IndexAddendum, TimeOptions, annotate, append_children, append_layers, convert, edit_config,
    recompress, remove_layers, set_subject, set_time, squash_layers,
};
use wharf_v1::media_type::Family;
use wharf_v1::{Error, Image, ImageExt as _, Index as _, empty, random, sha256};

/// Three layers that nobody has read, and all edits that need not read them.
async fn edited() -> impl Image {
    let addenda = ["one", "two", "three"].map(|content| {
        let layer = StreamLayer::from_reader(content.as_bytes()).compression(Compression::None);
        Addendum::new(Arc::new(layer)).with_annotations([("a", "b")])
    });
    let image = append_layers(Arc::new(empty::image()), addenda);
    let image = annotate(Arc::new(image), [("c", "d")]);
    let image = convert(Arc::new(image), Family::Oci);
    let image = edit_config(Arc::new(image), |config| {
        config.set_author(Some("dave".to_owned()));
    });
    set_subject(
        Arc::new(image),
        random::image(1, 1, 1).descriptor().await.expect("known"),
    )
}

async fn read(image: &impl Image) {
    for layer in image.layers().await.expect("layers") {
        assert!(!layer.is_reopenable());
        let mut stream = layer.compressed().await.expect("open");
        while stream.try_next().await.expect("read").is_some() {}
    }
}

#[tokio::test]
async fn the_manifest_waits_for_the_layers() {
    let image = edited().await;
    for early in [
        image.manifest().await.map(drop),
        image.config().await.map(drop),
        image.descriptor().await.map(drop),
    ] {
        assert!(matches!(early, Err(Error::NotComputed)), "{early:?}");
    }
    read(&image).await;
    let manifest = image.manifest().await.expect("manifest");
    let listed: Vec<_> = manifest
        .view()
        .expect("manifest")
        .layers()
        .iter()
        .map(|layer| layer.digest().clone())
        .collect();
    assert_eq!(listed, ["one", "two", "three"].map(sha256));
    let config = image.config().await.expect("config");
    let diff_ids = config.view().expect("config").rootfs().diff_ids();
    assert_eq!(
        *diff_ids,
        ["one", "two", "three"].map(|content| sha256(content).to_string())
    );
    assert!(!String::from_utf8_lossy(manifest.raw()).contains("docker"));
}

#[tokio::test]
async fn an_index_waits_too() {
    let image = Arc::new(edited().await);
    let index = append_children(
        Arc::new(random::index(1, 1, 1, 100)),
        [IndexAddendum::image(Arc::clone(&image))],
    );
    assert!(matches!(index.manifest().await, Err(Error::NotComputed)));
    read(&image).await;
    let listed = index.manifest().await.expect("manifest");
    let listed = listed.view().expect("index").manifests();
    assert_eq!(*listed[1].digest(), image.digest().await.expect("digest"));
}

/// What reads layers says so, and leaves them to be read.
#[tokio::test]
async fn what_rewrites_layers_does_not_use_them_up() {
    let image = Arc::new(edited().await);
    let early = [
        recompress(Arc::clone(&image) as _, Compression::gzip()).await,
        set_time(
            Arc::clone(&image) as _,
            SystemTime::UNIX_EPOCH,
            &TimeOptions::new(),
        )
        .await,
        remove_layers(Arc::clone(&image) as _, [0]).await,
        squash_layers(Arc::clone(&image) as _, 0..2).await,
    ];
    for early in early {
        assert!(
            matches!(early, Err(wharf_mutate::Error::Content(Error::NotComputed))),
            "{early:?}"
        );
    }
    read(&image).await;
    assert!(image.manifest().await.is_ok());
}
