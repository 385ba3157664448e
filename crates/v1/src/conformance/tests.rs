//! The suites hold for all that this crate has, and fail where a law is broken.

use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use oci_spec::image::{DigestAlgorithm, ImageIndexBuilder, ImageManifestBuilder, MediaType};

use super::*;
use crate::media_type::Family;
use crate::partial::tests::Store;
use crate::partial::{
    AssembledImage, AssembledIndex, BlobLayer, BlobSource, CachedLayer, ImageBuilder, IndexBuilder,
    PlainLayer, StaticLayer, StoredImage, StoredIndex,
};
use crate::{ByteStream, Child, Config, Index, IndexManifest, Manifest, Measure, Measured, empty, random};

#[derive(Debug)]
struct Memory(Bytes);

impl BlobSource for Memory {
    fn open(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async { Ok(ByteStream::from_bytes(self.0.clone())) })
    }
}

/// A tar, as a registry stores it.
fn plain() -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(5);
    archive
        .append_data(&mut header, "hello", &b"world"[..])
        .expect("in memory");
    archive.into_inner().expect("in memory")
}

#[cfg(feature = "gzip")]
fn gzipped() -> Vec<u8> {
    use std::io::Write as _;

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&plain()).expect("in memory");
    encoder.finish().expect("in memory")
}

#[tokio::test]
async fn static_layers() {
    layer(StaticLayer::new(plain(), MediaType::ImageLayer)).await;
    layer(StaticLayer::new("", MediaType::ImageLayer)).await;
    layer(StaticLayer::new("no tar at all", MediaType::from("text/plain"))).await;
    #[cfg(feature = "gzip")]
    layer(StaticLayer::new(gzipped(), MediaType::ImageLayerGzip)).await;
    #[cfg(feature = "gzip")]
    layer(StaticLayer::new(gzipped(), MediaType::ImageLayer)).await;
    #[cfg(feature = "zstd")]
    layer(StaticLayer::new(
        zstd::encode_all(&plain()[..], 3).expect("in memory"),
        MediaType::ImageLayerGzip,
    ))
    .await;
}

#[tokio::test]
async fn blob_layers() {
    let descriptor = |bytes: &[u8]| {
        Descriptor::new(
            MediaType::ImageLayerGzip,
            bytes.len() as u64,
            crate::sha256(bytes),
        )
    };
    layer(BlobLayer::new(descriptor(&plain()), Memory(plain().into()))).await;
    #[cfg(feature = "gzip")]
    {
        let blob = || BlobLayer::new(descriptor(&gzipped()), Memory(gzipped().into()));
        layer(blob()).await;
        layer(blob().with_diff_id(crate::sha256(plain()))).await;
        layer(Arc::new(blob()) as Arc<dyn Layer>).await;
    }
}

#[tokio::test]
async fn plain_layers() {
    let plain_layer = || PlainLayer::new(MediaType::ImageLayer, Memory(plain().into()));
    layer(plain_layer()).await;
    layer(plain_layer().with_diff_id(crate::sha256(plain()))).await;
    let mut sha512 = Hasher::new(&DigestAlgorithm::Sha512).expect("supported");
    sha512.update(&plain());
    layer(plain_layer().with_diff_id(sha512.finish())).await;
}

#[tokio::test]
async fn cached_layers() {
    layer(CachedLayer::new(random::layer(1, 1000), 1 << 20)).await;
    layer(CachedLayer::new(random::layer(1, 1000), 1)).await;
    layer(CachedLayer::new(Once::new(false), 1 << 20)).await;
    #[cfg(feature = "gzip")]
    layer(CachedLayer::new(
        StaticLayer::new(gzipped(), MediaType::ImageLayerGzip),
        1 << 20,
    ))
    .await;
    let layers = random::image(3, 2, 100).layers().await.expect("known");
    let cached = layers
        .into_iter()
        .map(|layer| Arc::new(CachedLayer::new(layer, 1 << 20)) as Arc<dyn Layer>);
    image(
        ImageBuilder::new(Family::Docker)
            .layers(cached)
            .build()
            .await
            .expect("fits"),
    )
    .await;
}

