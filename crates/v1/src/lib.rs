//! OCI content: documents, layers, images and indexes, and the traits that link them.

mod digest;
mod document;
mod error;
mod image;
mod index;
mod layer;
mod stream;

pub use digest::{Hasher, sha256};
pub use document::{Config, Document, DocumentKind, IndexManifest, Manifest, View};
pub use error::Error;
pub use image::{Image, ImageExt};
pub use index::{Child, Index, IndexExt};
pub use layer::{Layer, MountSource};
pub use oci_spec;
pub use stream::ByteStream;
