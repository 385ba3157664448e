//! Archives that are compressed as a whole.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::PathBuf;

use futures_util::TryStreamExt as _;
use wharf_v1::{ByteStream, Codec, DecompressLimits};

use crate::Error;
use crate::blocking::blocking;

/// How many bytes a compressed archive may unpack to, unless the caller says otherwise: 64 GiB.
pub const UNPACKED_LIMIT: u64 = 64 << 30;

/// How far a compressed archive may swell, unless the caller says otherwise: to [`UNPACKED_LIMIT`], at any
/// ratio.
#[must_use]
pub fn unpacked_limits() -> DecompressLimits {
    DecompressLimits::default().with_max_bytes(UNPACKED_LIMIT)
}

/// Opens an archive as a file that can be sought in: itself, or what it unpacks to in a temporary file
/// without a name, which is gone when nobody reads it any more.
pub(crate) async fn open(path: PathBuf, limits: DecompressLimits) -> Result<File, Error> {
    let (file, codec) = blocking(move || {
        let mut file = File::open(&path).map_err(|error| Error::io("open", &path, error))?;
        let mut head = Vec::with_capacity(Codec::MAGIC_LEN);
        (&mut file)
            .take(Codec::MAGIC_LEN as u64)
            .read_to_end(&mut head)
            .and_then(|_| file.rewind())
            .map_err(|error| Error::io("read", &path, error))?;
        Ok((file, Codec::detect(&head)))
    })
    .await?;
    if codec == Codec::None {
        return Ok(file);
    }
    let failed = |source| Error::Unpack {
        codec,
        source: Box::new(source),
    };
    let mut unpacked = ByteStream::from_blocking_read(file).decompressed_within(limits);
    let mut spool = blocking(|| tempfile::tempfile().map_err(|source| Error::Write { source })).await?;
    while let Some(chunk) = unpacked.try_next().await.map_err(failed)? {
        spool = blocking(move || {
            spool
                .write_all(&chunk)
                .map_err(|source| Error::Write { source })?;
            Ok(spool)
        })
        .await?;
    }
    Ok(spool)
}
