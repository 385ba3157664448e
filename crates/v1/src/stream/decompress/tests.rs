use futures_util::{StreamExt as _, stream};

use super::*;

/// The content in chunks of `step` bytes, with an empty one and a pause before each.
fn dripping(content: &[u8], step: usize) -> ByteStream {
    let chunks: Vec<Bytes> = content.chunks(step.max(1)).map(Bytes::copy_from_slice).collect();
    ByteStream::new(stream::iter(chunks).then(|chunk| async move {
        tokio::task::yield_now().await;
        Ok(chunk)
    }))
}

#[cfg(any(feature = "gzip", feature = "zstd"))]
fn text(len: usize) -> Vec<u8> {
    (0..len)
        .map(|i| b"the quick brown fox "[i % 20] ^ (i / 4096) as u8)
        .collect()
}

async fn undo(content: &[u8], step: usize) -> Result<Bytes, Error> {
    dripping(content, step).decompressed().collect(1 << 30).await
}

#[tokio::test]
async fn plain_content_passes() {
    for content in [&b""[..], b"a", b"\x1f", b"\x28\xb5\x2f", b"plain text"] {
        assert_eq!(undo(content, 1).await.expect("plain"), content);
        assert_eq!(undo(content, 100).await.expect("plain"), content);
    }
}

#[tokio::test]
async fn errors_of_the_source_pass_through() {
    for head in [&b"plain"[..], b"\x1f"] {
        let source = ByteStream::new(stream::iter([Ok(Bytes::from_static(head)), Err(Error::Consumed)]));
        assert!(matches!(
            source.decompressed().collect(100).await,
            Err(Error::Consumed)
        ));
    }
}

#[cfg(not(feature = "gzip"))]
#[tokio::test]
async fn a_missing_codec_is_named() {
    use std::error::Error as _;

    let error = undo(b"\x1f\x8b\x08\x00", 4).await.expect_err("not built in");
    assert_eq!(error.to_string(), "decompressing gzip");
    let cause = error.source().expect("has a cause").to_string();
    assert_eq!(cause, "wharf-v1 was built without its feature `gzip`");
}

#[cfg(feature = "gzip")]
mod gzip {
    use std::io::Write as _;

    use super::*;

    pub(super) fn compress(content: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(content).expect("in memory");
        encoder.finish().expect("in memory")
    }

    #[tokio::test]
    async fn any_chunks_and_members() {
        let content = text(300_000);
        let mut compressed = compress(&content[..1000]);
        compressed.extend(compress(b""));
        compressed.extend(compress(&content[1000..]));
        for step in [1, 2, 7, 4096, 1 << 20] {
            assert_eq!(
                undo(&compressed, step).await.expect("decodes"),
                content,
                "step {step}"
            );
        }
    }

    #[tokio::test]
    async fn every_truncation_fails() {
        let compressed = compress(b"some content that is worth compressing, worth compressing");
        for len in 2..compressed.len() {
            let error = undo(&compressed[..len], 5).await.expect_err("truncated");
            assert!(
                matches!(error, Error::Decompress { codec: "gzip", .. }),
                "{len}: {error:?}"
            );
        }
    }

    #[tokio::test]
    async fn every_damaged_byte_of_body_and_trailer_fails_or_shows() {
        let content = text(500);
        let compressed = compress(&content);
        for at in 10..compressed.len() {
            let mut damaged = compressed.clone();
            damaged[at] ^= 0x55;
            assert!(undo(&damaged, 64).await.is_err(), "byte {at}");
        }
    }

    #[tokio::test]
    async fn garbage_after_the_last_member_fails() {
        let mut compressed = compress(b"content");
        compressed.extend(b"garbage");
        assert!(undo(&compressed, 3).await.is_err());
    }

