//! Streams of a file's bytes.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::stream;
use wharf_v1::{ByteStream, Error};

/// Bytes that are read at once.
const PIECE: usize = 128 << 10;

/// The bytes of a part of a file.
///
/// What the system has in memory is read at once. Only what must come from the disk is read where it may
/// block; the system reads ahead by itself meanwhile.
pub(super) fn stream(file: File, range: Range<u64>) -> io::Result<ByteStream> {
    let reader = Reader {
        file,
        at: range.start,
        end: range.end,
        buffers: Buffers::default(),
    };
    let pieces = stream::try_unfold(reader, |mut reader| async {
        if reader.at >= reader.end {
            return Ok(None);
        }
        let piece = match reader.read_cached() {
            Some(piece) => piece,
            None => {
                let work = move || reader.read().map(|piece| (piece, reader));
                let read = tokio::task::spawn_blocking(work).await;
                let (piece, back) = read.map_err(io::Error::other)??;
                reader = back;
                piece
            }
        };
        Ok::<_, Error>(Some((piece, reader)))
    });
    Ok(ByteStream::new(pieces))
}

/// A part of a file that is still to be read.
struct Reader {
    file: File,
    at: u64,
    end: u64,
    buffers: Buffers,
}

impl Reader {
    /// A piece of at least one byte, wherever it comes from.
    fn read(&mut self) -> io::Result<Bytes> {
        let mut buffer = self.buffer();
        let mut file = &self.file;
        file.seek(SeekFrom::Start(self.at))?;
        let read = loop {
            match file.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(self.piece(buffer, read))
    }

    /// A piece of at least one byte, if that takes no waiting.
    #[cfg(target_os = "linux")]
    fn read_cached(&mut self) -> Option<Bytes> {
        use rustix::io::{ReadWriteFlags, preadv2};

        let mut buffer = self.buffer();
        let mut parts = [io::IoSliceMut::new(&mut buffer)];
        match preadv2(&self.file, &mut parts, self.at, ReadWriteFlags::NOWAIT) {
            Ok(read) if read > 0 => Some(self.piece(buffer, read)),
            // Whatever is wrong comes out when it is read in earnest.
            _ => {
                self.buffers.give_back(buffer);
                None
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn read_cached(&mut self) -> Option<Bytes> {
        None
    }

    fn buffer(&self) -> Box<[u8]> {
        let wanted = usize::try_from(self.end - self.at).map_or(PIECE, |left| left.min(PIECE));
        self.buffers.take(wanted)
    }

    fn piece(&mut self, buffer: Box<[u8]>, filled: usize) -> Bytes {
        self.at += filled as u64;
        Bytes::from_owner(Piece {
            buffer,
            filled,
            buffers: self.buffers.clone(),
        })
    }
}

/// Buffers that were read into before: memory that is in the processor's cache already.
#[derive(Clone, Default)]
struct Buffers(Arc<Mutex<Vec<Box<[u8]>>>>);

impl Buffers {
    fn take(&self, length: usize) -> Box<[u8]> {
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match spare {
            Some(buffer) if buffer.len() == length => buffer,
            _ => vec![0; length].into(),
        }
    }

    fn give_back(&self, buffer: Box<[u8]>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}

/// The filled part of a buffer, which goes back when nobody needs the bytes any more.
struct Piece {
    buffer: Box<[u8]>,
    filled: usize,
    buffers: Buffers,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.buffers.give_back(std::mem::take(&mut self.buffer));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[tokio::test]
    async fn every_range_reads_what_it_names() {
        let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        let (size, piece) = (bytes.len() as u64, PIECE as u64);
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&bytes).expect("room");
        for range in [
            0..size,
            0..0,
            size..size,
            5..6,
            piece - 1..piece + 1,
            piece..2 * piece,
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
