//! The digest of what is on disk.

use std::io::Read;

use oci_spec::image::{Digest, DigestAlgorithm};
use wharf_v1::Hasher;

use crate::Error;

/// Bytes that are hashed at a time.
const CHUNK: usize = 128 * 1024;

/// The digest of all that `content` reads, by an algorithm.
pub(crate) fn digest_of(mut content: impl Read, algorithm: &DigestAlgorithm) -> Result<Digest, Error> {
    let mut hasher = Hasher::new(algorithm)?;
    let mut chunk = vec![0; CHUNK];
    loop {
        match content.read(&mut chunk) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(read) => hasher.update(&chunk[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(wharf_v1::Error::from(error).into()),
        }
    }
}
