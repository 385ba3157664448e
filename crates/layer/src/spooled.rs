//! A layer that was made here.

use std::fmt;
use std::fs::File;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, Digest, MediaType};
use wharf_v1::{ByteStream, Error, Layer};

use crate::FileRange;

/// A layer whose bytes, digest, diff_id and size are known. Cheap to clone.
///
/// Its bytes are in a temporary file without a name, which the system removes when the last clone and
/// the last stream are dropped; or, where the input was a file that is stored as it is, in that file.
#[derive(Clone)]
pub struct SpooledLayer {
    descriptor: Descriptor,
    diff_id: Digest,
    blob: Blob,
}

/// Where the stored bytes are.
#[derive(Clone)]
pub(crate) enum Blob {
    /// In a file that only we know.
    Spool(Arc<File>),
    /// In the user's file, which may change under us.
    Original(Arc<File>),
}

impl SpooledLayer {
    pub(crate) fn new(descriptor: Descriptor, diff_id: Digest, blob: Blob) -> Self {
        Self {
            descriptor,
            diff_id,
            blob,
        }
    }

    /// Media type, digest and size of the bytes as stored.
    #[must_use]
    pub fn as_descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The digest of the uncompressed bytes.
    #[must_use]
    pub fn as_diff_id(&self) -> &Digest {
        &self.diff_id
    }

    fn open(&self) -> Result<ByteStream, Error> {
        let stream =
            |file: &Arc<File>| ByteStream::from_blocking_read(FileRange::new(Arc::clone(file), 0, u64::MAX));
        match &self.blob {
            // Hashed on its way there, and out of anybody's reach since.
            Blob::Spool(file) => Ok(stream(file)),
            Blob::Original(file) => stream(file).verified(&self.descriptor),
        }
    }
}

impl Layer for SpooledLayer {
    fn media_type(&self) -> MediaType {
        self.descriptor.media_type().clone()
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
        Box::pin(async { Ok(self.descriptor.clone()) })
    }

    fn diff_id(&self) -> BoxFuture<'_, Result<Digest, Error>> {
        Box::pin(async { Ok(self.diff_id.clone()) })
    }

    fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async { self.open() })
    }

    fn uncompressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
        Box::pin(async { Ok(self.open()?.decompressed()) })
    }
}

impl fmt::Debug for SpooledLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpooledLayer")
            .field("digest", &self.descriptor.digest().to_string())
            .field("diff_id", &self.diff_id.to_string())
            .field("size", &self.descriptor.size())
            .finish_non_exhaustive()
    }
}