#[tokio::test]
async fn stored_things() {
    let mut store = Store::default();
    let images = [random::image(1, 3, 1000), random::image(2, 0, 0), empty::image()];
    let mut builder = IndexBuilder::new(Family::Oci);
    for image in &images {
        store.add(image).await;
        builder = builder.image(image.clone());
    }
    let nested = builder
        .build()
        .await
        .expect("built")
        .manifest()
        .await
        .expect("known");
    store.insert(nested.digest().clone(), nested.raw().clone());
    let blob = StaticLayer::new("content", MediaType::from("text/plain"));
    store.insert(blob.as_descriptor().digest().clone(), "content");
    let outer = IndexBuilder::new(Family::Docker)
        .index(AssembledIndex::new(nested, []))
        .blob(blob)
        .build()
        .await
        .expect("built");
    let outer = outer.manifest().await.expect("known");
    store.insert(outer.digest().clone(), outer.raw().clone());
    let store = Arc::new(store);
    for each in images {
        image(StoredImage::new(each.as_descriptor().clone(), Arc::clone(&store))).await;
        let manifest = each.manifest().await.expect("known");
        image(StoredImage::of_manifest(manifest, Arc::clone(&store))).await;
    }
    index(StoredIndex::new(outer.descriptor(), Arc::clone(&store))).await;
    index(StoredIndex::of_manifest(outer, store)).await;
}

#[tokio::test]
async fn built_things() {
    let built = ImageBuilder::new(Family::Docker)
        .layer(random::layer(1, 100))
        .layer(random::layer(1, 100))
        .annotation("key", "value")
        .build()
        .await
        .expect("fits");
    image(built.clone()).await;
    let artifact = ImageBuilder::new(Family::Oci)
        .config(Config::new("no JSON", MediaType::from("application/vnd.example")))
        .layer(StaticLayer::new("content", MediaType::from("text/plain")))
        .subject(built.as_descriptor().clone())
        .build()
        .await
        .expect("fits");
    let both = IndexBuilder::new(Family::Oci)
        .image(built)
        .image(artifact.clone());
    let platform = "linux/arm64".parse().expect("a platform");
    let nested = IndexBuilder::new(Family::Docker)
        .image_for(random::image(1, 1, 1), &platform)
        .index(both.clone().build().await.expect("built"))
        .blob(StaticLayer::new("content", MediaType::from("text/plain")));
    image(artifact).await;
    index(both.build().await.expect("built")).await;
    index(nested.build().await.expect("built")).await;
}

/// Every digest in it is sha512.
#[tokio::test]
async fn an_image_of_another_algorithm() {
    let sha512 = |bytes: &[u8]| {
        let mut hasher = Hasher::new(&DigestAlgorithm::Sha512).expect("supported");
        hasher.update(bytes);
        hasher.finish()
    };
    let mut store = Store::default();
    let mut add = |media_type: MediaType, bytes: &[u8]| {
        store.insert(sha512(bytes), bytes.to_vec());
        Descriptor::new(media_type, bytes.len() as u64, sha512(bytes))
    };
    let layer = add(MediaType::ImageLayer, &plain());
    let config =
        serde_json::json!({ "rootfs": { "type": "layers", "diff_ids": [layer.digest().to_string()] } });
    let config = add(MediaType::ImageConfig, config.to_string().as_bytes());
    let manifest = ImageManifestBuilder::default()
        .schema_version(2_u32)
        .config(config)
        .layers(vec![layer])
        .build()
        .expect("all fields");
    let manifest = Manifest::from_view(manifest, MediaType::ImageManifest);
    let manifest = add(MediaType::ImageManifest, manifest.raw());
    image(StoredImage::new(manifest, Arc::new(store))).await;
}

#[tokio::test]
async fn empty_things() {
    image(empty::image()).await;
    image(empty::oci_image()).await;
    image(Arc::new(empty::image()) as Arc<dyn Image>).await;
    index(empty::index()).await;
    index(Arc::new(empty::index()) as Arc<dyn Index>).await;
}

#[tokio::test]
async fn random_things() {
    layer(random::layer(1, 1000)).await;
    layer(Arc::new(random::layer(2, 0))).await;
    image(random::image(3, 3, 1000)).await;
    image(Arc::new(random::image(4, 0, 0))).await;
    index(random::index(5, 2, 2, 100)).await;
    index(Arc::new(random::index(6, 0, 0, 0)) as Arc<dyn Index>).await;
}

