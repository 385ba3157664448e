//! An image of an archive.

use std::io::Read as _;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oci_spec::image::{Descriptor, Digest, ImageManifestBuilder, MediaType, SCHEMA_VERSION};
use wharf_archive::TarIndex;
use wharf_layer::{Family, FileRange, LayerBuilder};
use wharf_v1::media_type::{DOCKER_CONFIG, DOCKER_MANIFEST, MediaTypeExt as _};
use wharf_v1::partial::{AssembledImage, BlobLayer, BlobSource};
use wharf_v1::{ByteStream, Codec, Config, Error as ContentError, Hasher, Layer, Manifest};

use crate::Error;
use crate::record::Record;

/// Largest config that is read, in bytes.
const CONFIG_LIMIT: u64 = 100 * 1024 * 1024;

/// How many layers are read at a time.
const JOBS: usize = 4;

/// Reads an image's config and measures its layers.
pub(super) async fn load(contents: &TarIndex, record: &Record) -> Result<AssembledImage, Error> {
    let raw = contents.read(&record.config, CONFIG_LIMIT).await?;
    let config = Config::new(raw, MediaType::from(DOCKER_CONFIG));
    let diff_ids = diff_ids(&config)?;
    if diff_ids.len() != record.layers.len() {
        return Err(Error::LayerCount {
            layers: record.layers.len(),
            diff_ids: diff_ids.len(),
        });
    }
    let layers = record.layers.iter().zip(diff_ids).map(|(name, diff_id)| {
        let source = record.layer_sources.get(diff_id.as_ref());
        let source = source.and_then(|json| serde_json::from_str::<Descriptor>(json.get()).ok());
        let stored = Stored {
            contents,
            name: name.clone(),
            diff_id,
            source,
        };
        stored.layer()
    });
    let layers: Vec<_> = layers.collect();
    let layers: Vec<(Descriptor, Arc<dyn Layer>)> = stream::iter(layers).buffered(JOBS).try_collect().await?;
    let (descriptors, layers) = layers.into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
    let view = ImageManifestBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .config(config.descriptor())
        .layers(descriptors)
        .build()
        .expect("all that is required is there");
    Ok(AssembledImage::new(
        Manifest::from_view(view, DOCKER_MANIFEST.into()),
        config,
        layers,
    )?)
}

fn diff_ids(config: &Config) -> Result<Vec<Digest>, Error> {
    let texts = config.view()?.rootfs().diff_ids();
    Ok(texts
        .iter()
        .map(|text| wharf_v1::parse_digest(text))
        .collect::<Result<_, _>>()?)
}

/// A layer as the archive has it.
struct Stored<'a> {
    contents: &'a TarIndex,
    name: String,
    diff_id: Digest,
    /// What `LayerSources` says of it.
    source: Option<Descriptor>,
}

impl Stored<'_> {
    async fn layer(self) -> Result<(Descriptor, Arc<dyn Layer>), Error> {
        if let Some(descriptor) = self
            .source
            .clone()
            .filter(|source| !source.media_type().is_distributable())
        {
            // It is pulled from its own urls; what the archive holds of it may be nothing.
            let (range, _) = self.contents.file(&self.name)?;
            return Ok(self.into_layer(descriptor, range));
        }
        let (range, _) = self.contents.file(&self.name)?;
        let head = ByteStream::from_blocking_read(range.clone().take(Codec::MAGIC_LEN as u64));
        let head = head.collect(Codec::MAGIC_LEN as u64).await;
        // The first bytes tell.
        let codec = Codec::detect(&head.map_err(|source| unreadable(&self.name, source))?);
        if codec == Codec::None {
            self.compress(range).await
        } else {
            self.measure(range, codec).await
        }
    }

    /// A plain tar is stored compressed. That its content is a tar is the config's word: the diff_id.
    async fn compress(self, range: FileRange) -> Result<(Descriptor, Arc<dyn Layer>), Error> {
        let Self {
            name, diff_id: want, ..
        } = self;
        let plain = range.clone();
        let builder = LayerBuilder::from_stream(ByteStream::from_blocking_read(range));
        let built = builder.family(Family::Docker).allow_any_content().build().await;
        let layer = built.map_err(|source| Error::Layer {
            name: name.clone(),
            source,
        })?;
        let mut got = layer.as_diff_id().clone();
        if got.algorithm() != want.algorithm() {
            let content = ByteStream::from_blocking_read(plain);
            let measured = content.measure(Hasher::new(want.algorithm())?).await;
            got = measured.map_err(|source| unreadable(&name, source))?.digest;
        }
        if got != want {
            return Err(Error::DiffId { name, got, want });
        }
        Ok((layer.as_descriptor().clone(), Arc::new(layer)))
    }

    /// A compressed layer is stored as it is.
    async fn measure(self, range: FileRange, codec: Codec) -> Result<(Descriptor, Arc<dyn Layer>), Error> {
        let content = ByteStream::from_blocking_read(range.clone());
        let measured = content.measure(Hasher::sha256()).await;
        let measured = measured.map_err(|source| unreadable(&self.name, source))?;
        let found = Descriptor::new(Family::Docker.layer(codec), measured.size, measured.digest);
        // Where a tool says of what type these very bytes are, that is so.
        let said = self.source.clone().filter(|source| {
            source.digest() == found.digest()
                && source.size() == found.size()
                && source.media_type().is_layer()
        });
        Ok(self.into_layer(said.unwrap_or(found), range))
    }

    fn into_layer(self, descriptor: Descriptor, range: FileRange) -> (Descriptor, Arc<dyn Layer>) {
        let layer = BlobLayer::new(descriptor.clone(), Range(range)).with_diff_id(self.diff_id);
        (descriptor, Arc::new(layer))
    }
}

fn unreadable(name: &str, error: ContentError) -> Error {
    match error {
        ContentError::Io(source) => Error::Layer {
            name: name.to_owned(),
            source: wharf_layer::Error::Read { source },
        },
        error => Error::Content(error),
    }
}

/// Opens a part of the archive as a blob.
#[derive(Debug)]
struct Range(FileRange);

impl BlobSource for Range {
    fn open(&self) -> BoxFuture<'_, Result<ByteStream, ContentError>> {
        Box::pin(async { Ok(ByteStream::from_blocking_read(self.0.clone())) })
    }
}
