//! Archives to make layers of.

use std::io::Write as _;

use bytes::Bytes;
use wharf_layer::{Error, LayerBuilder, SpooledLayer};
use wharf_v1::{ByteStream, Layer as _, sha256};

/// A tar of one file.
pub(crate) fn tar_of(name: &str, content: &[u8]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, name, content).expect("in memory");
    tar.into_inner().expect("in memory")
}

pub(crate) fn gzipped(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).expect("in memory");
    encoder.finish().expect("in memory")
}

pub(crate) fn zstandard(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 1).expect("in memory")
}

/// A stream of the content in small pieces.
pub(crate) fn stream(content: impl Into<Bytes>) -> ByteStream {
    let content = content.into();
    let chunks: Vec<_> = content.chunks(1000).map(Bytes::copy_from_slice).map(Ok).collect();
    ByteStream::new(futures_util::stream::iter(chunks))
}

pub(crate) async fn stored(layer: &SpooledLayer) -> Bytes {
    layer
        .compressed()
        .await
        .expect("open")
        .collect(1 << 30)
        .await
        .expect("read")
}

pub(crate) async fn unpacked(layer: &SpooledLayer) -> Bytes {
    layer
        .uncompressed()
        .await
        .expect("open")
        .collect(1 << 30)
        .await
        .expect("read")
}

/// What a layer says of itself is so, every time it is read.
pub(crate) async fn check_truth(layer: &SpooledLayer) {
    for _ in 0..2 {
        let bytes = stored(layer).await;
        assert_eq!(sha256(&bytes), *layer.as_descriptor().digest());
        assert_eq!(bytes.len() as u64, layer.as_descriptor().size());
        assert_eq!(sha256(unpacked(layer).await), *layer.as_diff_id());
    }
}

/// Makes a layer of the same content once as a file and once as a stream; both must come out equal.
pub(crate) async fn build(
    content: &[u8],
    with: impl Fn(LayerBuilder) -> LayerBuilder,
) -> Result<SpooledLayer, Error> {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("layer");
    std::fs::write(&path, content).expect("write");
    let of_file = with(LayerBuilder::from_tar_file(&path)).build().await;
    let of_stream = with(LayerBuilder::from_stream(stream(content.to_vec())))
        .build()
        .await;
    match (&of_file, &of_stream) {
        (Ok(file), Ok(stream)) => {
            assert_eq!(file.as_descriptor(), stream.as_descriptor());
            assert_eq!(file.as_diff_id(), stream.as_diff_id());
            check_truth(file).await;
            check_truth(stream).await;
        }
        (Err(file), Err(stream)) => assert_eq!(file.to_string(), stream.to_string()),
        other => panic!("file and stream differ: {other:?}"),
    }
    of_file
}