/// An image with these layers, whether they fit or not.
fn image_of(layers: Vec<Arc<dyn Layer>>, descriptors: Vec<Descriptor>, diff_ids: &[&str]) -> AssembledImage {
    let config = Config::new(
        serde_json::json!({ "rootfs": { "type": "layers", "diff_ids": diff_ids } }).to_string(),
        MediaType::ImageConfig,
    );
    let manifest = ImageManifestBuilder::default()
        .schema_version(2_u32)
        .config(config.descriptor())
        .layers(descriptors)
        .build()
        .expect("all fields");
    let manifest = Manifest::from_view(manifest, MediaType::ImageManifest);
    AssembledImage::new(manifest, config, layers).expect("as many layers")
}

/// Source issue 2034 of go-containerregistry: one diff_id, two digests.
#[cfg(feature = "gzip")]
#[tokio::test]
async fn one_content_stored_in_two_ways() {
    let layers = [
        StaticLayer::new(plain(), MediaType::ImageLayer),
        StaticLayer::new(gzipped(), MediaType::ImageLayerGzip),
        StaticLayer::new(plain(), MediaType::ImageLayer),
    ];
    let descriptors = layers.iter().map(|layer| layer.as_descriptor().clone()).collect();
    let diff_id = crate::sha256(plain()).to_string();
    let layers = layers.map(|layer| Arc::new(layer) as Arc<dyn Layer>).to_vec();
    image(image_of(layers, descriptors, &[diff_id.as_str(); 3])).await;
}

#[tokio::test]
async fn artifacts() {
    let config = Config::new("no JSON", MediaType::from("application/vnd.example.config"));
    let blob = StaticLayer::new("content", MediaType::from("text/plain"));
    let manifest = ImageManifestBuilder::default()
        .schema_version(2_u32)
        .artifact_type(MediaType::from("application/vnd.example"))
        .config(config.descriptor())
        .layers(vec![blob.as_descriptor().clone()])
        .build()
        .expect("all fields");
    let manifest = Manifest::from_view(manifest, MediaType::ImageManifest);
    image(AssembledImage::new(manifest, config, vec![Arc::new(blob)]).expect("they fit")).await;
}

fn index_of(children: Vec<(Descriptor, Child)>) -> AssembledIndex {
    let manifest = ImageIndexBuilder::default()
        .schema_version(2_u32)
        .manifests(
            children
                .iter()
                .map(|(descriptor, _)| descriptor.clone())
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

#[tokio::test]
async fn nested_indexes() {
    let inner = Arc::new(random::index(1, 1, 1, 10));
    let image = Arc::new(random::image(2, 1, 10));
    let blob = Arc::new(StaticLayer::new("content", MediaType::from("text/plain")));
    index(index_of(vec![
        (inner.descriptor().await.expect("known"), Child::Index(inner)),
        (image.as_descriptor().clone(), Child::Image(image)),
        (blob.as_descriptor().clone(), Child::Blob(blob)),
    ]))
    .await;
}

/// A layer that can be read once, and learns its digest by that.
#[derive(Debug)]
struct Once {
    content: Mutex<Option<Bytes>>,
    measure: OnceLock<Measure>,
    /// Gives its bytes again, against the contract.
    again: bool,
}

impl Once {
    fn new(again: bool) -> Self {
        Self {
            content: Mutex::new(Some("content".into())),
            measure: OnceLock::new(),
            again,
        }
    }

    fn measured(&self) -> Result<Measured, Error> {
        self.measure.get().ok_or(Error::NotComputed)?.get()
    }
}

impl Layer for Once {
    fn media_type(&self) -> MediaType {
        MediaType::ImageLayer
    }
    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        let described = |seen: Measured| Descriptor::new(self.media_type(), seen.size, seen.digest);
        Box::pin(async move { self.measured().map(described) })
    }
    fn diff_id(&self) -> BoxFuture<'_, Result<Digest, Error>> {
        Box::pin(async { Ok(self.measured()?.digest) })
    }
    fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async {
            let mut content = self.content.lock().expect("no panic while locked");
            let bytes = if self.again {
                content.clone()
            } else {
                content.take()
            };
            let stream = ByteStream::from_bytes(bytes.ok_or(Error::Consumed)?);
            let (stream, measure) = stream.hashed(Hasher::sha256());
            let _ = self.measure.set(measure);
            Ok(stream)
        })
    }
    fn uncompressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        self.compressed()
    }
    fn is_reopenable(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn a_layer_that_is_read_once() {
    layer(Once::new(false)).await;
    layer(Arc::new(Once::new(false)) as Arc<dyn Layer>).await;
}

#[tokio::test]
#[should_panic(expected = "opening a read layer again")]
async fn a_second_reading_is_found() {
    layer(Once::new(true)).await;
}

/// A layer that lies about what the given descriptor and diff_id say.
#[derive(Debug)]
struct Liar {
    descriptor: Descriptor,
    diff_id: Digest,
    content: Bytes,
}

impl Liar {
    fn honest() -> Self {
        let content = Bytes::from("content");
        let digest = crate::sha256(&content);
        let descriptor = Descriptor::new(MediaType::ImageLayer, content.len() as u64, digest.clone());
        Self {
            descriptor,
            diff_id: digest,
            content,
        }
    }
}

impl Layer for Liar {
    fn media_type(&self) -> MediaType {
        self.descriptor.media_type().clone()
    }
    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        Box::pin(async { Ok(self.descriptor.clone()) })
    }
    fn diff_id(&self) -> BoxFuture<'_, Result<Digest, Error>> {
        Box::pin(async { Ok(self.diff_id.clone()) })
    }
    fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async { Ok(ByteStream::from_bytes(self.content.clone())) })
    }
    fn uncompressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        self.compressed()
    }
}

