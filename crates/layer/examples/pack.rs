//! Makes a layer of a tar file or directory and says what became of it.
//!
//! `cargo run --release -p wharf-layer --features gzip,zstd --example pack -- FILE|DIRECTORY [gzip|zstd|none]`

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;

use wharf_layer::{Compression, LayerBuilder};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1);
    let path = PathBuf::from(args.next().ok_or("which file or directory?")?);
    let compression = match args.next().as_deref().and_then(|name| name.to_str()) {
        None | Some("gzip") => Compression::gzip(),
        Some("zstd") => Compression::zstd(),
        Some("none") => Compression::None,
        Some(other) => return Err(format!("unknown compression {other}").into()),
    };
    let builder = if path.is_dir() {
        LayerBuilder::from_directory(path)
    } else {
        LayerBuilder::from_tar_file(path)
    };
    let layer = builder.compression(compression).build().await?;
    let descriptor = layer.as_descriptor();
    let mut out = std::io::stdout().lock();
    writeln!(out, "media type {}", descriptor.media_type())?;
    writeln!(out, "digest     {}", descriptor.digest())?;
    writeln!(out, "diff_id    {}", layer.as_diff_id())?;
    writeln!(out, "size       {}", descriptor.size())?;
    Ok(())
}
