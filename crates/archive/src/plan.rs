//! What goes into an archive, and where: known before the first blob is opened.

use std::sync::Arc;

use bytes::Bytes;
use oci_spec::image::Digest;
use wharf_layer::header::{BLOCK, padding, regular_file};
use wharf_v1::Layer;

/// The mode of every entry.
const MODE: u32 = 0o644;

/// Bytes that end an archive.
pub(crate) const TRAILER: usize = 2 * BLOCK;

/// All entries of an archive, in order.
#[derive(Debug)]
pub struct Plan {
    pub(crate) entries: Vec<Entry>,
}

impl Plan {
    /// An archive of these files, in this order.
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        Self {
            entries: entries.into_iter().collect(),
        }
    }

    /// Bytes in the whole archive.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.entries.iter().map(Entry::space).sum::<u64>() + TRAILER as u64
    }
}

/// One file in an archive: mode 0644, owner 0, time 0.
#[derive(Debug)]
pub struct Entry {
    /// The blocks before the content.
    pub(crate) header: Bytes,
    /// Bytes of content, without padding.
    pub(crate) size: u64,
    pub(crate) content: Content,
}

/// What is in a file.
#[derive(Debug)]
pub(crate) enum Content {
    Bytes(Bytes),
    Layer {
        layer: Arc<dyn Layer>,
        form: Form,
        /// To name it by where it cannot be read.
        digest: Digest,
    },
}

/// Which bytes of a layer are written.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As they are stored.
    Stored,
    /// Uncompressed.
    Uncompressed,
}

impl Entry {
    /// A file of bytes that are at hand.
    pub fn bytes(name: &str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::new(name, bytes.len() as u64, Content::Bytes(bytes))
    }

    /// A file of a layer's bytes. `size` is the number of bytes in that form, and `digest` the layer's
    /// as stored. Writing fails when they are more or fewer.
    pub fn layer(name: &str, layer: Arc<dyn Layer>, form: Form, digest: Digest, size: u64) -> Self {
        Self::new(name, size, Content::Layer { layer, form, digest })
    }

    fn new(name: &str, size: u64, content: Content) -> Self {
        Self {
            header: regular_file(name, MODE, size).into(),
            size,
            content,
        }
    }

    /// Bytes that the entry takes up.
    pub(crate) fn space(&self) -> u64 {
        self.header.len() as u64 + self.size + padding(self.size) as u64
    }
}
