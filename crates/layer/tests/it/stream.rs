//! Layers that are made while they are read.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::io::AsyncWriteExt as _;
use wharf_layer::{Compression, Family, LayerBuilder, StreamLayer, StreamState};
use wharf_v1::oci_spec::image::MediaType;
use wharf_v1::{ByteStream, Error, Layer, conformance, sha256};

use crate::support::{stream, tar_of};

async fn read(layer: &StreamLayer) -> Bytes {
    let stream = layer.compressed().await.expect("opens");
    stream.collect(1 << 30).await.expect("reads")
}

async fn not_computed(layer: &StreamLayer) {
    assert!(matches!(layer.descriptor().await, Err(Error::NotComputed)));
    assert!(matches!(layer.diff_id().await, Err(Error::NotComputed)));
}

async fn aborted(layer: &StreamLayer) {
    assert_eq!(layer.state(), StreamState::Aborted);
    assert!(matches!(layer.descriptor().await, Err(Error::Aborted)));
    assert!(matches!(layer.diff_id().await, Err(Error::Aborted)));
    assert!(matches!(layer.compressed().await, Err(Error::Consumed)));
}

#[tokio::test]
async fn stream_layers_conform() {
    let tar = tar_of("file", &b"content".repeat(1000));
    for content in [&tar[..], b""] {
        for compression in [Compression::None, Compression::gzip(), Compression::zstd()] {
            let layer = || StreamLayer::from_stream(stream(content.to_vec())).compression(compression);
            conformance::layer(layer()).await;
            conformance::layer(Arc::new(layer()) as Arc<dyn Layer>).await;
        }
    }
}

#[tokio::test]
async fn a_stream_makes_the_same_layer_as_a_builder() {
    // Incompressible, and larger than all buffers on the way.
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .take(10 << 20)
    .collect();
    let tar = tar_of("noise", &noise);
    for compression in [Compression::None, Compression::gzip(), Compression::zstd()] {
        let layer = StreamLayer::from_reader(std::io::Cursor::new(tar.clone())).compression(compression);
        let bytes = read(&layer).await;
        let built = LayerBuilder::from_reader(std::io::Cursor::new(tar.clone())).compression(compression);
        let built = built.build().await.expect("a tar");
        let descriptor = layer.descriptor().await.expect("read");
        assert_eq!(descriptor, *built.as_descriptor());
        assert_eq!(descriptor.size(), bytes.len() as u64);
        assert_eq!(*descriptor.digest(), sha256(&bytes));
        assert_eq!(layer.diff_id().await.expect("read"), *built.as_diff_id());
    }
}

#[tokio::test]
async fn a_tar_comes_through_a_pipe() {
    let (mut writer, reader) = tokio::io::duplex(1000);
    let written = tokio::spawn(async move {
        let mut archive = tar::Builder::new(Vec::new());
        for i in 0..1000 {
            let mut header = tar::Header::new_ustar();
            header.set_size(1);
            archive
                .append_data(&mut header, format!("file{i}"), &b"x"[..])
                .expect("in memory");
        }
        let tar = archive.into_inner().expect("in memory");
        writer.write_all(&tar).await.expect("is read");
        sha256(tar)
    });
    let layer = StreamLayer::from_reader(reader);
    read(&layer).await;
    assert_eq!(
        layer.diff_id().await.expect("read"),
        written.await.expect("no panic")
    );
}

#[tokio::test]
async fn values_come_with_the_end() {
    let layer = StreamLayer::from_stream(stream(vec![b'a'; 10_000]));
    assert_eq!(layer.state(), StreamState::Fresh);
    not_computed(&layer).await;
    let mut stream = layer.compressed().await.expect("opens");
    assert_eq!(layer.state(), StreamState::Reading);
    not_computed(&layer).await;
    assert!(matches!(layer.compressed().await, Err(Error::Consumed)));
    assert!(matches!(layer.uncompressed().await, Err(Error::Consumed)));
    while let Some(chunk) = stream.next().await {
        chunk.expect("reads");
    }
    drop(stream);
    assert_eq!(layer.state(), StreamState::Done);
    assert_eq!(
        layer.diff_id().await.expect("read").to_string(),
        "sha256:27dd1f61b867b6a0f6e9d8a41c43231de52107e53ae424de8f847b821db4b711"
    );
    assert!(layer.descriptor().await.expect("read").size() < 1000);
    assert!(matches!(layer.compressed().await, Err(Error::Consumed)));
}

#[tokio::test]
async fn the_uncompressed_form_is_the_one_reading_too() {
    let layer = StreamLayer::from_stream(stream("plain"));
    let plain = layer.uncompressed().await.expect("opens").collect(100).await;
    assert_eq!(plain.expect("reads"), "plain");
    assert_eq!(layer.diff_id().await.expect("read"), sha256("plain"));
    assert!(layer.descriptor().await.is_ok());
}

#[tokio::test]
async fn an_early_end_publishes_nothing() {
    let layer = StreamLayer::from_stream(stream(vec![b'a'; 10_000]));
    drop(layer.compressed().await.expect("opens"));
    aborted(&layer).await;
    let layer = StreamLayer::from_stream(stream(vec![b'a'; 1 << 20])).compression(Compression::None);
    let mut opened = layer.compressed().await.expect("opens");
    opened.next().await.expect("there is more").expect("reads");
    drop(opened);
    aborted(&layer).await;
}

/// A source that hangs, and tells when it is dropped.
#[tokio::test]
async fn an_early_end_lets_go_of_a_source_that_hangs() {
    let (dropped, was_dropped) = tokio::sync::oneshot::channel::<()>();
    let source = futures_util::stream::poll_fn(move |_| {
        let _held = &dropped;
        std::task::Poll::Pending
    });
    let layer = StreamLayer::from_stream(ByteStream::new(source));
    let mut opened = layer.compressed().await.expect("opens");
    assert!(opened.next().now_or_never().is_none());
    drop(opened);
    was_dropped.await.expect_err("its sender is dropped");
    aborted(&layer).await;
}

#[tokio::test]
async fn a_source_that_fails_is_told() {
    let items = [
        Ok(Bytes::from("begin")),
        Err(std::io::Error::other("pulled out").into()),
    ];
    let layer = StreamLayer::from_stream(ByteStream::new(futures_util::stream::iter(items)));
    let error = layer
        .compressed()
        .await
        .expect("opens")
        .collect(1000)
        .await
        .expect_err("fails");
    assert_eq!(error.to_string(), "pulled out");
    aborted(&layer).await;
}

#[test]
fn media_types() {
    #[track_caller]
    fn check(layer: StreamLayer, want: &str) {
        assert_eq!(layer.media_type().to_string(), want);
    }
    let layer = || StreamLayer::from_stream(stream(""));
    check(layer(), "application/vnd.oci.image.layer.v1.tar+gzip");
    check(
        layer().family(Family::Docker),
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
    );
    check(
        layer().compression(Compression::None),
        "application/vnd.oci.image.layer.v1.tar",
    );
    check(
        layer().compression(Compression::zstd()),
        "application/vnd.oci.image.layer.v1.tar+zstd",
    );
    check(layer().with_media_type(MediaType::from("x/y")), "x/y");
}
