//! How long does it take to make a layer of 200 MB of real files, compared with one thread of zlib-rs and
//! passes of their own for the two digests?
//!
//! `cargo bench -p wharf-layer --features gzip --bench construct`. The files are those of `/usr`.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::BytesCount;
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use walkdir::WalkDir;
use wharf_layer::{Compression, LayerBuilder};
use wharf_v1::Hasher;

const SIZE: u64 = 200_000_000;
const CHUNK: usize = 128 * 1024;

struct Archive {
    _dir: TempDir,
    path: PathBuf,
    size: u64,
}

static ARCHIVE: LazyLock<Archive> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("layer.tar");
    let size = pack(Path::new("/usr"), &path).expect("files of the system");
    Archive {
        _dir: dir,
        path,
        size,
    }
});

/// Packs files below `root` until there are enough: what programs and libraries, texts and sources are
/// like together.
fn pack(root: &Path, path: &Path) -> io::Result<u64> {
    let mut tar = tar::Builder::new(File::create(path)?);
    let mut size = 0;
    for entry in WalkDir::new(root).sort_by_file_name() {
        let Ok(entry) = entry else { continue };
        if size >= SIZE {
            break;
        }
        // One in three, so that it is not all of one directory.
        if entry.file_type().is_file()
            && entry.path().as_os_str().len() % 3 == 0
            && let Ok(mut file) = File::open(entry.path())
            // A huge one at the end would be most of it.
            && file.metadata()?.len() <= SIZE / 10
        {
            tar.append_file(entry.path().strip_prefix("/").unwrap_or(entry.path()), &mut file)?;
            size += file.metadata()?.len();
        }
    }
    let file = tar.into_inner()?;
    Ok(file.metadata()?.len())
}

fn main() {
    divan::main();
}

/// What is measured: everything at once, in as many threads as there are processors.
#[divan::bench(args = [1, 6], sample_count = 7, sample_size = 1)]
fn one_pass(bencher: Bencher<'_, '_>, level: u32) {
    let runtime = Runtime::new().expect("runtime");
    bencher.counter(BytesCount::new(ARCHIVE.size)).bench_local(|| {
        let builder = LayerBuilder::from_tar_file(&ARCHIVE.path).compression(Compression::Gzip { level });
        runtime.block_on(builder.build()).expect("layer")
    });
}

/// What it is compared with. Our level 1 is between levels 1 and 2 of zlib-rs.
#[divan::bench(args = [1, 2, 6], sample_count = 7, sample_size = 1)]
fn zlib_then_hashes(bencher: Bencher<'_, '_>, level: u32) {
    bencher.counter(BytesCount::new(ARCHIVE.size)).bench_local(|| {
        let mut encoder = GzEncoder::new(tempfile::tempfile().expect("temp file"), Level::new(level));
        io::copy(&mut open(), &mut encoder).expect("compressed");
        let mut stored = encoder.finish().expect("compressed");
        stored.flush().expect("written");
        stored.rewind().expect("a file");
        (hash(open()), hash(BufReader::with_capacity(CHUNK, stored)))
    });
}

/// The same with the classic zlib, as the program `gzip` has it, where that is installed.
#[divan::bench(args = [1], sample_count = 5, sample_size = 1)]
fn gzip_then_hashes(bencher: Bencher<'_, '_>, level: u32) {
    if !wharf_testkit::is_installed("gzip") {
        return;
    }
    bencher.counter(BytesCount::new(ARCHIVE.size)).bench_local(|| {
        let mut stored = tempfile::tempfile().expect("temp file");
        let status = Command::new("gzip")
            .arg(format!("-{level}"))
            .stdin(File::open(&ARCHIVE.path).expect("the archive"))
            .stdout(stored.try_clone().expect("a file"))
            .status()
            .expect("gzip starts");
        assert!(status.success());
        stored.rewind().expect("a file");
        (hash(open()), hash(BufReader::with_capacity(CHUNK, stored)))
    });
}

fn open() -> BufReader<File> {
    BufReader::with_capacity(CHUNK, File::open(&ARCHIVE.path).expect("the archive"))
}

fn hash(mut content: impl Read) -> oci_spec::image::Digest {
    let mut hasher = Hasher::sha256();
    let mut buf = vec![0; CHUNK];
    loop {
        match content.read(&mut buf).expect("readable") {
            0 => return hasher.finish(),
            read => hasher.update(&buf[..read]),
        }
    }
}
