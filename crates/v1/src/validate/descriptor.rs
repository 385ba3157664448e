//! Checks of descriptors.

use oci_spec::image::{Descriptor, Digest};

use super::report::{Check, Notes, chain};
use crate::{DescriptorExt as _, Error, Hasher};

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
    match descriptor.inlined() {
        Ok(_) => {}
        Err(Error::SizeMismatch { got, want }) => notes.mismatch(
            Check::Data,
            format_args!("{want} bytes"),
            format_args!("{got} bytes"),
        ),
        Err(Error::DigestMismatch { got, want, .. }) => notes.mismatch(Check::Data, want, got),
        Err(error) => notes.wrong(Check::Data, chain(&error)),
    }
}

pub(super) fn digest_like(like: &Digest, bytes: &[u8]) -> Result<Digest, Error> {
    let mut hasher = Hasher::new(like.algorithm())?;
    hasher.update(bytes);
    Ok(hasher.finish())
}
