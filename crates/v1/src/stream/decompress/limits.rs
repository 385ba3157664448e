//! How far content may swell.

use crate::Error;

/// Bytes that may come out before the ratio counts: a short run of zeros is no attack.
const RATIO_FREE: u64 = 16 << 20;

/// How far compressed content may swell, for content from whom one need not trust.
///
/// Decompression itself takes bounded memory whatever comes. What these limits spare is the time, and
/// the disk that the result is written to.
///
/// ```
/// use wharf_v1::{ByteStream, DecompressLimits, Error};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let limits = DecompressLimits::default().with_max_bytes(4);
/// let stream = ByteStream::from_bytes("plain").decompressed_within(limits);
/// assert!(matches!(stream.collect(100).await, Err(Error::TooLarge { limit: 4 })));
/// # }
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecompressLimits {
    /// Most uncompressed bytes. Default: `None`, any number.
    pub max_bytes: Option<u64>,
    /// Most uncompressed bytes for each compressed one, counted once 16 MiB have come out. gzip cannot
    /// do more than 1032, and layers of mostly zeros come near it. Default: `None`, any ratio.
    pub max_ratio: Option<u64>,
    /// Largest window of a zstd frame, in bytes, which is memory that the frame makes us use; rounded
    /// down to a power of two. Default: 128 MiB, the reference decoder's own limit.
    pub max_window: u64,
}

impl DecompressLimits {
    /// Sets the most uncompressed bytes.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Sets the most uncompressed bytes for each compressed one.
    #[must_use]
    pub fn with_max_ratio(mut self, ratio: u64) -> Self {
        self.max_ratio = Some(ratio);
        self
    }

    /// Sets the largest window of a zstd frame, in bytes.
    #[must_use]
    pub fn with_max_window(mut self, bytes: u64) -> Self {
        self.max_window = bytes;
        self
    }

    /// Whether this much uncompressed content may have come of this much compressed content.
    ///
    /// # Errors
    /// [`Error::TooLarge`] or [`Error::Swells`] when it is too much.
    pub fn check(&self, compressed: u64, uncompressed: u64) -> Result<(), Error> {
        if let Some(limit) = self.max_bytes
            && uncompressed > limit
        {
            return Err(Error::TooLarge { limit });
        }
        match self.max_ratio {
            Some(ratio) if uncompressed > RATIO_FREE && uncompressed > compressed.saturating_mul(ratio) => {
                Err(Error::Swells { ratio })
            }
            _ => Ok(()),
        }
    }

    /// The largest window as the power of two that decoders want, within what they know.
    #[must_use]
    pub fn window_log(&self) -> u32 {
        self.max_window.checked_ilog2().unwrap_or(0).clamp(10, 31)
    }
}

impl Default for DecompressLimits {
    fn default() -> Self {
        Self {
            max_bytes: None,
            max_ratio: None,
            max_window: 128 << 20,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(limits: DecompressLimits, compressed: u64, uncompressed: u64, fits: bool) {
        assert_eq!(limits.check(compressed, uncompressed).is_ok(), fits);
    }

    #[test]
    fn amounts() {
        let free = DecompressLimits::default();
        check(free, 1, u64::MAX, true);
        let bytes = free.with_max_bytes(10);
        check(bytes, 1, 10, true);
        check(bytes, 100, 11, false);
        let ratio = free.with_max_ratio(100);
        check(ratio, 1, RATIO_FREE, true);
        check(ratio, 1, RATIO_FREE + 1, false);
        check(ratio, 1 << 20, 100 << 20, true);
        check(ratio, 1 << 20, (100 << 20) + 1, false);
        check(ratio, u64::MAX, u64::MAX, true);
    }

    #[test]
    fn windows() {
        for (bytes, log) in [
            (0, 10),
            (8 << 20, 23),
            ((8 << 20) + 1, 23),
            (128 << 20, 27),
            (u64::MAX, 31),
        ] {
            assert_eq!(
                DecompressLimits::default().with_max_window(bytes).window_log(),
                log
            );
        }
    }
}
