//! Layers and indexes that take too much.

use std::sync::Mutex;
use std::task::Poll;

use oci_spec::image::{Descriptor, Digest, MediaType};
use tokio::sync::oneshot;

use super::*;
use crate::Layer;
use crate::partial::BlobLayer;

/// A source that never goes on must not keep a thread for ever.
#[tokio::test]
async fn dropping_a_check_ends_its_thread() {
    #[derive(Debug)]
    struct Hangs(Mutex<Option<oneshot::Sender<()>>>);
    impl BlobSource for Hangs {
        fn open(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
            let held = self.0.lock().expect("no panic").take();
            Box::pin(async move {
                Ok(ByteStream::new(futures_util::stream::poll_fn(move |_| {
                    let _held = &held;
                    Poll::Pending
                })))
            })
        }
    }
    let (held, let_go) = oneshot::channel();
    let descriptor = Descriptor::new(MediaType::ImageLayer, 10, sha256("never"));
    let hangs = BlobLayer::new(descriptor, Hangs(Mutex::new(Some(held))));
    let options = ValidateOptions::default();
    let mut checking = Box::pin(validate::layer(&hangs, &options));
    assert!(futures_util::FutureExt::now_or_never(&mut checking).is_none());
    drop(checking);
    let_go.await.expect_err("its sender is dropped");
}

#[cfg(feature = "gzip")]
#[tokio::test]
async fn limits_of_decompression() {
    let bomb = gzipped(&vec![0; 4 << 20]);
    let layer = StaticLayer::new(bomb, MediaType::ImageLayerGzip);
    let options =
        ValidateOptions::default().with_limits(crate::DecompressLimits::default().with_max_bytes(1 << 20));
    let report = validate::layer(&layer, &options).await;
    found(&report, &["it: limit: body exceeds 1048576 byte limit"]);
}

/// A layer may give other uncompressed bytes than its stored ones.
#[tokio::test]
async fn limits_hold_for_both_forms() {
    #[derive(Debug)]
    struct Endless(StaticLayer);
    impl Layer for Endless {
        fn media_type(&self) -> MediaType {
            self.0.media_type()
        }
        fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, Error>> {
            self.0.descriptor()
        }
        fn diff_id(&self) -> BoxFuture<'_, Result<Digest, Error>> {
            self.0.diff_id()
        }
        fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
            self.0.compressed()
        }
        fn uncompressed(&self) -> BoxFuture<'_, Result<ByteStream, Error>> {
            let zeros = futures_util::stream::repeat_with(|| Ok(Bytes::from_static(&[0; 4096])));
            Box::pin(async move { Ok(ByteStream::new(zeros)) })
        }
    }
    let limits = crate::DecompressLimits::default().with_max_bytes(1 << 20);
    let options = ValidateOptions::default()
        .with_both_forms(true)
        .with_limits(limits);
    let report = validate::layer(&Endless(random::layer(1, 10)), &options).await;
    found(&report, &["it: limit: body exceeds 1048576 byte limit"]);
}

#[cfg(feature = "gzip")]
#[tokio::test]
async fn a_diff_id_is_found_within_limits() {
    let bytes = gzipped(&vec![0; 4 << 20]);
    let descriptor = Descriptor::new(MediaType::ImageLayerGzip, bytes.len() as u64, sha256(&bytes));
    let layer = BlobLayer::new(descriptor, Held(bytes.into()));
    let limits = crate::DecompressLimits::default().with_max_bytes((4 << 20) - 1);
    let layer = layer.with_limits(limits);
    let error = layer.diff_id().await.expect_err("too large");
    assert!(matches!(error, Error::TooLarge { limit } if limit == (4 << 20) - 1));
    let limits = limits.with_max_bytes(4 << 20);
    let diff_id = layer.with_limits(limits).diff_id().await.expect("just enough");
    assert_eq!(diff_id, sha256(vec![0; 4 << 20]));
}

#[tokio::test]
async fn limits_of_indexes() {
    let options = ValidateOptions::default().with_max_depth(1).with_max_children(2);
    let nested = IndexBuilder::new(Family::Oci)
        .index(empty::index())
        .image(random::image(1, 1, 1))
        .image(random::image(2, 1, 1));
    let report = validate::index(&nested.build().await.expect("built"), &options).await;
    let want = [
        "it: limit: more than 2 children",
        "manifests[0] (dff9de): limit: nested more than 1 deep",
    ];
    found(&report, &want);
}