    #[tokio::test]
    async fn a_bomb_comes_in_bounded_chunks() {
        let bomb = compress(&vec![0; 64 << 20]);
        let mut stream = ByteStream::from_bytes(bomb).decompressed();
        let mut total = 0;
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.expect("decodes");
            assert!(chunk.len() <= CHUNK);
            total += chunk.len();
        }
        assert_eq!(total, 64 << 20);
    }

    #[tokio::test]
    async fn limits_end_a_bomb_early() {
        let bomb = compress(&vec![0; 64 << 20]);
        let free = DecompressLimits::default();
        for (limits, most) in [
            (free.with_max_bytes(1 << 20), 1 << 20),
            (free.with_max_ratio(100), (16 << 20) + CHUNK as u64),
        ] {
            let mut stream = dripping(&bomb, 1000).decompressed_within(limits);
            let mut total = 0;
            let error = loop {
                match stream.next().await.expect("an error before the end") {
                    Ok(chunk) => total += chunk.len() as u64,
                    Err(error) => break error,
                }
            };
            assert!(total <= most, "{total}");
            assert!(matches!(
                error,
                Error::TooLarge { limit: 0x10_0000 } | Error::Swells { ratio: 100 }
            ));
            assert!(stream.next().await.is_none(), "and then nothing");
        }
        let enough = free.with_max_bytes(64 << 20).with_max_ratio(1100);
        let whole = ByteStream::from_bytes(bomb).decompressed_within(enough);
        assert_eq!(whole.collect(1 << 30).await.expect("fits").len(), 64 << 20);
    }

    #[tokio::test]
    async fn a_failed_check_of_the_source_fails_the_end() {
        use oci_spec::image::{Descriptor, MediaType};

        let compressed = compress(b"content");
        let promise = Descriptor::new(
            MediaType::ImageLayerGzip,
            compressed.len() as u64 + 1,
            crate::sha256(b"something else"),
        );
        let source = dripping(&compressed, 4).verified(&promise).expect("sha256");
        let error = source.decompressed().collect(100).await.expect_err("too short");
        assert!(matches!(error, Error::SizeMismatch { .. }));
    }
}

#[cfg(feature = "zstd")]
mod zstandard {
    use std::task::Waker;

    use super::*;

    fn compress(content: &[u8]) -> Vec<u8> {
        zstd::encode_all(content, 1).expect("in memory")
    }

    #[tokio::test]
    async fn any_chunks_and_frames() {
        let content = text(300_000);
        let mut compressed = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc".to_vec();
        compressed.extend(compress(&content[..1000]));
        compressed.extend(compress(b""));
        compressed.extend(compress(&content[1000..]));
        for step in [1, 2, 7, 4096, 1 << 20] {
            assert_eq!(
                undo(&compressed, step).await.expect("decodes"),
                content,
                "step {step}"
            );
        }
    }

    #[tokio::test]
    async fn every_truncation_fails() {
        let compressed = compress(b"some content that is worth compressing, worth compressing");
        for len in 4..compressed.len() {
            let error = undo(&compressed[..len], 5).await.expect_err("truncated");
            assert!(
                matches!(error, Error::Decompress { codec: "zstd", .. }),
                "{len}: {error:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_greedy_window_is_refused() {
        // Magic, a frame header without content size, and the window descriptor of 2^31 bytes.
        let greedy = [0x28, 0xb5, 0x2f, 0xfd, 0x00, (31 - 10) << 3, 0x01, 0x00, 0x00];
        let error = undo(&greedy, 100).await.expect_err("window too large");
        assert!(
            matches!(error, Error::Decompress { codec: "zstd", .. }),
            "{error:?}"
        );
        // The same frame with a window of 2^27 is an empty one.
        let largest = [0x28, 0xb5, 0x2f, 0xfd, 0x00, (27 - 10) << 3, 0x01, 0x00, 0x00];
        assert!(undo(&largest, 100).await.expect("decodes").is_empty());
    }

    #[tokio::test]
    async fn the_window_can_be_limited_further() {
        let frame = |log: u8| vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, (log - 10) << 3, 0x01, 0x00, 0x00];
        let limits = DecompressLimits::default().with_max_window(8 << 20);
        for (log, fits) in [(10, true), (23, true), (24, false), (27, false)] {
            let stream = ByteStream::from_bytes(frame(log)).decompressed_within(limits);
            assert_eq!(stream.collect(1).await.is_ok(), fits, "{log}");
        }
    }

    #[tokio::test]
    async fn needless_polls_do_no_harm() {
        let compressed = compress(b"content");
        let (sender, receiver) = held_back(compressed);
        let mut stream = ByteStream::new(receiver).decompressed();
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..100 {
            assert!(stream.poll_next_unpin(&mut cx).is_pending());
        }
        drop(sender);
        assert_eq!(stream.collect(100).await.expect("decodes"), &b"content"[..]);
    }

    /// A stream that gives its first bytes at once, and the rest when the sender is dropped.
    fn held_back(
        content: Vec<u8>,
    ) -> (
        tokio::sync::oneshot::Sender<()>,
        impl Stream<Item = Result<Bytes, Error>> + Send + 'static,
    ) {
        let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
        let split = 6;
        let content = Bytes::from(content);
        let tail = content.slice(split..);
        let last = stream::once(async move {
            let _ = receiver.await;
            Ok(tail)
        });
        (sender, stream::iter([Ok(content.slice(..split))]).chain(last))
    }
}