#[tokio::test]
#[should_panic(expected = "stored bytes: the size")]
async fn a_wrong_size_is_found() {
    let mut liar = Liar::honest();
    liar.descriptor.set_size(8);
    layer(liar).await;
}

#[tokio::test]
#[should_panic(expected = "stored bytes: the digest")]
async fn a_wrong_digest_is_found() {
    let mut liar = Liar::honest();
    liar.descriptor.set_digest(crate::sha256("other"));
    layer(liar).await;
}

#[tokio::test]
#[should_panic(expected = "diff_id")]
async fn a_wrong_diff_id_is_found() {
    let mut liar = Liar::honest();
    liar.diff_id = crate::sha256("other");
    layer(liar).await;
}

#[cfg(feature = "gzip")]
#[tokio::test]
#[should_panic(expected = "forms")]
async fn an_uncompressed_form_that_is_compressed_is_found() {
    let content = Bytes::from(gzipped());
    let digest = crate::sha256(&content);
    let descriptor = Descriptor::new(MediaType::ImageLayer, content.len() as u64, digest);
    layer(Liar {
        descriptor,
        diff_id: crate::sha256(plain()),
        content,
    })
    .await;
}

#[tokio::test]
#[should_panic(expected = "alignment: layer 0")]
async fn layers_in_the_wrong_order_are_found() {
    let (a, b) = (random::layer(1, 1), random::layer(2, 1));
    let descriptors = vec![b.as_descriptor().clone(), a.as_descriptor().clone()];
    image(image_of(vec![Arc::new(a), Arc::new(b)], descriptors, &[])).await;
}

#[tokio::test]
#[should_panic(expected = "alignment: there is a diff_id for each layer")]
async fn a_missing_diff_id_is_found() {
    let layer = random::layer(1, 1);
    let descriptors = vec![layer.as_descriptor().clone()];
    image(image_of(vec![Arc::new(layer)], descriptors, &[])).await;
}

#[tokio::test]
#[should_panic(expected = "listing: size of layer 0")]
async fn a_manifest_with_a_wrong_size_is_found() {
    let layer = random::layer(1, 1);
    let mut descriptor = layer.as_descriptor().clone();
    descriptor.set_size(1);
    let diff_id = descriptor.digest().to_string();
    image(image_of(vec![Arc::new(layer)], vec![descriptor], &[&diff_id])).await;
}

#[tokio::test]
#[should_panic(expected = "a child is what its index says: size")]
async fn an_index_with_a_wrong_size_is_found() {
    let image = random::image(1, 1, 1);
    let mut descriptor = image.as_descriptor().clone();
    descriptor.set_size(1);
    index(index_of(vec![(descriptor, Child::Image(Arc::new(image)))])).await;
}
