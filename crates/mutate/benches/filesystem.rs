//! How fast does the filesystem of an image of 6 layers and 600 MB come out, and how long does it take to
//! make one layer of it?
//!
//! `cargo bench -p wharf-mutate --features gzip --bench filesystem`. The files are those of `/usr`.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use divan::Bencher;
use divan::counter::BytesCount;
use futures_util::StreamExt as _;
use tokio::runtime::Runtime;
use walkdir::WalkDir;
use wharf_extract::{ExtractOptions, extract};
use wharf_layer::{Compression, LayerBuilder};
use wharf_mutate::{Addendum, FlattenOptions, append_layers, flatten};
use wharf_v1::{Image, empty};

const LAYERS: usize = 6;
const SIZE: u64 = 100_000_000;

struct Sample {
    image: Arc<dyn Image>,
    /// Bytes of all layers, uncompressed.
    size: u64,
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("runtime"));
static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("temp dir");
    let paths: Vec<_> = (0..LAYERS).map(|n| dir.path().join(n.to_string())).collect();
    let size = pack(Path::new("/usr"), &paths).expect("files of the system");
    let layers = paths.iter().map(|path| {
        let builder = LayerBuilder::from_tar_file(path).compression(Compression::Gzip { level: 6 });
        Addendum::new(Arc::new(RUNTIME.block_on(builder.build()).expect("layer")))
    });
    let image = Arc::new(append_layers(
        Arc::new(empty::image()),
        layers.collect::<Vec<_>>(),
    ));
    Sample { image, size }
});

/// Packs files below `root` into archives of one size, until all are full.
fn pack(root: &Path, paths: &[impl AsRef<Path>]) -> io::Result<u64> {
    let mut files = WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok);
    let mut total = 0;
    for path in paths {
        let mut tar = tar::Builder::new(File::create(path)?);
        let mut size = 0;
        while size < SIZE
            && let Some(entry) = files.next()
        {
            if entry.file_type().is_file()
                && let Ok(mut file) = File::open(entry.path())
            {
                tar.append_file(entry.path().strip_prefix("/").unwrap_or(entry.path()), &mut file)?;
                size += file.metadata()?.len();
            }
        }
        total += tar.into_inner()?.metadata()?.len();
    }
    Ok(total)
}

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 7, sample_size = 1)]
fn extracted(bencher: Bencher<'_, '_>) {
    bencher.counter(BytesCount::new(SAMPLE.size)).bench_local(|| {
        RUNTIME.block_on(async {
            let mut stream = extract(Arc::clone(&SAMPLE.image), &ExtractOptions::new());
            let mut size = 0;
            while let Some(chunk) = stream.next().await {
                size += chunk.expect("a good image").len();
            }
            size
        })
    });
}

#[divan::bench(args = [6, 9], sample_count = 5, sample_size = 1)]
fn flattened(bencher: Bencher<'_, '_>, level: u32) {
    let options = FlattenOptions::new().with_compression(Compression::Gzip { level });
    bencher.counter(BytesCount::new(SAMPLE.size)).bench_local(|| {
        RUNTIME
            .block_on(flatten(Arc::clone(&SAMPLE.image), &options))
            .expect("flattened")
    });
}
