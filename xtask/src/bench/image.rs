//! The image that is moved around: six layers that compress as filesystems do.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::job::IMAGE;
use super::server::Server;
use crate::command::Failure;

/// Megabytes of files in each layer, base first.
const LAYERS: [usize; 6] = [240, 160, 100, 60, 30, 10];
/// The size of a file; small ones cost more than their bytes.
const FILE: usize = 64 << 10;
/// How much of each KiB does not compress, in bytes: what is left of the rest makes 250 MB of 600.
const NOISE: usize = 390;

/// Writes the files of each layer into a directory, and besides an archive of one more.
pub(super) fn write_layers(work: &Path) -> io::Result<Vec<PathBuf>> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut layers = Vec::new();
    for (at, megabytes) in LAYERS.into_iter().enumerate() {
        let layer = work.join(format!("layer-{at}"));
        write_files(&layer, at, megabytes, &mut random)?;
        layers.push(layer);
    }
    let extra = work.join("extra");
    write_files(&extra, LAYERS.len(), 100, &mut random)?;
    let tarred = Command::new("tar")
        .arg("-cf")
        .arg(work.join("extra.tar"))
        .arg("-C")
        .arg(&extra)
        .arg(".")
        .status()?;
    match tarred.success() {
        true => fs::remove_dir_all(&extra)?,
        false => return Err(io::Error::other("tar failed")),
    }
    Ok(layers)
}

fn write_files(layer: &Path, at: usize, megabytes: usize, random: &mut Random) -> io::Result<()> {
    for number in 0..megabytes * 1_000_000 / FILE {
        let directory = layer.join(format!("usr/share/layer-{at}/{:02}", number % 50));
        if number < 50 {
            fs::create_dir_all(&directory)?;
        }
        let mut file = BufWriter::new(File::create(directory.join(format!("file-{number}")))?);
        for block in 0..FILE / 1024 {
            let mut bytes = [0; 1024];
            for (byte, text) in bytes.iter_mut().zip(
                format!("line {block} of a file that repeats itself\n")
                    .bytes()
                    .cycle(),
            ) {
                *byte = text;
            }
            for eight in bytes[..NOISE / 8 * 8].chunks_exact_mut(8) {
                eight.copy_from_slice(&random.next().to_le_bytes());
            }
            file.write_all(&bytes)?;
        }
        file.flush()?;
    }
    Ok(())
}

/// Makes an image of the directories, and removes them.
pub(super) fn push(crane: &str, work: &Path, layers: &[PathBuf], server: &Server) -> Result<(), Failure> {
    let list: Vec<String> = layers.iter().map(|layer| layer.display().to_string()).collect();
    let status = Command::new(crane)
        .args([
            "append",
            "--oci-empty-base",
            "-f",
            &list.join(","),
            "-t",
            &format!("{}/{IMAGE}", server.host),
        ])
        .env("HOME", work)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|source| Failure::Start {
            program: crane.to_owned(),
            source,
        })?;
    if !status.success() {
        return Err(Failure::Check(format!("the image cannot be made: {status}")));
    }
    for layer in layers {
        let _ = fs::remove_dir_all(layer);
    }
    Ok(())
}

/// Marsaglia's xorshift: the same bytes each time.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
