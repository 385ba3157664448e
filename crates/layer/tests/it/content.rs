//! What comes in, and what is refused.

use std::fs;
use std::io;
use std::pin::pin;

use futures_util::StreamExt as _;
use futures_util::future::select;
use proptest::prelude::*;
use wharf_layer::{Compression, Error, LayerBuilder};
use wharf_v1::{ByteStream, Codec, DecompressLimits, Error as ContentError, Layer as _, sha256};

use crate::support::{build, check_truth, gzipped, stored, stream, tar_of, unpacked, zstandard};

#[tokio::test]
async fn one_content_has_one_diff_id() {
    let tar = tar_of("file", &b"content".repeat(100_000));
    let (gz, zst) = (gzipped(&tar), zstandard(&tar));
    for content in [&tar, &gz, &zst] {
        let layer = build(content, |builder| builder).await.expect("layer");
        assert_eq!(*layer.as_diff_id(), sha256(&tar));
        assert_eq!(unpacked(&layer).await, tar);
    }
}

#[tokio::test]
async fn compressed_input_is_kept_byte_for_byte() {
    let tar = tar_of("file", b"content");
    for content in [gzipped(&tar), zstandard(&tar)] {
        for compression in [Compression::None, Compression::gzip(), Compression::zstd()] {
            let layer = build(&content, |builder| builder.compression(compression))
                .await
                .expect("layer");
            assert_eq!(stored(&layer).await, content);
            let codec = layer.media_type().to_string();
            assert!(codec.ends_with(Codec::detect(&content).name()), "{codec}");
        }
    }
}

#[tokio::test]
async fn several_members_and_bytes_after_the_end_belong_to_the_layer() {
    let tar = tar_of("file", b"content");
    let (first, second) = tar.split_at(700);
    let members = [gzipped(first), gzipped(second), gzipped(b"after the end")].concat();
    let layer = build(&members, |builder| builder).await.expect("layer");
    assert_eq!(*layer.as_diff_id(), sha256([&tar[..], b"after the end"].concat()));
    let frames = [zstandard(first), zstandard(second)].concat();
    assert_eq!(
        *build(&frames, |builder| builder)
            .await
            .expect("layer")
            .as_diff_id(),
        sha256(&tar)
    );
}

#[tokio::test]
async fn nothing_is_an_archive_without_entries() {
    let layer = build(b"", |builder| builder).await.expect("layer");
    assert_eq!(*layer.as_diff_id(), sha256(b""));
}

#[tokio::test]
async fn what_is_no_tar_is_refused_unless_allowed() {
    let yaml = b"apiVersion: v1\nkind: Pod\n".repeat(100);
    let cut = &tar_of("file", &[1; 5000])[..3000];
    for content in [&yaml[..], b"short", cut, &gzipped(&yaml), &zstandard(b"short")] {
        let error = build(content, |builder| builder).await.expect_err("no tar");
        assert!(matches!(error, Error::NotTar { .. }), "{error:?}");
        assert_eq!(error.to_string(), "layer is not a valid tar archive");
        let layer = build(content, LayerBuilder::allow_any_content)
            .await
            .expect("allowed");
        if Codec::detect(content) == Codec::None {
            assert_eq!(*layer.as_diff_id(), sha256(content));
        } else {
            assert_eq!(stored(&layer).await, content);
        }
    }
}

