//! The bytes of blobs, shared by all repositories and dropped with the last one.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use oci_spec::image::Digest;
use wharf_v1::ByteStream;

use crate::store::Error;

/// The bytes of a blob, as the batches in which they came. Never empty batches.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) pieces: Arc<Vec<Bytes>>,
    pub(super) size: u64,
}

/// All content, and how much there may be.
#[derive(Debug)]
pub(super) struct Contents {
    blobs: HashMap<Digest, Blob>,
    used: u64,
    capacity: u64,
}

#[derive(Debug)]
struct Blob {
    content: Content,
    links: usize,
}

impl Default for Contents {
    fn default() -> Self {
        Self::with_capacity(u64::MAX)
    }
}

impl Contents {
    pub(super) fn with_capacity(capacity: u64) -> Self {
        Self {
            blobs: HashMap::new(),
            used: 0,
            capacity,
        }
    }

    /// Bytes held: blobs, manifests and uploads.
    pub(super) fn used(&self) -> u64 {
        self.used
    }

    /// Takes room for `size` bytes.
    pub(super) fn reserve(&mut self, size: u64) -> Result<(), Error> {
        let used = self.used.saturating_add(size);
        if used > self.capacity {
            return Err(io::Error::from(io::ErrorKind::StorageFull).into());
        }
        self.used = used;
        Ok(())
    }

    /// Gives back room that was reserved.
    pub(super) fn release(&mut self, size: u64) {
        self.used = self.used.saturating_sub(size);
    }

    pub(super) fn size(&self, digest: &Digest) -> Option<u64> {
        self.blobs.get(digest).map(|blob| blob.content.size)
    }

    /// Adds content, for which room was reserved, without a link to it.
    pub(super) fn insert(&mut self, digest: &Digest, content: Content) {
        let size = content.size;
        if self.blobs.contains_key(digest) {
            self.release(size);
        } else {
            self.blobs.insert(digest.clone(), Blob { content, links: 0 });
        }
    }

    /// Counts one more repository that has the blob.
    pub(super) fn link(&mut self, digest: &Digest) {
        if let Some(blob) = self.blobs.get_mut(digest) {
            blob.links += 1;
        }
    }

    /// Counts one repository less, and drops the blob after the last.
    pub(super) fn unlink(&mut self, digest: &Digest) {
        let Some(blob) = self.blobs.get_mut(digest) else {
            return;
        };
        blob.links = blob.links.saturating_sub(1);
        if blob.links == 0 {
            let size = blob.content.size;
            self.blobs.remove(digest);
            self.release(size);
        }
    }

    /// A part of a blob, which goes on to exist for the reader even when it is deleted.
    pub(super) fn read(&self, digest: &Digest, range: Range<u64>) -> ByteStream {
        let content = self
            .blobs
            .get(digest)
            .map(|blob| blob.content.clone())
            .unwrap_or_default();
        ByteStream::new(futures_util::stream::iter(
            slices(&content, range).into_iter().map(Ok),
        ))
    }
}

/// The pieces that a range touches, cut to it.
fn slices(content: &Content, range: Range<u64>) -> Vec<Bytes> {
    let mut at = 0;
    let mut slices = Vec::new();
    for piece in content.pieces.iter() {
        let end = at + piece.len() as u64;
        let (from, to) = (range.start.max(at), range.end.min(end));
        if from < to {
            let local = |offset: u64| usize::try_from(offset - at).expect("an offset into this piece");
            slices.push(piece.slice(local(from)..local(to)));
        }
        at = end;
    }
    slices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_what_the_range_says() {
        let pieces = ["abc", "d", "efgh"].map(Bytes::from).to_vec();
        let content = Content {
            pieces: Arc::new(pieces),
            size: 8,
        };
        for start in 0..=8_u64 {
            for end in start..=8 {
                let got: Vec<u8> = slices(&content, start..end).concat();
                let want = &b"abcdefgh"[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()];
                assert_eq!(got, want, "{start}..{end}");
            }
        }
    }
}
