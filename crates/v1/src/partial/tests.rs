//! What is remembered, verified and refused. That the traits' laws hold is for the conformance suites.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use futures_util::StreamExt as _;
use oci_spec::image::{Descriptor, Digest, History, MediaType};

use super::*;
use crate::media_type::{DOCKER_CONFIG, Family};
use crate::{
    ByteStream, Child, Config, DecompressLimits, Error, Image, ImageExt as _, Index as _, IndexExt as _,
    Layer, PlatformSpec, empty, random,
};

/// Content by digest, which counts how often it is opened.
#[derive(Debug, Default)]
pub(crate) struct Store {
    content: HashMap<Digest, Bytes>,
    opened: AtomicUsize,
    limits: DecompressLimits,
}

impl Store {
    pub(crate) async fn of(image: &dyn Image) -> Self {
        let mut store = Self::default();
        store.add(image).await;
        store
    }

    pub(crate) async fn add(&mut self, image: &dyn Image) {
        let (manifest, config) = (
            image.manifest().await.expect("known"),
            image.config().await.expect("known"),
        );
        let layers = image.layers().await.expect("known");
        self.content
            .insert(manifest.digest().clone(), manifest.raw().clone());
        self.content.insert(config.digest().clone(), config.raw().clone());
        for layer in layers {
            let bytes = layer.compressed().await.expect("opens").collect(1 << 20).await;
            let digest = layer.descriptor().await.expect("known").digest().clone();
            self.content.insert(digest, bytes.expect("reads"));
        }
    }

    pub(crate) fn insert(&mut self, digest: Digest, bytes: impl Into<Bytes>) {
        self.content.insert(digest, bytes.into());
    }

    pub(crate) fn remove(&mut self, digest: &Digest) {
        self.content.remove(digest);
    }

    fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }
}

impl ContentSource for Store {
    fn open<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<ByteStream, Error>> {
        Box::pin(async {
            self.opened.fetch_add(1, Ordering::Relaxed);
            let digest = descriptor.digest();
            let bytes = self.content.get(digest).ok_or_else(|| Error::NotFound {
                digest: digest.clone(),
            })?;
            Ok(ByteStream::from_bytes(bytes.clone()))
        })
    }

    fn limits(&self) -> DecompressLimits {
        self.limits
    }
}

#[tokio::test]
async fn stored_documents_are_read_once() {
    let image = random::image(1, 2, 100);
    let store = Arc::new(Store::of(&image).await);
    let stored = StoredImage::new(image.as_descriptor().clone(), Arc::clone(&store));
    assert_eq!(store.opened(), 0, "nothing is read before it is asked for");
    for _ in 0..2 {
        stored.manifest().await.expect("read");
        assert_eq!(stored.layers().await.expect("read").len(), 2);
        for layer in stored.layers().await.expect("read") {
            layer.diff_id().await.expect("in the config");
        }
        stored.config().await.expect("read");
    }
    assert_eq!(store.opened(), 2, "the manifest and the config");
}

/// What a layer needs of its image must not keep the image, nor lead back to itself.
#[tokio::test]
async fn a_stored_image_goes_when_nobody_holds_it() {
    let image = random::image(1, 2, 10);
    let store = Arc::new(Store::of(&image).await);
    let stored = StoredImage::new(image.descriptor().await.expect("known"), Arc::clone(&store));
    let layer = stored.layers().await.expect("stored").remove(0);
    assert!(format!("{stored:?}").contains("StoredImage"));
    drop(stored);
    layer.compressed().await.expect("the layer holds the source");
    assert_eq!(Arc::strong_count(&store), 2);
    drop(layer);
    assert_eq!(Arc::strong_count(&store), 1);
}

#[tokio::test]
async fn stored_content_is_verified() {
    let image = random::image(1, 1, 100);
    let mut store = Store::of(&image).await;
    let manifest = image.manifest().await.expect("known");
    let mut damaged = manifest.raw().to_vec();
    damaged[0] ^= 1;
    store.insert(manifest.digest().clone(), damaged);
    let stored = StoredImage::new(manifest.descriptor(), Arc::new(store));
    assert!(matches!(
        stored.manifest().await,
        Err(Error::DigestMismatch { .. })
    ));
}

#[tokio::test]
async fn stored_layers_swell_as_far_as_their_store_allows() {
    let image = random::image(1, 1, 100);
    let mut store = Store::of(&image).await;
    store.limits = DecompressLimits::default().with_max_bytes(10);
    let stored = StoredImage::new(image.descriptor().await.expect("known"), Arc::new(store));
    let layer = stored.layers().await.expect("stored").remove(0);
    let content = layer.uncompressed().await.expect("opens").collect(1 << 20).await;
    assert!(
        matches!(content, Err(Error::TooLarge { limit: 10 })),
        "{content:?}"
    );
}

