//! OCI content: documents, layers, images and indexes, and the traits that link them.

#[cfg(feature = "conformance")]
pub mod conformance;
mod digest;
mod document;
pub mod empty;
mod error;
mod image;
mod index;
mod layer;
pub mod media_type;
pub mod partial;
mod platform;
pub mod random;
mod stream;

pub use digest::{Hasher, parse_digest, sha256};
pub use document::{Config, Document, DocumentKind, IndexManifest, Manifest, View};
pub use error::Error;
pub use image::{Image, ImageExt};
pub use index::{Child, Index, IndexExt};
pub use layer::{Layer, MountSource};
pub use oci_spec;
pub use platform::{ParsePlatformError, PlatformSpec};
pub use stream::{BlockingReader, ByteStream, Codec, Measure, Measured};