#[tokio::test]
async fn damaged_compression_is_an_error_of_reading() {
    let tar = tar_of("file", &b"content".repeat(1000));
    let (gz, zst) = (gzipped(&tar), zstandard(&tar));
    let mut flipped = gz.clone();
    flipped[gz.len() / 2] ^= 0xff;
    for content in [
        &gz[..gz.len() - 1],
        &gz[..20],
        b"\x1f\x8b",
        &zst[..zst.len() - 1],
        &zst[..4],
    ] {
        let error = build(content, |builder| builder).await.expect_err("damaged");
        assert!(matches!(error, Error::Read { .. }), "{error:?}");
    }
    for content in [&gz[..gz.len() - 1], b"\x1f\x8b", &flipped, &zst[..zst.len() - 1]] {
        let error = build(content, LayerBuilder::allow_any_content)
            .await
            .expect_err("damaged");
        assert!(matches!(error, Error::Read { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn an_input_that_fails_is_told_from_one_that_is_no_tar() {
    let start = bytes::Bytes::from(tar_of("file", &[1; 5000])[..2000].to_vec());
    let failing = futures_util::stream::iter([Ok(start), Err(io::Error::other("unplugged").into())]);
    let error = LayerBuilder::from_stream(ByteStream::new(failing))
        .build()
        .await
        .expect_err("failed");
    let Error::Read { source } = error else {
        panic!("{error:?}")
    };
    assert!(source.to_string().contains("unplugged"), "{source}");
}

#[tokio::test]
async fn content_that_swells_is_refused_at_the_limit() {
    let tar = tar_of("zeros", &vec![0; 20 << 20]);
    let free = DecompressLimits::default();
    for content in [tar.clone(), gzipped(&tar), zstandard(&tar)] {
        let error = build(&content, |builder| builder.limits(free.with_max_bytes(1 << 20)));
        let Err(Error::Read { source }) = error.await else {
            panic!("within the limit")
        };
        assert_eq!(source.to_string(), "body exceeds 1048576 byte limit");
        let outcome = build(&content, |builder| builder.limits(free.with_max_ratio(100))).await;
        match Codec::detect(&content) {
            Codec::None => assert!(outcome.is_ok()),
            _ => assert!(matches!(outcome, Err(Error::Read { .. })), "{outcome:?}"),
        }
    }
}

#[tokio::test]
async fn missing_files_and_directories_are_named() {
    let dir = tempfile::tempdir().expect("temp dir");
    for path in [dir.path().join("missing"), dir.path().to_owned()] {
        let error = LayerBuilder::from_tar_file(&path)
            .build()
            .await
            .expect_err("not a file");
        assert!(
            matches!(&error, Error::Io { path: named, .. } if *named == path),
            "{error:?}"
        );
    }
    let builder = LayerBuilder::from_files([("a", "1")]).spool_in(dir.path().join("missing"));
    assert!(matches!(builder.build().await, Err(Error::Spool { .. })));
}

#[tokio::test]
async fn the_spool_has_no_name_and_needs_none() {
    let dir = tempfile::tempdir().expect("temp dir");
    let builder = LayerBuilder::from_stream(stream(tar_of("a", b"1"))).spool_in(dir.path());
    let layer = builder.build().await.expect("layer");
    assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 0);
    dir.close().expect("removable");
    check_truth(&layer).await;
    let open = layer.compressed().await.expect("open");
    drop(layer);
    assert!(!open.collect(10_000).await.expect("still there").is_empty());
}

#[tokio::test]
async fn a_file_that_changes_afterwards_is_noticed() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("layer.tar.gz");
    let content = gzipped(&tar_of("a", b"1"));
    fs::write(&path, &content).expect("write");
    let layer = LayerBuilder::from_tar_file(&path).build().await.expect("layer");
    check_truth(&layer).await;
    let mut other = content.clone();
    other[30] ^= 1;
    fs::write(&path, &other).expect("write");
    let error = layer
        .compressed()
        .await
        .expect("open")
        .collect(10_000)
        .await
        .expect_err("changed");
    assert!(matches!(error, ContentError::DigestMismatch { .. }), "{error:?}");
}

#[tokio::test]
async fn a_cancelled_build_ends() {
    let start = futures_util::stream::iter([Ok(bytes::Bytes::from(tar_of("file", b"1")))]);
    let hanging = ByteStream::new(start.chain(futures_util::stream::pending()));
    let mut build = Box::pin(LayerBuilder::from_stream(hanging).build());
    for _ in 0..10 {
        select(&mut build, pin!(tokio::task::yield_now())).await;
    }
    // The runtime waits for its blocking threads when it is dropped: this test would not end.
    drop(build);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_is_packed_is_what_it_says(
        files in prop::collection::btree_map("[a-z/é]{1,30}", prop::collection::vec(any::<u8>(), 0..3000), 0..5),
        codec in 0..3usize,
    ) {
        let compression = [Compression::None, Compression::gzip(), Compression::zstd()][codec];
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        runtime.block_on(async {
            let layer = LayerBuilder::from_files(files.clone()).compression(compression).build().await.expect("layer");
            check_truth(&layer).await;
            let tar = unpacked(&layer).await;
            let mut archive = tar::Archive::new(&tar[..]);
            let names: Vec<_> = archive
                .entries()
                .expect("fresh")
                .map(|entry| String::from_utf8(entry.expect("valid").path_bytes().into_owned()).expect("text"))
                .collect();
            assert_eq!(names, files.keys().cloned().collect::<Vec<_>>());
        });
    }
}
