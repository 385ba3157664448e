//! Telling compressed content by its first bytes.

/// How content is compressed, as its first bytes tell. The media type is only a claim.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// Not compressed, or by nothing that layers use.
    None,
    /// gzip, [RFC 1952](https://www.rfc-editor.org/rfc/rfc1952).
    Gzip,
    /// Zstandard, [RFC 8878](https://www.rfc-editor.org/rfc/rfc8878).
    Zstd,
}

impl Codec {
    /// How many first bytes [`detect`](Self::detect) needs to see, if there are as many.
    pub const MAGIC_LEN: usize = 4;

    /// What `head`, the first bytes of some content, says about it.
    ///
    /// Content that begins with a skippable zstd frame, as parallel compressors write it, counts as
    /// zstd too.
    ///
    /// ```
    /// use wharf_v1::Codec;
    ///
    /// assert_eq!(Codec::detect(b"\x1f\x8b\x08\x00"), Codec::Gzip);
    /// assert_eq!(Codec::detect(b"\x28\xb5\x2f\xfd"), Codec::Zstd);
    /// assert_eq!(Codec::detect(b""), Codec::None);
    /// ```
    #[must_use]
    pub fn detect(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }

    /// The codec's name: `none`, `gzip` or `zstd`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

impl std::fmt::Display for Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(head: &[u8], want: Codec) {
        assert_eq!(Codec::detect(head), want, "{head:x?}");
    }

    #[test]
    fn magic() {
        check(b"", Codec::None);
        check(&[0x1f], Codec::None);
        check(&[0x00, 0x00, 0x00], Codec::None);
        check(&[0x1f, 0x8b], Codec::Gzip);
        check(&[0x1f, 0x8b, 0x1b], Codec::Gzip);
        check(&[0x28, 0xb5, 0x2f], Codec::None);
        check(&[0x28, 0xb5, 0x2f, 0xfd, 0x1b], Codec::Zstd);
        check(&[0x50, 0x2a, 0x4d, 0x18], Codec::Zstd);
        check(&[0x5f, 0x2a, 0x4d, 0x18], Codec::Zstd);
        check(&[0x60, 0x2a, 0x4d, 0x18], Codec::None);
    }
}
