//! Bits, packed from the lowest up, as deflate wants them.

/// Bytes that are made room for at a time.
const ROOM: usize = 64 * 1024;

/// A writer of bits. At most 56 may be put between two calls of [`flush`](Self::flush).
#[derive(Debug, Default)]
pub(super) struct Bits {
    out: Vec<u8>,
    /// Whole bytes of `out` that are written; those after it are room.
    written: usize,
    held: u64,
    count: u32,
}

impl Bits {
    #[inline]
    pub(super) fn put(&mut self, value: u64, count: u32) {
        self.held |= value << self.count;
        self.count += count;
    }

    /// Writes whole bytes out, so that less than 8 bits are held.
    #[inline]
    pub(super) fn flush(&mut self) {
        if self.out.len() < self.written + 8 {
            self.out.resize(self.out.len() + ROOM, 0);
        }
        if let Some(room) = self.out[self.written..].first_chunk_mut() {
            *room = self.held.to_le_bytes();
        }
        let whole = self.count & !7;
        self.written += (whole / 8) as usize;
        self.held >>= whole;
        self.count -= whole;
    }

    /// Goes on at a whole byte.
    pub(super) fn align(&mut self) {
        self.count = self.count.next_multiple_of(8);
        self.flush();
    }

    /// Appends bytes, at a whole byte.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.out.truncate(self.written);
        self.out.extend_from_slice(bytes);
        self.written = self.out.len();
    }

    /// All that was put, up to a whole byte.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.align();
        let mut out = std::mem::take(&mut self.out);
        out.truncate(std::mem::take(&mut self.written));
        out
    }
}
