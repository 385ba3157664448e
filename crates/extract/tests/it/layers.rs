//! Layers and images that tests put together, and what comes out of them.

use std::sync::Arc;

use futures_util::StreamExt as _;
use wharf_extract::{ExtractOptions, extract};
use wharf_v1::oci_spec::image::{Descriptor, MediaType};
use wharf_v1::partial::StaticLayer;
use wharf_v1::{Config, Error, Image, Layer, Manifest};

/// An image that only has layers.
#[derive(Debug)]
pub(crate) struct Stack(pub(crate) Vec<Arc<dyn Layer>>);

type Boxed<'a, T> = std::pin::Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

impl Image for Stack {
    fn media_type(&self) -> MediaType {
        MediaType::ImageManifest
    }
    fn descriptor(&self) -> Boxed<'_, Descriptor> {
        Box::pin(async { Err(Error::NotComputed) })
    }
    fn manifest(&self) -> Boxed<'_, Manifest> {
        Box::pin(async { Err(Error::NotComputed) })
    }
    fn config(&self) -> Boxed<'_, Config> {
        Box::pin(async { Err(Error::NotComputed) })
    }
    fn layers(&self) -> Boxed<'_, Vec<Arc<dyn Layer>>> {
        Box::pin(async { Ok(self.0.clone()) })
    }
}

/// Entries of a layer, added one by one.
#[derive(Default)]
pub(crate) struct Tar(Vec<u8>);

impl Tar {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn file(self, name: &str, content: &str) -> Self {
        self.entry(b'0', name, "", 0o644, content.as_bytes())
    }

    pub(crate) fn mark(self, name: &str) -> Self {
        self.file(name, "")
    }

    pub(crate) fn dir(self, name: &str, mode: u32) -> Self {
        self.entry(b'5', name, "", mode, b"")
    }

    pub(crate) fn link(self, name: &str, target: &str) -> Self {
        self.entry(b'1', name, target, 0o644, b"")
    }

    pub(crate) fn symlink(self, name: &str, target: &str) -> Self {
        self.entry(b'2', name, target, 0o777, b"")
    }

    /// An entry of any type, whatever its name.
    pub(crate) fn entry(self, kind: u8, name: &str, link: &str, mode: u32, content: &[u8]) -> Self {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(content.len() as u64);
        if kind != b'x' {
            header.set_device_major(0).expect("ustar");
            header.set_device_minor(0).expect("ustar");
        }
        header.as_mut_bytes()[156] = kind;
        seal(&mut header);
        self.raw(header.as_bytes()).raw(content).pad()
    }

    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    pub(crate) fn pad(mut self) -> Self {
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        self.raw(&[0; 1024]).0
    }

    /// The bytes without an end mark.
    pub(crate) fn unfinished(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn layer(self) -> Arc<dyn Layer> {
        Arc::new(StaticLayer::new(self.bytes(), MediaType::ImageLayer))
    }
}

/// Sets the checksum as Go writes it: six digits, a zero and a blank.
pub(crate) fn seal(header: &mut tar::Header) {
    header.set_cksum();
    let sum = header.cksum().expect("set just now");
    header
        .as_old_mut()
        .cksum
        .copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

pub(crate) fn stack(layers: impl IntoIterator<Item = Tar>) -> Stack {
    Stack(layers.into_iter().map(Tar::layer).collect())
}

/// What comes out of an image, and how it ends.
pub(crate) async fn run(image: Stack, options: &ExtractOptions) -> (Vec<u8>, Result<(), Error>) {
    let mut stream = extract(Arc::new(image), options);
    let mut tar = Vec::new();
    while let Some(chunk) = stream.next().await {
        match chunk {
            Ok(chunk) => tar.extend(chunk),
            Err(error) => return (tar, Err(error)),
        }
    }
    (tar, Ok(()))
}

pub(crate) async fn merged(layers: impl IntoIterator<Item = Tar>) -> Vec<u8> {
    let (tar, end) = run(stack(layers), &ExtractOptions::new()).await;
    end.expect("a good image");
    tar
}

/// An archive's entries as text, as the `tar` crate reads them: `d name`, `name=content`, `name->target`,
/// `name=>target` for hard links, `name:X` for others.
pub(crate) fn listing(tar: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(tar);
    let describe = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.expect("valid");
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).expect("whole");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let name = text(&entry.path_bytes());
        let target = entry
            .link_name_bytes()
            .map(|target| text(&target))
            .unwrap_or_default();
        match entry.header().entry_type() {
            tar::EntryType::Directory => format!("d {name}"),
            tar::EntryType::Regular => format!("{name}={}", text(&content)),
            tar::EntryType::Symlink => format!("{name}->{target}"),
            tar::EntryType::Link => format!("{name}=>{target}"),
            other => format!("{name}:{}", other.as_byte() as char),
        }
    };
    archive.entries().expect("fresh").map(describe).collect()
}
