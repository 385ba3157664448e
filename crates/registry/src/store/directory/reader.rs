//! Streams of a file's bytes.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;

use bytes::Bytes;
use futures_util::stream;
use tokio::task::JoinHandle;
use wharf_v1::{ByteStream, Error};

/// Bytes that are read at once. One such piece is read ahead of the client.
const PIECE: u64 = 256 << 10;

/// A file, read from its current position to an end.
struct Reader {
    file: File,
    left: u64,
}

/// The bytes of a part of a file. Reading happens where it may block.
pub(super) fn stream(mut file: File, range: Range<u64>) -> io::Result<ByteStream> {
    file.seek(SeekFrom::Start(range.start))?;
    let reader = Reader {
        file,
        left: range.end.saturating_sub(range.start),
    };
    let pieces = stream::try_unfold(Next::Start(reader), |next| async {
        let (piece, reader) = match next {
            Next::Start(reader) if reader.left == 0 => return Ok(None),
            Next::Start(reader) => join(reader.start()).await?,
            Next::Reading(reading) => join(reading).await?,
        };
        let next = if reader.left > 0 {
            Next::Reading(reader.start())
        } else {
            Next::Start(reader)
        };
        Ok(Some((piece, next)))
    });
    Ok(ByteStream::new(pieces))
}

enum Next {
    Start(Reader),
    Reading(JoinHandle<io::Result<(Bytes, Reader)>>),
}

impl Reader {
    fn start(mut self) -> JoinHandle<io::Result<(Bytes, Self)>> {
        tokio::task::spawn_blocking(move || {
            let wanted = self.left.min(PIECE);
            let mut piece = Vec::with_capacity(usize::try_from(wanted).unwrap_or(0));
            let read = (&self.file).take(wanted).read_to_end(&mut piece)? as u64;
            if read < wanted {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.left -= read;
            Ok((piece.into(), self))
        })
    }
}

async fn join(reading: JoinHandle<io::Result<(Bytes, Reader)>>) -> Result<(Bytes, Reader), Error> {
    Ok(reading.await.map_err(io::Error::other)??)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[tokio::test]
    async fn every_range_reads_what_it_names() {
        let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        let size = bytes.len() as u64;
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&bytes).expect("room");
        for range in [
            0..size,
            0..0,
            size..size,
            5..6,
            PIECE - 1..PIECE + 1,
            PIECE..2 * PIECE,
            7..size - 7,
        ] {
            let part = stream(file.try_clone().expect("a handle"), range.clone()).expect("a stream");
            let got = part.collect(size).await.expect("all bytes");
            let (start, end) = (
                usize::try_from(range.start).unwrap_or(0),
                usize::try_from(range.end).unwrap_or(0),
            );
            assert!(got == bytes[start..end], "{range:?}");
        }
    }

    #[tokio::test]
    async fn a_file_that_is_too_short_is_an_error() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"foo").expect("room");
        let part = stream(file, 0..4).expect("a stream");
        assert!(part.collect(10).await.is_err());
    }
}
