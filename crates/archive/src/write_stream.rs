//! An archive from front to back.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use wharf_layer::header::{BLOCK, padding};
use wharf_v1::ByteStream;

use crate::plan::{Content, TRAILER};
use crate::sized::{open, sized};
use crate::{Entry, Error, Plan, WriteOptions};

/// Chunks of a layer that are read ahead.
const IN_FLIGHT: usize = 32;

/// Writes an archive from front to back, and returns how many bytes it has. The writer is flushed.
///
/// Layers go through one at a time, in memory that does not depend on their size; see
/// [`WriteOptions::read_ahead`].
///
/// # Errors
/// [`Error::ReadLayer`] when a layer cannot be read or is not as planned, [`Error::Write`] when the
/// writer fails. What was written until then is no whole archive.
///
/// # Cancel safety
/// Not cancel safe: what was written until then is no whole archive.
pub async fn write(plan: Plan, writer: impl AsyncWrite + Send, options: &WriteOptions) -> Result<u64, Error> {
    let mut writer = std::pin::pin!(writer);
    let size = plan.size();
    let mut archive = archive(plan, options.read_ahead);
    while let Some(chunk) = archive.try_next().await? {
        writer
            .write_all(&chunk)
            .await
            .map_err(|source| Error::Write { source })?;
    }
    writer.flush().await.map_err(|source| Error::Write { source })?;
    Ok(size)
}

/// The bytes of the planned archive.
pub(crate) fn archive(plan: Plan, read_ahead: usize) -> ByteStream {
    let state = Archive {
        waiting: plan.entries.into(),
        started: VecDeque::new(),
        read_ahead,
        tasks: JoinSet::new(),
    };
    let entries = stream::unfold(state, |mut state| async move { Some((state.next()?, state)) });
    let trailer = ByteStream::from_bytes(Bytes::from_static(&[0; TRAILER]));
    ByteStream::new(entries.flatten().chain(trailer))
}

struct Archive {
    waiting: VecDeque<Entry>,
    /// Entries whose layers are being read, first to come first.
    started: VecDeque<ByteStream>,
    read_ahead: usize,
    /// Stopped when the archive is dropped.
    tasks: JoinSet<()>,
}

impl Archive {
    /// The next entry's bytes. Entries are started in their order, so that the archive goes on even
    /// where only one blob can be open at a time.
    fn next(&mut self) -> Option<ByteStream> {
        while self.started.len() <= self.read_ahead {
            let Some(entry) = self.waiting.pop_front() else {
                break;
            };
            let entry = self.start(entry);
            self.started.push_back(entry);
        }
        self.started.pop_front()
    }

    fn start(&mut self, entry: Entry) -> ByteStream {
        let content = match entry.content {
            Content::Bytes(bytes) => ByteStream::from_bytes(bytes),
            Content::Layer { layer, form, digest } => {
                let bytes = open(layer, form);
                let bytes = if self.read_ahead == 0 {
                    bytes
                } else {
                    self.ahead(bytes)
                };
                sized(bytes, digest, entry.size)
            }
        };
        let padding = Bytes::from_static(&[0; BLOCK]).slice(..padding(entry.size));
        ByteStream::new(
            ByteStream::from_bytes(entry.header)
                .chain(content)
                .chain(ByteStream::from_bytes(padding)),
        )
    }

    /// The same bytes, read by a task of its own.
    fn ahead(&mut self, mut bytes: ByteStream) -> ByteStream {
        let (sender, mut receiver) = mpsc::channel(IN_FLIGHT);
        self.tasks.spawn(async move {
            while let Some(item) = bytes.next().await {
                if sender.send(item).await.is_err() {
                    return;
                }
            }
        });
        ByteStream::new(stream::poll_fn(move |cx| receiver.poll_recv(cx)))
    }
}
