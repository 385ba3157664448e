use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream;
use tokio::io::AsyncReadExt as _;

use super::*;

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8).collect()
}

fn failing() -> ByteStream {
    let want = crate::sha256("x");
    ByteStream::new(stream::iter([
        Ok(Bytes::from_static(b"abc")),
        Err(Error::DigestMismatch {
            got: want.clone(),
            want,
            read: 3,
        }),
    ]))
}

#[tokio::test]
async fn async_round_trip() {
    let content = pattern(200_000);
    let reader = ByteStream::from_bytes(content.clone()).into_async_read();
    let stream = ByteStream::from_async_read(reader);
    assert_eq!(stream.collect(1 << 20).await.expect("reads"), content);
}

#[tokio::test]
async fn blocking_round_trip() {
    let content = pattern(200_000);
    let reader = ByteStream::from_bytes(content.clone()).into_blocking_read();
    let stream = ByteStream::from_blocking_read(reader);
    assert_eq!(stream.collect(1 << 20).await.expect("reads"), content);
}

#[tokio::test]
async fn the_stream_error_survives_both_bridges() {
    let error = ByteStream::from_async_read(failing().into_async_read())
        .collect(100)
        .await
        .expect_err("fails");
    assert!(
        matches!(error, Error::DigestMismatch { read: 3, .. }),
        "{error:?}"
    );
    let reader = failing().into_blocking_read();
    let error = ByteStream::from_blocking_read(reader)
        .collect(100)
        .await
        .expect_err("fails");
    assert!(
        matches!(error, Error::DigestMismatch { read: 3, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_async_reader_says_what_kind_of_failure() {
    let mut text = String::new();
    let error = failing()
        .into_async_read()
        .read_to_string(&mut text)
        .await
        .expect_err("fails");
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
}

#[tokio::test]
async fn writers_produce_streams() {
    let content = pattern(300_000);
    let copy = content.clone();
    let stream = ByteStream::from_blocking_write(move |writer| {
        writer.write_all(&copy[..10])?;
        Ok(writer.write_all(&copy[10..])?)
    });
    assert_eq!(stream.collect(1 << 20).await.expect("written"), content);
}

#[tokio::test]
async fn a_failing_writer_fails_its_stream() {
    let stream = ByteStream::from_blocking_write(|writer| {
        writer.write_all(b"abc")?;
        Err(Error::Consumed)
    });
    assert!(matches!(stream.collect(100).await, Err(Error::Consumed)));
}

#[tokio::test]
async fn a_panicking_writer_is_no_clean_end() {
    let stream = ByteStream::from_blocking_write(|_| panic!("expected by the test"));
    assert!(matches!(stream.collect(100).await, Err(Error::Aborted)));
}

#[tokio::test]
async fn a_dropped_stream_stops_its_reader() {
    struct Endless(
        Arc<AtomicUsize>,
        #[expect(dead_code, reason = "dropped with the reader")] Signal,
    );
    struct Signal(Option<tokio::sync::oneshot::Sender<()>>);
    impl Drop for Signal {
        fn drop(&mut self) {
            let _ = self.0.take().expect("dropped once").send(());
        }
    }
    impl io::Read for Endless {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(buf.len())
        }
    }
    let reads = Arc::new(AtomicUsize::new(0));
    let (sender, stopped) = tokio::sync::oneshot::channel();
    let mut stream = ByteStream::from_blocking_read(Endless(Arc::clone(&reads), Signal(Some(sender))));
    assert!(stream.next().await.is_some());
    drop(stream);
    stopped.await.expect("the reader is dropped");
    // One chunk taken, those in the channel, one under way, one refused.
    assert!(reads.load(Ordering::SeqCst) <= AHEAD + 3);
}

#[tokio::test]
async fn nothing_is_read_before_the_first_poll() {
    let reads = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&reads);
    let stream = ByteStream::from_blocking_write(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    assert_eq!(reads.load(Ordering::SeqCst), 0);
    assert!(stream.collect(0).await.expect("empty").is_empty());
    assert_eq!(reads.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_blocking_reader_reads_in_small_steps() {
    let mut reader = ByteStream::from_bytes("abcdef").into_blocking_read();
    let parts = tokio::task::spawn_blocking(move || {
        let mut buf = [0; 4];
        let first = reader.read(&mut buf).expect("reads");
        let second = reader.read(&mut buf[..first / 2]).expect("reads");
        let none = reader.read(&mut buf).expect("at the end");
        (first, second, none)
    });
    assert_eq!(parts.await.expect("no panic"), (4, 2, 0));
}
