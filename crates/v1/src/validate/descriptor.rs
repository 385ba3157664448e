//! Checks of descriptors.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci_spec::image::{Descriptor, Digest};

use super::report::{Check, Notes};
use crate::{Error, Hasher};

/// What one says of the content is what the other one says.
pub(super) fn agree(want: &Descriptor, got: &Descriptor, notes: &mut Notes) {
    notes.equal(Check::Digest, want.digest(), got.digest());
    notes.equal(Check::Size, &want.size(), &got.size());
    notes.equal(Check::MediaType, want.media_type(), got.media_type());
}

/// Bytes in memory are what the descriptor says.
pub(super) fn describes(descriptor: &Descriptor, bytes: &[u8], notes: &mut Notes) {
    if let Some(digest) = notes.take(Check::Digest, digest_like(descriptor.digest(), bytes)) {
        notes.equal(Check::Digest, descriptor.digest(), &digest);
    }
    notes.equal(Check::Size, &descriptor.size(), &(bytes.len() as u64));
}

/// What is inlined is what is described.
pub(super) fn data(descriptor: &Descriptor, notes: &mut Notes) {
    let Some(data) = descriptor.data() else { return };
    let bytes = match STANDARD.decode(data) {
        Ok(bytes) => bytes,
        Err(error) => return notes.wrong(Check::Data, error),
    };
    if bytes.len() as u64 != descriptor.size() {
        notes.mismatch(
            Check::Data,
            format_args!("{} bytes", descriptor.size()),
            format_args!("{} bytes", bytes.len()),
        );
    } else if let Some(digest) = notes.take(Check::Digest, digest_like(descriptor.digest(), &bytes)) {
        notes.equal(Check::Data, descriptor.digest(), &digest);
    }
}

pub(super) fn digest_like(like: &Digest, bytes: &[u8]) -> Result<Digest, Error> {
    let mut hasher = Hasher::new(like.algorithm())?;
    hasher.update(bytes);
    Ok(hasher.finish())
}
