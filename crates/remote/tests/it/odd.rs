//! Content that behaves as it should not, or that knows little of itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use futures_util::stream;
use oci_spec::image::{Descriptor, Digest, ImageManifestBuilder, MediaType};
use wharf_v1::{ByteStream, Config, Hasher, Image, Layer, Manifest, Measure};

/// A layer whose source fails, or whose digest is known only when it was read.
#[derive(Debug)]
pub(crate) struct Odd {
    pub(crate) bytes: Bytes,
    pub(crate) fails: bool,
    pub(crate) opened: AtomicBool,
    pub(crate) measure: std::sync::OnceLock<Measure>,
    pub(crate) claims: Option<Digest>,
}

impl Odd {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self {
            bytes: Bytes::copy_from_slice(bytes),
            fails: false,
            opened: AtomicBool::new(false),
            measure: std::sync::OnceLock::new(),
            claims: None,
        }
    }
}

impl Layer for Odd {
    fn media_type(&self) -> MediaType {
        MediaType::ImageLayer
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, wharf_v1::Error>> {
        Box::pin(async {
            let size = self.bytes.len() as u64;
            let digest = match (&self.claims, self.measure.get()) {
                (Some(digest), _) => digest.clone(),
                (None, Some(measure)) => measure.get()?.digest,
                (None, None) => return Err(wharf_v1::Error::NotComputed),
            };
            Ok(Descriptor::new(MediaType::ImageLayer, size, digest))
        })
    }

    fn diff_id(&self) -> BoxFuture<'_, Result<Digest, wharf_v1::Error>> {
        Box::pin(async { Ok(self.descriptor().await?.digest().clone()) })
    }

    fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, wharf_v1::Error>> {
        Box::pin(async {
            if self.opened.swap(true, Ordering::Relaxed) && !self.is_reopenable() {
                return Err(wharf_v1::Error::Consumed);
            }
            let half = self.bytes.slice(..self.bytes.len() / 2);
            let rest = self.bytes.slice(self.bytes.len() / 2..);
            let end = if self.fails {
                Err(wharf_v1::Error::Aborted)
            } else {
                Ok(rest)
            };
            let (stream, measure) = ByteStream::new(stream::iter([Ok(half), end])).hashed(Hasher::sha256());
            let _ = self.measure.set(measure);
            Ok(stream)
        })
    }

    fn uncompressed(&self) -> BoxFuture<'_, Result<ByteStream, wharf_v1::Error>> {
        self.compressed()
    }

    fn is_reopenable(&self) -> bool {
        self.claims.is_some()
    }
}

/// An image around a layer whose digest is known only when it was read.
#[derive(Debug)]
pub(crate) struct OddImage(pub(crate) Arc<dyn Layer>);

impl Image for OddImage {
    fn media_type(&self) -> MediaType {
        MediaType::ImageManifest
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, wharf_v1::Error>> {
        Box::pin(async { Ok(self.manifest().await?.descriptor()) })
    }

    fn manifest(&self) -> BoxFuture<'_, Result<Manifest, wharf_v1::Error>> {
        Box::pin(async {
            let layer = self.0.descriptor().await?;
            let config = self.config().await?.descriptor();
            let view = ImageManifestBuilder::default()
                .schema_version(2_u32)
                .config(config)
                .layers([layer])
                .build();
            Ok(Manifest::from_view(
                view.expect("whole"),
                MediaType::ImageManifest,
            ))
        })
    }

    fn config(&self) -> BoxFuture<'_, Result<Config, wharf_v1::Error>> {
        Box::pin(async { Ok(Config::new("{}", MediaType::ImageConfig)) })
    }

    fn layers(&self) -> BoxFuture<'_, Result<Vec<Arc<dyn Layer>>, wharf_v1::Error>> {
        Box::pin(async { Ok(vec![Arc::clone(&self.0)]) })
    }
}
