//! Layers that are read once, and know their digests only then.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_util::TryStreamExt as _;
use tokio::sync::OnceCell;
use wharf_mutate::{Addendum, annotate, append_layers};
use wharf_v1::oci_spec::image::{Descriptor, Digest, MediaType};
use wharf_v1::{ByteStream, Error, Hasher, Image as _, Layer, Measure, empty, sha256};

#[derive(Debug)]
struct Streamed {
    content: &'static str,
    measure: OnceCell<Measure>,
}

impl Layer for Streamed {
    fn media_type(&self) -> MediaType {
        MediaType::ImageLayer
    }
    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        Box::pin(async {
            let measured = self.measure.get().ok_or(Error::NotComputed)?.get()?;
            Ok(Descriptor::new(
                MediaType::ImageLayer,
                measured.size,
                measured.digest,
            ))
        })
    }
    fn diff_id(&self) -> BoxFuture<'_, Result<Digest, Error>> {
        Box::pin(async { Ok(self.descriptor().await?.digest().clone()) })
    }
    fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async {
            let (stream, measure) = ByteStream::from_bytes(self.content).hashed(Hasher::sha256());
            self.measure.set(measure).map_err(|_| Error::Consumed)?;
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
async fn the_manifest_waits_for_the_layers() {
    let addenda = ["one", "two", "three"].map(|content| {
        Addendum::new(Arc::new(Streamed {
            content,
            measure: OnceCell::new(),
        }))
        .with_annotations([("a", "b")])
    });
    let image = Arc::new(append_layers(Arc::new(empty::image()), addenda));
    // Wrapped once more: nothing is computed early.
    let image = annotate(image, [("c", "d")]);
    for early in [
        image.manifest().await.map(drop),
        image.descriptor().await.map(drop),
    ] {
        assert!(matches!(early, Err(Error::NotComputed)), "{early:?}");
    }
    let layers = image.layers().await.expect("layers");
    for layer in &layers {
        assert!(!layer.is_reopenable());
        let mut stream = layer.compressed().await.expect("open");
        while stream.try_next().await.expect("read").is_some() {}
    }
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
}
