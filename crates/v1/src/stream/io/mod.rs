//! Bridges between streams and readers, asynchronous and blocking.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use futures_core::Stream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::io::{AsyncBufRead, AsyncRead};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::io::{ReaderStream, StreamReader};

use super::CHUNK;
use crate::{ByteStream, Error};

/// Chunks that a blocking producer may be ahead of its consumer.
const AHEAD: usize = 2;

impl ByteStream {
    /// A stream of what `reader` reads.
    pub fn from_async_read(reader: impl AsyncRead + Send + 'static) -> Self {
        Self::new(ReaderStream::with_capacity(reader, CHUNK).map_err(Error::from))
    }

    /// A reader of this stream. Its errors are those of the stream, wrapped; [`Error::from`] unwraps
    /// them.
    pub fn into_async_read(self) -> impl AsyncBufRead + Send + Unpin + 'static {
        StreamReader::new(self.map_err(io::Error::from))
    }

    /// A stream of what `reader` reads on a thread for blocking work. It reads ahead by a few chunks of
    /// 64 KiB at most, and stops reading when the stream is dropped.
    ///
    /// Polling the stream needs a tokio runtime.
    pub fn from_blocking_read(mut reader: impl io::Read + Send + 'static) -> Self {
        Self::from_blocking(move |sink| {
            let mut buf = vec![0; CHUNK];
            loop {
                match reader.read(&mut buf) {
                    Ok(0) => return Ok(()),
                    Ok(n) => {
                        sink.send(super::chunk(&mut buf, n))?;
                        buf.resize(CHUNK, 0);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error.into()),
                }
            }
        })
    }

    /// A stream of what `produce` writes on a thread for blocking work, for encoders that want a
    /// [`Write`](io::Write). The writer fails when the stream is dropped; the stream fails with the
    /// error that `produce` returns.
    ///
    /// Polling the stream needs a tokio runtime.
    ///
    /// ```
    /// use std::io::Write as _;
    /// use wharf_v1::{ByteStream, Error};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
    /// let stream = ByteStream::from_blocking_write(|writer| Ok(write!(writer, "{}", 6 * 7)?));
    /// assert_eq!(stream.collect(1024).await?, "42");
    /// # Ok(()) }
    /// ```
    pub fn from_blocking_write(
        produce: impl FnOnce(&mut dyn io::Write) -> Result<(), Error> + Send + 'static,
    ) -> Self {
        Self::from_blocking(move |sink| {
            let mut writer = io::BufWriter::with_capacity(CHUNK, sink);
            produce(&mut writer)?;
            Ok(io::Write::flush(&mut writer)?)
        })
    }

    fn from_blocking(produce: impl FnOnce(&Sink) -> Result<(), Error> + Send + 'static) -> Self {
        Self::new(Blocking::Waiting(Some(Box::new(produce))))
    }

    /// A blocking reader of this stream, for code like the `tar` crate that runs on a thread for
    /// blocking work (`tokio::task::spawn_blocking`). Its errors are those of the stream, wrapped;
    /// [`Error::from`] unwraps them.
    ///
    /// # Panics
    /// When called outside of a tokio runtime. Reading panics on a thread that drives asynchronous
    /// tasks, where it would block them.
    #[must_use]
    pub fn into_blocking_read(self) -> BlockingReader {
        BlockingReader {
            stream: self,
            chunk: Bytes::new(),
            runtime: Handle::current(),
        }
    }
}

/// Reads a [`ByteStream`] from code that blocks. Made by [`ByteStream::into_blocking_read`].
#[derive(Debug)]
pub struct BlockingReader {
    stream: ByteStream,
    chunk: Bytes,
    runtime: Handle,
}

impl io::Read for BlockingReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let n = io::BufRead::fill_buf(self)?.read(buf)?;
        self.chunk.advance(n);
        Ok(n)
    }
}

impl io::BufRead for BlockingReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.chunk.is_empty() {
            match self.runtime.block_on(self.stream.next()) {
                Some(chunk) => self.chunk = chunk?,
                None => break,
            }
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, amount: usize) {
        self.chunk.advance(amount);
    }
}

/// Where a blocking producer puts its chunks.
struct Sink(mpsc::Sender<Message>);

enum Message {
    Item(Result<Bytes, Error>),
    /// The producer has finished well. A channel that closes without this has lost its producer.
    End,
}

impl Sink {
    fn send(&self, chunk: Bytes) -> io::Result<()> {
        let sent = self.0.blocking_send(Message::Item(Ok(chunk)));
        sent.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, Error::Aborted))
    }
}

impl io::Write for &Sink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        // Large writes bypass the buffer before us; they are cut, so that a chunk has a bounded size.
        let buf = &buf[..buf.len().min(CHUNK)];
        self.send(Bytes::copy_from_slice(buf))?;
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type Produce = Box<dyn FnOnce(&Sink) -> Result<(), Error> + Send>;

/// A producer on a blocking thread, started at the first poll.
enum Blocking {
    Waiting(Option<Produce>),
    Running(mpsc::Receiver<Message>),
    Done,
}

impl Stream for Blocking {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = loop {
            match &mut *self {
                Self::Waiting(produce) => {
                    let Some(produce) = produce.take() else { break None };
                    *self = Self::Running(start(produce));
                }
                Self::Running(receiver) => match ready!(receiver.poll_recv(cx)) {
                    Some(Message::Item(item)) => break Some(item),
                    Some(Message::End) => break None,
                    None => break Some(Err(Error::Aborted)),
                },
                Self::Done => break None,
            }
        };
        if !matches!(item, Some(Ok(_))) {
            *self = Self::Done;
        }
        Poll::Ready(item)
    }
}

fn start(produce: Produce) -> mpsc::Receiver<Message> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        let sink = Sink(sender);
        let last = match produce(&sink) {
            Ok(()) => Message::End,
            Err(error) => Message::Item(Err(error)),
        };
        // Nobody listens any more when the stream was dropped.
        let _ = sink.0.blocking_send(last);
    });
    receiver
}

#[cfg(test)]
mod tests;
