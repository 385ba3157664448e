//! Images to save, archives to read, and layers that misbehave.

use std::io::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use futures_util::stream;
use tokio::sync::Semaphore;
use wharf_v1::oci_spec::image::{
    Descriptor, Digest, ImageConfigurationBuilder, ImageManifestBuilder, MediaType, RootFsBuilder,
};
use wharf_v1::partial::{AssembledImage, StaticLayer};
use wharf_v1::{ByteStream, Config, Error, Layer, Manifest, sha256};

/// A Docker image of these layers, each with what the manifest says of it.
pub(crate) async fn image_of(layers: Vec<(Descriptor, Arc<dyn Layer>)>) -> AssembledImage {
    let mut diff_ids = Vec::new();
    for (_, layer) in &layers {
        diff_ids.push(layer.diff_id().await.expect("diff_id").to_string());
    }
    let rootfs = RootFsBuilder::default()
        .typ("layers")
        .diff_ids(diff_ids)
        .build()
        .expect("complete");
    let config = ImageConfigurationBuilder::default()
        .architecture("amd64")
        .os("linux")
        .rootfs(rootfs)
        .build()
        .expect("complete");
    let config = Config::from_view(config, "application/vnd.docker.container.image.v1+json".into());
    let (descriptors, layers): (Vec<_>, Vec<_>) = layers.into_iter().unzip();
    let manifest = ImageManifestBuilder::default()
        .schema_version(2u32)
        .config(config.descriptor())
        .layers(descriptors)
        .build()
        .expect("complete");
    let media_type = "application/vnd.docker.distribution.manifest.v2+json".into();
    AssembledImage::new(Manifest::from_view(manifest, media_type), config, layers).expect("aligned")
}

/// A Docker image of some layers that are compressed with gzip, other ones for each seed.
pub(crate) async fn docker_image(seed: u8, layers: u8) -> AssembledImage {
    let layers = (0..layers).map(|n| {
        let content: Vec<u8> = (0..2000u32)
            .map(|byte| ((byte * 7) >> 2) as u8 ^ n ^ seed)
            .collect();
        layer(gzipped(&tar_of("file", &content)), DOCKER_GZIP)
    });
    // The diff_ids are those of the content: static layers decompress.
    image_of(layers.collect()).await
}

/// A layer of these bytes, as they are.
pub(crate) fn layer(bytes: impl Into<Bytes>, media_type: &str) -> (Descriptor, Arc<dyn Layer>) {
    let layer = StaticLayer::new(bytes, media_type.into());
    (layer.as_descriptor().clone(), Arc::new(layer))
}

pub(crate) const DOCKER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

pub(crate) fn gzipped(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).expect("in memory");
    encoder.finish().expect("in memory")
}

/// A tar of a file, as a layer's content.
pub(crate) fn tar_of(name: &str, content: &[u8]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    append(&mut tar, name, content);
    tar.into_inner().expect("in memory")
}

pub(crate) fn append(tar: &mut tar::Builder<Vec<u8>>, name: &str, content: &[u8]) {
    let mut header = tar::Header::new_ustar();
    // As it is, also where the crate would refuse it.
    header.as_ustar_mut().expect("ustar").name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    tar.append(&header, content).expect("in memory");
}

pub(crate) fn append_link(tar: &mut tar::Builder<Vec<u8>>, kind: tar::EntryType, name: &str, target: &str) {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(0);
    header.as_ustar_mut().expect("ustar").linkname[..target.len()].copy_from_slice(target.as_bytes());
    header.as_ustar_mut().expect("ustar").name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_cksum();
    tar.append(&header, std::io::empty()).expect("in memory");
}

/// The config of an image with these layers.
pub(crate) fn config_of(diff_ids: &[Digest]) -> Vec<u8> {
    let diff_ids: Vec<_> = diff_ids.iter().map(|digest| format!("\"{digest}\"")).collect();
    let rootfs = format!(r#"{{"type":"layers","diff_ids":[{}]}}"#, diff_ids.join(","));
    format!(r#"{{"architecture":"amd64","os":"linux","rootfs":{rootfs}}}"#).into()
}

/// A layer whose stream fails half-way, or that can only be open while a token is held.
#[derive(Debug)]
pub(crate) struct Unreliable {
    pub(crate) content: Bytes,
    pub(crate) breaks: bool,
    pub(crate) tokens: Option<Arc<Semaphore>>,
}

impl Unreliable {
    pub(crate) fn pair(self) -> (Descriptor, Arc<dyn Layer>) {
        (self.own_descriptor(), Arc::new(self))
    }

    fn own_descriptor(&self) -> Descriptor {
        Descriptor::new(
            DOCKER_GZIP.into(),
            self.content.len() as u64,
            sha256(&self.content),
        )
    }
}

impl Layer for Unreliable {
    fn media_type(&self) -> MediaType {
        DOCKER_GZIP.into()
    }
    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        Box::pin(async { Ok(self.own_descriptor()) })
    }
    fn diff_id(&self) -> BoxFuture<'_, Result<Digest, Error>> {
        Box::pin(async { Ok(sha256(&self.content)) })
    }
    fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async {
            let token = match &self.tokens {
                Some(tokens) => Some(Arc::clone(tokens).acquire_owned().await.expect("open")),
                None => None,
            };
            let half = self.content.slice(..self.content.len() / 2);
            let rest = self.content.slice(self.content.len() / 2..);
            let end = if self.breaks {
                Err(std::io::Error::other("unplugged").into())
            } else {
                Ok(rest)
            };
            let items = [Ok(half), end].into_iter().inspect(move |_| {
                // Held for as long as the stream is.
                let _ = &token;
            });
            Ok(ByteStream::new(stream::iter(items)))
        })
    }
    fn uncompressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        self.compressed()
    }
}
