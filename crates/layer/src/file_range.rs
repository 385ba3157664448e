//! Part of an open file.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

/// Reads a part of an open file at its own position, so that any number of them read one file at once,
/// also after it has lost its name.
#[derive(Clone, Debug)]
pub struct FileRange {
    file: Arc<File>,
    position: u64,
    end: u64,
}

impl FileRange {
    /// The `size` bytes of `file` from `start` on. Reading stops earlier where the file ends.
    #[must_use]
    pub fn new(file: Arc<File>, start: u64, size: u64) -> Self {
        Self {
            file,
            position: start,
            end: start.saturating_add(size),
        }
    }
}

impl Read for FileRange {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
        let want = buf.len().min(left);
        let read = read_at(&self.file, &mut buf[..want], self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buf, offset)
}

#[cfg(windows)]
fn read_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buf, offset)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[track_caller]
    fn check(start: u64, size: u64, want: &str) {
        let mut file = tempfile::tempfile().expect("temp file");
        file.write_all(b"0123456789").expect("write");
        let mut read = String::new();
        FileRange::new(Arc::new(file), start, size)
            .read_to_string(&mut read)
            .expect("read");
        assert_eq!(read, want);
    }

    #[test]
    fn ranges() {
        check(0, 10, "0123456789");
        check(3, 4, "3456");
        check(3, 0, "");
        check(8, 100, "89");
        check(100, 100, "");
        check(1, u64::MAX, "123456789");
    }
}
