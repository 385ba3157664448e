//! Images whose layers can be watched, streamed and made to fail.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use futures_util::stream;
use wharf_v1::oci_spec::image::{Descriptor, Digest, MediaType};
use wharf_v1::{ByteStream, Child, Config, Error, Image, Index, IndexManifest, Layer, Manifest, sha256};

/// How a [`TestLayer`] behaves when it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Good,
    /// Digest and size are known only when its bytes went by; they go by once.
    Streamed,
    /// The stream fails half-way.
    Breaks,
    /// The bytes are others than the descriptor says, of the right number.
    Lies,
    /// Fewer bytes than the descriptor says.
    Short,
    /// More bytes than the descriptor says.
    Long,
    /// The stream gives its first half and then waits for ever.
    Hangs,
}

#[derive(Debug)]
pub(crate) struct TestLayer {
    content: Bytes,
    behaviour: Behaviour,
    opened: AtomicUsize,
    consumed: Arc<AtomicBool>,
}

impl TestLayer {
    pub(crate) fn new(content: impl Into<Bytes>, behaviour: Behaviour) -> Arc<Self> {
        let consumed = Arc::new(AtomicBool::new(behaviour != Behaviour::Streamed));
        Arc::new(Self {
            content: content.into(),
            behaviour,
            opened: AtomicUsize::new(0),
            consumed,
        })
    }

    /// How often its bytes were asked for.
    pub(crate) fn opened(&self) -> usize {
        self.opened.load(Ordering::SeqCst)
    }

    pub(crate) fn real_descriptor(&self) -> Descriptor {
        Descriptor::new(
            MediaType::ImageLayer,
            self.content.len() as u64,
            sha256(&self.content),
        )
    }

    fn open(&self) -> Result<ByteStream, Error> {
        if self.opened.fetch_add(1, Ordering::SeqCst) > 0 && self.behaviour == Behaviour::Streamed {
            return Err(Error::Consumed);
        }
        let (first, second) = (
            self.content.slice(..self.content.len() / 2),
            self.content.slice(self.content.len() / 2..),
        );
        let items: Vec<Result<Bytes, Error>> = match self.behaviour {
            Behaviour::Good => vec![Ok(first), Ok(second)],
            Behaviour::Streamed => {
                let consumed = Arc::clone(&self.consumed);
                let items = stream::iter([Ok(first), Ok(second)]);
                let end = stream::poll_fn(move |_| {
                    consumed.store(true, Ordering::SeqCst);
                    std::task::Poll::Ready(None)
                });
                return Ok(ByteStream::new(futures_util::StreamExt::chain(items, end)));
            }
            Behaviour::Breaks => vec![
                Ok(first),
                Err(Error::Io(std::io::ErrorKind::ConnectionReset.into())),
            ],
            Behaviour::Lies => vec![Ok(Bytes::from(vec![b'!'; self.content.len()]))],
            Behaviour::Short => vec![Ok(first)],
            Behaviour::Long => vec![Ok(first), Ok(second), Ok(Bytes::from_static(b"more"))],
            Behaviour::Hangs => {
                let items = stream::iter([Ok(first)]);
                return Ok(ByteStream::new(futures_util::StreamExt::chain(
                    items,
                    stream::pending(),
                )));
            }
        };
        Ok(ByteStream::new(stream::iter(items)))
    }
}

impl Layer for TestLayer {
    fn media_type(&self) -> MediaType {
        MediaType::ImageLayer
    }
    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        let known = self.consumed.load(Ordering::SeqCst);
        Box::pin(async move {
            if known {
                Ok(self.real_descriptor())
            } else {
                Err(Error::NotComputed)
            }
        })
    }
    fn diff_id(&self) -> BoxFuture<'_, Result<Digest, Error>> {
        Box::pin(async { Ok(self.descriptor().await?.digest().clone()) })
    }
    fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async { self.open() })
    }
    fn uncompressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        self.compressed()
    }
    fn is_reopenable(&self) -> bool {
        self.behaviour != Behaviour::Streamed
    }
}

/// An image of such layers. Its documents have unusual spacing and fields, to be kept byte for byte.
#[derive(Debug)]
pub(crate) struct TestImage {
    layers: Vec<Arc<TestLayer>>,
    annotations: &'static str,
    media_type: MediaType,
}