#[tokio::test]
async fn a_huge_document_is_not_read() {
    let mut descriptor = random::image(1, 1, 100).as_descriptor().clone();
    descriptor.set_size(u64::MAX >> 1);
    let store = Arc::new(Store::default());
    let stored = StoredImage::new(descriptor, Arc::clone(&store));
    assert!(matches!(stored.manifest().await, Err(Error::TooLarge { .. })));
    assert_eq!(store.opened(), 0);
}

#[tokio::test]
async fn a_layer_that_is_not_there_does_not_exist() {
    let image = random::image(1, 1, 100);
    let mut store = Store::of(&image).await;
    let layer = image.layers().await.expect("known").remove(0);
    let descriptor = layer.descriptor().await.expect("known");
    store.content.remove(descriptor.digest());
    let stored = StoredImage::new(image.as_descriptor().clone(), Arc::new(store));
    let layer = stored.layers().await.expect("listed").remove(0);
    assert!(!layer.exists().await.expect("told"));
    assert!(random::layer(1, 1).exists().await.expect("told"));
}

/// A source of bytes that counts how often it is opened.
#[derive(Debug)]
struct Counted(Bytes, Arc<AtomicUsize>);

impl BlobSource for Counted {
    fn open(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(ByteStream::from_bytes(self.0.clone())) })
    }
}

