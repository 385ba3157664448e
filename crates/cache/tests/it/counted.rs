//! Content that counts how often it is read.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_core::future::BoxFuture;
use futures_util::StreamExt as _;
use wharf_cache::{Cache, CacheOptions};
use wharf_v1::oci_spec::image::{Descriptor, Digest, MediaType};
use wharf_v1::{ByteStream, Config, Error, Image, Layer, Manifest};

/// How often something was read that comes from elsewhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads(Arc<AtomicUsize>);

impl Reads {
    fn note(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How often since this was last called.
    pub(crate) fn take(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

#[derive(Debug)]
pub(crate) struct CountedLayer {
    pub(crate) inner: Arc<dyn Layer>,
    pub(crate) reads: Reads,
    /// Where its stream breaks off, if it does.
    pub(crate) breaks: bool,
}

impl Layer for CountedLayer {
    fn media_type(&self) -> MediaType {
        self.inner.media_type()
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        self.inner.descriptor()
    }

    fn diff_id(&self) -> BoxFuture<'_, Result<Digest, Error>> {
        Box::pin(async {
            self.reads.note();
            self.inner.diff_id().await
        })
    }

    fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async {
            self.reads.note();
            let stream = self.inner.compressed().await?;
            if !self.breaks {
                return Ok(stream);
            }
            let broken = futures_util::stream::iter([Err(Error::Aborted)]);
            Ok(ByteStream::new(stream.take(1).chain(broken)))
        })
    }

    fn uncompressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async { Ok(self.compressed().await?.decompressed()) })
    }
}

#[derive(Debug)]
pub(crate) struct CountedImage<I> {
    inner: I,
    reads: Reads,
}

impl<I: Image> Image for CountedImage<I> {
    fn media_type(&self) -> MediaType {
        self.inner.media_type()
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        self.inner.descriptor()
    }

    fn manifest(&self) -> BoxFuture<'_, Result<Manifest, Error>> {
        Box::pin(async {
            self.reads.note();
            self.inner.manifest().await
        })
    }

    fn config(&self) -> BoxFuture<'_, Result<Config, Error>> {
        Box::pin(async {
            self.reads.note();
            self.inner.config().await
        })
    }

    fn layers(&self) -> BoxFuture<'_, Result<Vec<Arc<dyn Layer>>, Error>> {
        Box::pin(async {
            self.reads.note();
            let layers = self.inner.layers().await?.into_iter();
            let counted = layers.map(|inner| counted_layer(inner, &self.reads));
            Ok(counted.map(|layer| Arc::new(layer) as Arc<dyn Layer>).collect())
        })
    }
}

pub(crate) fn counted_layer(inner: Arc<dyn Layer>, reads: &Reads) -> CountedLayer {
    let reads = reads.clone();
    CountedLayer {
        inner,
        reads,
        breaks: false,
    }
}

pub(crate) fn counted_image(inner: impl Image) -> (CountedImage<impl Image>, Reads) {
    let reads = Reads::default();
    let image = CountedImage {
        inner,
        reads: reads.clone(),
    };
    (image, reads)
}

pub(crate) fn cache(path: &Path) -> Cache {
    Cache::open(path, CacheOptions::default()).expect("a cache")
}

pub(crate) async fn read(layer: &impl Layer) -> Result<Vec<u8>, Error> {
    Ok(layer.compressed().await?.collect(16 << 20).await?.to_vec())
}
