//! What is pushed and pulled: noise, with its digests, on disk.

use std::fs;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::image::Random;

/// A blob in a file.
pub(super) struct Blob {
    pub(super) path: PathBuf,
    pub(super) digest: String,
    pub(super) size: u64,
}

/// Makes blobs of these sizes in bytes, in a new folder.
pub(super) fn make(folder: &Path, sizes: &[u64], seed: u64) -> io::Result<Vec<Blob>> {
    fs::create_dir_all(folder)?;
    let mut random = Random(seed);
    let mut blobs = Vec::new();
    for (at, size) in sizes.iter().enumerate() {
        let path = folder.join(format!("{at:06}"));
        let mut file = BufWriter::with_capacity(1 << 20, fs::File::create(&path)?);
        let mut left = *size;
        while left > 0 {
            let word = random.next().to_le_bytes();
            let take = left.min(8);
            file.write_all(&word[..usize::try_from(take).unwrap_or(8)])?;
            left -= take;
        }
        file.flush()?;
        blobs.push(Blob {
            path,
            digest: String::new(),
            size: *size,
        });
    }
    // Many at once, but no more than a command line holds.
    for some in blobs.chunks_mut(500) {
        let output = Command::new("sha256sum")
            .args(some.iter().map(|blob| &blob.path))
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let digests: Vec<&str> = text.lines().filter_map(|line| line.get(..64)).collect();
        if digests.len() != some.len() {
            return Err(io::Error::other("sha256sum failed"));
        }
        for (blob, digest) in some.iter_mut().zip(digests) {
            blob.digest = format!("sha256:{digest}");
        }
    }
    Ok(blobs)
}
