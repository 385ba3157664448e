//! Layers that were made here keep the laws of the trait.

use wharf_layer::{Compression, LayerBuilder};
use wharf_v1::conformance;

use crate::support::{gzipped, stream, tar_of, zstandard};

#[tokio::test]
async fn layers_conform() {
    let dir = tempfile::tempdir().expect("temp dir");
    let tar = tar_of("file", &b"content".repeat(1000));
    for content in [&tar[..], &gzipped(&tar), &zstandard(&tar), b""] {
        let path = dir.path().join("layer");
        std::fs::write(&path, content).expect("write");
        for compression in [Compression::None, Compression::gzip(), Compression::zstd()] {
            for builder in [
                LayerBuilder::from_tar_file(&path),
                LayerBuilder::from_stream(stream(content.to_vec())),
            ] {
                conformance::layer(builder.compression(compression).build().await.expect("layer")).await;
            }
        }
    }
    let any = LayerBuilder::from_stream(stream("no tar")).allow_any_content();
    conformance::layer(any.build().await.expect("layer")).await;
}
