//! Layers of any content: nothing outside the directory changes, and what comes out is within it.
#![no_main]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, LazyLock};

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use libfuzzer_sys::fuzz_target;
use oci_spec::image::{Descriptor, MediaType};
use tokio::runtime::{Builder, Runtime};
use wharf_extract::{ExtractOptions, UnpackOptions, extract, unpack};
use wharf_v1::partial::StaticLayer;
use wharf_v1::{Config, Error, Image, Layer, Manifest};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().build().expect("a runtime"));

/// Parts of names, by which most of what may go wrong can be said.
const PARTS: [&str; 16] = [
    "a",
    "b",
    "c",
    "..",
    ".",
    "",
    "sentinel",
    "root",
    ".wh.a",
    ".wh.b",
    ".wh..wh..opq",
    ".wh.",
    "C:",
    "\\",
    "a:b",
    "..foo",
];
const KINDS: &[u8] = b"0123567LKxS\0";

#[derive(Debug)]
struct Stack(Vec<Arc<dyn Layer>>);

impl Image for Stack {
    fn media_type(&self) -> MediaType {
        MediaType::ImageManifest
    }
    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        Box::pin(async { Err(Error::NotComputed) })
    }
    fn manifest(&self) -> BoxFuture<'_, Result<Manifest, Error>> {
        Box::pin(async { Err(Error::NotComputed) })
    }
    fn config(&self) -> BoxFuture<'_, Result<Config, Error>> {
        Box::pin(async { Err(Error::NotComputed) })
    }
    fn layers(&self) -> BoxFuture<'_, Result<Vec<Arc<dyn Layer>>, Error>> {
        Box::pin(async { Ok(self.0.clone()) })
    }
}

/// Makes layers of instructions: a byte for the type, one for the lengths, then parts of names and content.
fn layers(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut layers = vec![Vec::new()];
    let mut bytes = bytes.iter().copied();
    while let Some(kind) = bytes.next() {
        if kind == 0xff && layers.len() < 4 {
            layers.push(Vec::new());
            continue;
        }
        let Some(lengths) = bytes.next() else { break };
        let mut name = |parts: u8| {
            let parts: Vec<_> = bytes
                .by_ref()
                .take(parts.into())
                .map(|part| PARTS[usize::from(part) % 16])
                .collect();
            parts.join("/")
        };
        let (path, link) = (name(1 + lengths % 4), name((lengths >> 2) % 4));
        let content: Vec<u8> = bytes.by_ref().take(usize::from(lengths >> 4)).collect();
        let kind = KINDS[usize::from(kind) % KINDS.len()];
        let mut header = tar::Header::new_gnu();
        let old = header.as_old_mut();
        for (field, text) in [(&mut old.name, &path), (&mut old.linkname, &link)] {
            let length = text.len().min(field.len());
            field[..length].copy_from_slice(&text.as_bytes()[..length]);
        }
        header.set_mode(0o644 | u32::from(lengths) << 4);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(lengths.into());
        header.set_size(content.len() as u64);
        header.as_mut_bytes()[156] = kind;
        header.set_cksum();
        let layer = layers.last_mut().expect("there is one");
        layer.extend(header.as_bytes());
        layer.extend(&content);
        layer.resize(layer.len().next_multiple_of(512), 0);
    }
    layers
}

/// The bytes themselves as a layer, each block with a checksum that is right.
fn raw(bytes: &[u8]) -> Vec<u8> {
    let mut layer = bytes.to_vec();
    for block in layer.chunks_exact_mut(512) {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    layer
}

fuzz_target!(|bytes: &[u8]| {
    let Some((form, bytes)) = bytes.split_first() else {
        return;
    };
    let layers = if form % 4 == 0 {
        vec![raw(bytes)]
    } else {
        layers(bytes)
    };
    let layers = layers
        .into_iter()
        .map(|layer| -> Arc<dyn Layer> { Arc::new(StaticLayer::new(layer, MediaType::ImageLayer)) });
    let image: Arc<dyn Image> = Arc::new(Stack(layers.collect()));
    let limits = ExtractOptions::new()
        .with_max_bytes(1 << 20)
        .with_max_entries(1000);

    let outside = tempfile::tempdir().expect("a directory");
    let sentinel = outside.path().join("sentinel");
    fs::write(&sentinel, "untouched").expect("written");
    let before = fs::metadata(&sentinel).expect("there");
    RUNTIME.block_on(async {
        let mut tar = Vec::new();
        let mut stream = extract(Arc::clone(&image), &limits);
        let mut failed = false;
        while let Some(chunk) = stream.next().await {
            match chunk {
                Ok(chunk) => tar.extend(chunk),
                Err(_) => failed = true,
            }
        }
        if !failed {
            for entry in tar::Archive::new(&tar[..]).entries().expect("fresh") {
                let entry = entry.expect("what is written whole is valid");
                let path = entry.path_bytes();
                assert!(
                    !path.starts_with(b"/") && path.split(|byte| *byte == b'/').all(|part| part != b"..")
                );
            }
        }
        let options = UnpackOptions::new().with_extract(limits);
        let _ = unpack(image, outside.path().join("root"), &options).await;
    });
    let after = fs::metadata(&sentinel).expect("still there");
    let state = |metadata: &fs::Metadata| {
        (
            metadata.mode(),
            metadata.nlink(),
            metadata.mtime_nsec(),
            metadata.ino(),
        )
    };
    assert_eq!(state(&before), state(&after));
    assert_eq!(fs::read(&sentinel).expect("readable"), b"untouched");
    for entry in fs::read_dir(outside.path()).expect("readable") {
        let name = entry.expect("readable").file_name();
        assert!(name == "sentinel" || name == "root", "{name:?}");
    }
});
