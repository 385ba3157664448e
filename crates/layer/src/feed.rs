//! A stream, read on a thread that blocks.

use std::io::{self, Read};

use bytes::{Buf as _, Bytes};
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use wharf_v1::{ByteStream, Error};

/// Chunks in flight.
const IN_FLIGHT: usize = 2;

enum Message {
    Chunk(Bytes),
    Failed(Error),
    End,
}

/// The reading end. It fails at once when the [`Feeder`] is dropped, so that work on a blocking thread
/// ends with the future that waits for it.
pub(crate) struct FeedReader {
    messages: mpsc::Receiver<Message>,
    chunk: Bytes,
    ended: bool,
}

/// The end that has the stream.
pub(crate) struct Feeder {
    stream: ByteStream,
    sender: mpsc::Sender<Message>,
}

/// Both ends for a stream.
pub(crate) fn feed(stream: ByteStream) -> (Feeder, FeedReader) {
    let (sender, messages) = mpsc::channel(IN_FLIGHT);
    (
        Feeder { stream, sender },
        FeedReader {
            messages,
            chunk: Bytes::new(),
            ended: false,
        },
    )
}

impl Feeder {
    /// Moves the stream to the reader, until it ends or the reader is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            let message = match self.stream.next().await {
                Some(Ok(chunk)) => Message::Chunk(chunk),
                Some(Err(error)) => Message::Failed(error),
                None => Message::End,
            };
            let last = !matches!(message, Message::Chunk(_));
            if self.sender.send(message).await.is_err() || last {
                return;
            }
        }
    }
}

impl Read for FeedReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() && !self.ended {
            match self.messages.blocking_recv() {
                Some(Message::Chunk(chunk)) => self.chunk = chunk,
                Some(Message::Failed(error)) => return Err(error.into()),
                Some(Message::End) => self.ended = true,
                None => return Err(io::Error::other(Error::Aborted)),
            }
        }
        let read = self.chunk.len().min(buf.len());
        buf[..read].copy_from_slice(&self.chunk[..read]);
        self.chunk.advance(read);
        Ok(read)
    }
}
