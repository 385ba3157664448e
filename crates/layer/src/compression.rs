//! How a layer that comes uncompressed is stored.

use wharf_v1::Codec;

/// How a layer that comes uncompressed is stored. Content that comes compressed is kept as it is.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compression {
    /// As it comes.
    None,
    /// gzip. The same content and level give the same bytes, on every machine and in every run of one
    /// version of wharf: the header has neither a time nor a name.
    Gzip {
        /// From 1, the fastest, to 9, the smallest; about as large as `gzip` makes it at this level.
        /// 1 is an encoder of our own that is several times as fast as `gzip -1`.
        level: u32,
    },
    /// Zstandard, in one frame.
    Zstd {
        /// From 1, the fastest, to 22, the smallest.
        level: i32,
    },
}

impl Compression {
    /// gzip at level 1, the level that registries' other clients push with.
    #[must_use]
    pub fn gzip() -> Self {
        Self::Gzip { level: 1 }
    }

    /// zstd at level 3, its own default.
    #[must_use]
    pub fn zstd() -> Self {
        Self::Zstd { level: 3 }
    }

    /// What content is stored with that is to begin as this codec's does: its default level.
    #[must_use]
    pub fn of(codec: Codec) -> Self {
        match codec {
            Codec::None => Self::None,
            Codec::Zstd => Self::zstd(),
            _ => Self::gzip(),
        }
    }

    /// What content that is stored so begins with.
    #[must_use]
    pub fn codec(self) -> Codec {
        match self {
            Self::None => Codec::None,
            Self::Gzip { .. } => Codec::Gzip,
            Self::Zstd { .. } => Codec::Zstd,
        }
    }
}

impl Default for Compression {
    /// gzip at level 1.
    fn default() -> Self {
        Self::gzip()
    }
}