#[tokio::test]
async fn a_plain_layer_is_read_once_for_what_it_is() {
    let count = Arc::new(AtomicUsize::new(0));
    let layer = PlainLayer::new(
        MediaType::ImageLayer,
        Counted("..........".into(), Arc::clone(&count)),
    );
    for _ in 0..2 {
        assert_eq!(layer.descriptor().await.expect("read").size(), 10);
        assert_eq!(layer.diff_id().await.expect("read"), crate::sha256(".........."));
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_plain_layer_is_held_to_its_diff_id() {
    let layer = PlainLayer::new(MediaType::ImageLayer, Counted("other".into(), Arc::default()))
        .with_diff_id(crate::sha256("wanted"));
    let read = layer.compressed().await.expect("opens").collect(100).await;
    assert!(matches!(read, Err(Error::DigestMismatch { .. })));
    assert!(matches!(
        layer.descriptor().await,
        Err(Error::DigestMismatch { .. })
    ));
}

async fn read(layer: &dyn Layer) -> Result<Bytes, Error> {
    layer.compressed().await?.collect(1 << 20).await
}

fn counted_blob(stored: &'static str, promised: &str) -> (CachedLayer, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let descriptor = Descriptor::new(
        MediaType::ImageLayer,
        promised.len() as u64,
        crate::sha256(promised),
    );
    let blob = BlobLayer::new(descriptor, Counted(stored.into(), Arc::clone(&count)));
    (CachedLayer::new(blob, 10), count)
}

#[tokio::test]
async fn a_cached_layer_is_read_once() {
    let (layer, count) = counted_blob("0123456789", "0123456789");
    let mut dropped = layer.compressed().await.expect("opens");
    assert!(dropped.next().await.is_some());
    drop(dropped);
    assert!(!layer.is_cached(), "it was not read to its end");
    for _ in 0..3 {
        assert_eq!(read(&layer).await.expect("reads"), "0123456789");
    }
    assert!(layer.clone().is_cached());
    assert_eq!(count.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn what_is_too_large_or_wrong_is_not_kept() {
    let (layer, count) = counted_blob("0123456789X", "0123456789X");
    for _ in 0..2 {
        read(&layer).await.expect("reads");
    }
    assert!(!layer.is_cached());
    assert_eq!(count.load(Ordering::Relaxed), 2);
    let (layer, _) = counted_blob("012345678X", "0123456789");
    for _ in 0..2 {
        assert!(matches!(read(&layer).await, Err(Error::DigestMismatch { .. })));
    }
    assert!(!layer.is_cached());
}

#[tokio::test]
async fn built_images_are_those_of_go() {
    let image = ImageBuilder::new(Family::Docker).build().await.expect("fits");
    assert_eq!(image.as_descriptor(), empty::image().as_descriptor());

    let mut history = History::default();
    history.set_author(Some("dave".to_owned()));
    let config = empty::config(DOCKER_CONFIG.into()).edit(|config| {
        config.set_history(Some(vec![history]));
    });
    let image = ImageBuilder::new(Family::Docker)
        .config(config.expect("valid"))
        .layer(StaticLayer::new("..........", MediaType::ImageLayerGzip))
        .build()
        .await
        .expect("fits");
    let config = image.config().await.expect("known");
    assert_eq!(config.size(), 249);
    assert_eq!(
        config.digest().to_string(),
        "sha256:44fd21e0311ae59e7c456c9f35a3133e8bc7e6ac015180b7ca389e88bd4755c5"
    );
    assert_eq!(
        image.digest().await.expect("known").to_string(),
        "sha256:6434884393f624fd15e82473b954944b115935bd5a383e732082a3895648839d"
    );
}

#[tokio::test]
async fn a_config_that_fits_keeps_its_bytes() {
    let image = random::image(1, 2, 10);
    let raw = format!(
        " {}",
        String::from_utf8_lossy(image.config().await.expect("known").raw())
    );
    let config = Config::new(raw, MediaType::ImageConfig);
    let layers = image.layers().await.expect("known");
    let builder = ImageBuilder::new(Family::Oci).config(config.clone());
    let built = builder
        .clone()
        .layers(layers.clone())
        .build()
        .await
        .expect("fits");
    assert_eq!(built.config().await.expect("known").raw(), config.raw());

    let few = builder.clone().layer(Arc::clone(&layers[0])).build().await;
    assert!(matches!(
        few,
        Err(Error::LayerCount {
            layers: 1,
            diff_ids: 2
        })
    ));
    let swapped = builder.layers(layers.into_iter().rev()).build().await;
    assert!(matches!(swapped, Err(Error::InvalidDocument { .. })));
}

async fn listed(builder: IndexBuilder) -> Descriptor {
    let index = builder.build().await.expect("built");
    let listed = index.children().await.expect("known").remove(0);
    index.child(&listed).await.expect("there");
    listed
}

#[tokio::test]
async fn an_index_says_what_its_children_are() {
    let builder = || IndexBuilder::new(Family::Oci);
    let platform = |descriptor: &Descriptor| {
        let platform = descriptor.platform().as_ref();
        platform.map(|platform| PlatformSpec::from(platform).to_string())
    };
    let image = random::image(1, 1, 1);
    let own = listed(builder().image(image.clone())).await;
    assert_eq!(platform(&own).as_deref(), Some("linux/amd64"));
    assert_eq!(*own.artifact_type(), None);
    let spec = "linux/arm64/v8".parse().expect("a platform");
    let other = listed(builder().image_for(image.clone(), &spec)).await;
    assert_eq!(platform(&other).as_deref(), Some("linux/arm64/v8"));
    let unsaid = listed(builder().image(empty::image())).await;
    assert_eq!(platform(&unsaid), None);
    let verbatim = builder().child(
        Child::Image(Arc::new(image.clone())),
        image.as_descriptor().clone(),
    );
    assert_eq!(listed(verbatim).await, *image.as_descriptor());
    let artifact = ImageBuilder::new(Family::Oci)
        .config(Config::new("{}", MediaType::from("application/vnd.example")))
        .build()
        .await
        .expect("fits");
    let artifact = listed(builder().image(artifact)).await;
    assert_eq!(
        artifact
            .artifact_type()
            .as_ref()
            .map(ToString::to_string)
            .as_deref(),
        Some("application/vnd.example")
    );
    let empty = builder().build().await.expect("built");
    assert_eq!(
        empty.descriptor().await.expect("known"),
        empty::index().descriptor().await.expect("known")
    );
}

#[tokio::test]
async fn artifact_types() {
    async fn check(config: &str, own: Option<&str>, want: &str) {
        let mut builder = ImageBuilder::new(Family::Oci).config(Config::new("{}", MediaType::from(config)));
        if let Some(own) = own {
            builder = builder.artifact_type(MediaType::from(own));
        }
        let image = builder.build().await.expect("fits");
        assert_eq!(image.artifact_type().await.expect("known").to_string(), want);
    }
    let docker = "application/vnd.docker.container.image.v1+json";
    check(docker, None, docker).await;
    let oci = "application/vnd.oci.image.config.v1+json";
    check(oci, None, oci).await;
    check("application/vnd.custom", None, "application/vnd.custom").await;
    check(oci, Some("application/vnd.custom"), "application/vnd.custom").await;
    check(oci, Some(""), oci).await;
}

#[tokio::test]
async fn what_a_manifest_says_of_a_blob() {
    let image = random::image(1, 2, 100);
    let manifest = image.manifest().await.expect("known");
    let view = manifest.view().expect("valid");
    for listed in std::iter::once(view.config()).chain(view.layers()) {
        let found = image.blob_descriptor(listed.digest()).await.expect("listed");
        assert_eq!(found, *listed);
    }
    let absent = image.blob_descriptor(&crate::sha256("absent")).await;
    assert!(matches!(absent, Err(Error::NotFound { .. })));
    let config = image.config_layer().await.expect("known");
    assert_eq!(config.as_descriptor(), view.config());
}

#[tokio::test]
async fn children_that_match() {
    let index = random::index(1, 3, 1, 10);
    let children = index.children().await.expect("known");
    let second = crate::Matcher::digests([children[1].digest().clone()]);
    assert_eq!(index.matching(&second).await.expect("known"), children[1..2]);
}