pub(crate) fn image(layers: &[Arc<TestLayer>]) -> TestImage {
    TestImage {
        layers: layers.to_vec(),
        annotations: "{}",
        media_type: MediaType::ImageManifest,
    }
}

impl TestImage {
    pub(crate) fn with_annotations(mut self, json: &'static str) -> Self {
        self.annotations = json;
        self
    }

    pub(crate) fn built_config(&self) -> Config {
        let diff_ids: Vec<_> = self
            .layers
            .iter()
            .map(|layer| format!("\"{}\"", layer.real_descriptor().digest()))
            .collect();
        let raw = format!(
            r#"{{ "architecture":"amd64","os":"linux", "vendor":{{"x":1}},"rootfs":{{"type":"layers","diff_ids":[{}]}},"config":{{}} }}"#,
            diff_ids.join(",")
        );
        Config::new(raw, MediaType::ImageConfig)
    }

    pub(crate) fn built_manifest(&self) -> Manifest {
        let config = self.built_config();
        let layers: Vec<_> = self
            .layers
            .iter()
            .map(|layer| descriptor_json(&layer.real_descriptor()))
            .collect();
        let raw = format!(
            r#"{{ "schemaVersion":2,"mediaType":"{}","config":{},"layers":[{}],"annotations":{},"vendor":true }}"#,
            self.media_type,
            descriptor_json(&config.descriptor()),
            layers.join(","),
            self.annotations
        );
        Manifest::new(raw, self.media_type.clone())
    }
}

impl Image for TestImage {
    fn media_type(&self) -> MediaType {
        self.media_type.clone()
    }
    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        Box::pin(async { Ok(self.manifest().await?.descriptor()) })
    }
    fn manifest(&self) -> BoxFuture<'_, Result<Manifest, Error>> {
        Box::pin(async {
            for layer in &self.layers {
                layer.descriptor().await?;
            }
            Ok(self.built_manifest())
        })
    }
    fn config(&self) -> BoxFuture<'_, Result<Config, Error>> {
        Box::pin(async { Ok(self.built_config()) })
    }
    fn layers(&self) -> BoxFuture<'_, Result<Vec<Arc<dyn Layer>>, Error>> {
        Box::pin(async {
            Ok(self
                .layers
                .iter()
                .map(|layer| Arc::clone(layer) as Arc<dyn Layer>)
                .collect())
        })
    }
}

/// An index of any children.
#[derive(Debug)]
pub(crate) struct TestIndex {
    pub(crate) children: Vec<(Descriptor, Child)>,
}

impl Index for TestIndex {
    fn media_type(&self) -> MediaType {
        MediaType::ImageIndex
    }
    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        Box::pin(async { Ok(self.manifest().await?.descriptor()) })
    }
    fn manifest(&self) -> BoxFuture<'_, Result<IndexManifest, Error>> {
        let children: Vec<_> = self
            .children
            .iter()
            .map(|(descriptor, _)| descriptor_json(descriptor))
            .collect();
        let raw = format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{}]}}"#,
            MediaType::ImageIndex,
            children.join(",")
        );
        Box::pin(async move { Ok(IndexManifest::new(raw, MediaType::ImageIndex)) })
    }
    fn child<'a>(&'a self, descriptor: &'a Descriptor) -> BoxFuture<'a, Result<Child, Error>> {
        Box::pin(async move {
            let found = self
                .children
                .iter()
                .find(|(child, _)| child.digest() == descriptor.digest());
            let (_, child) = found.ok_or_else(|| Error::NotFound {
                digest: descriptor.digest().clone(),
            })?;
            Ok(child.clone())
        })
    }
}

pub(crate) fn descriptor_json(descriptor: &Descriptor) -> String {
    format!(
        r#"{{"mediaType":"{}","size":{},"digest":"{}"}}"#,
        descriptor.media_type(),
        descriptor.size(),
        descriptor.digest()
    )
}

pub(crate) fn blob_path(layout: &Path, digest: &Digest) -> PathBuf {
    layout
        .join("blobs")
        .join(digest.algorithm().as_ref())
        .join(digest.digest())
}

/// All files below a directory, as relative paths, sorted.
pub(crate) fn files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(root).expect("below root").display().to_string());
            }
        }
    }
    found.sort();
    found
}
