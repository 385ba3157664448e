//! The filesystem of the layers that are named, base first: how many bytes it has as a tar, or how many when it
//! is flattened to one layer.
//!
//! `cargo run --release -p wharf-mutate --features gzip --example filesystem -- extract|flatten LAYER...`

use std::sync::Arc;
use std::time::Instant;

use futures_util::StreamExt as _;
use wharf_extract::{ExtractOptions, extract};
use wharf_layer::{Compression, LayerBuilder};
use wharf_mutate::{Addendum, FlattenOptions, append_layers, flatten};
use wharf_v1::{Image as _, empty};

#[expect(clippy::print_stdout, reason = "an example says what it does")]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let job = arguments.next().unwrap_or_default();
    let mut layers = Vec::new();
    for path in arguments {
        layers.push(Addendum::new(Arc::new(
            LayerBuilder::from_tar_file(path).build().await?,
        )));
    }
    let image = Arc::new(append_layers(Arc::new(empty::oci_image()), layers));
    let begin = Instant::now();
    let size = match job.strip_prefix("flatten") {
        None => {
            let mut stream = extract(image, &ExtractOptions::new());
            let mut size = 0;
            while let Some(chunk) = stream.next().await {
                size += chunk?.len() as u64;
            }
            size
        }
        Some(level) => {
            let mut options = FlattenOptions::new();
            if let Ok(level) = level.parse() {
                options = options.with_compression(Compression::Gzip { level });
            }
            let flat = flatten(image, &options).await?;
            flat.layers().await?[0].descriptor().await?.size()
        }
    };
    println!("{size} bytes in {:.3} s", begin.elapsed().as_secs_f64());
    Ok(())
}
