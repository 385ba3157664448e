//! Layers that are opened and decoded while another is being merged.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use futures_util::StreamExt as _;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use wharf_v1::{DecompressLimits, Layer};

use crate::ExtractOptions;

/// Chunks of 64 KiB that a layer is decoded ahead.
const CHUNKS: usize = 4;

/// The layers from the top down, some of them decoding already.
pub(crate) struct Ahead {
    runtime: Handle,
    options: ExtractOptions,
    waiting: Vec<Arc<dyn Layer>>,
    /// With the position of each, counted from the base.
    started: VecDeque<(usize, Arc<dyn Layer>, LayerReader)>,
}

impl Ahead {
    /// Layers that are given base first.
    pub(crate) fn new(runtime: Handle, layers: Vec<Arc<dyn Layer>>, options: ExtractOptions) -> Self {
        Self {
            runtime,
            options,
            waiting: layers,
            started: VecDeque::new(),
        }
    }

    /// The next layer, and its position.
    pub(crate) fn next(&mut self) -> Option<(usize, Arc<dyn Layer>, LayerReader)> {
        while self.started.len() <= self.options.layers_ahead
            && let Some(layer) = self.waiting.pop()
        {
            let position = self.waiting.len();
            let reader = self.open(&layer);
            self.started.push_back((position, layer, reader));
        }
        self.started.pop_front()
    }

    /// Opens a layer, once more maybe.
    pub(crate) fn open(&self, layer: &Arc<dyn Layer>) -> LayerReader {
        let (sender, chunks) = mpsc::channel(CHUNKS);
        let layer = Arc::clone(layer);
        let limits = DecompressLimits::default()
            .with_max_bytes(self.options.max_bytes)
            .with_max_ratio(self.options.max_ratio);
        let task = self.runtime.spawn(async move {
            let last = match decode(&*layer, limits, &sender).await {
                Ok(()) => Message::End,
                Err(error) => Message::Failed(error),
            };
            // Nobody listens any more when the merging was given up.
            let _ = sender.send(last).await;
        });
        LayerReader {
            chunks,
            chunk: Bytes::new(),
            ended: false,
            task,
        }
    }
}

/// Sends a layer's uncompressed bytes, as many as its stored size permits.
async fn decode(
    layer: &dyn Layer,
    limits: DecompressLimits,
    sender: &mpsc::Sender<Message>,
) -> Result<(), wharf_v1::Error> {
    let stored = match layer.descriptor().await {
        Ok(descriptor) => descriptor.size(),
        Err(wharf_v1::Error::NotComputed) => u64::MAX,
        Err(error) => return Err(error),
    };
    let mut stream = layer.uncompressed().await?;
    let mut count = 0u64;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        count = count.saturating_add(chunk.len() as u64);
        limits.check(stored, count)?;
        if sender.send(Message::Chunk(chunk)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

enum Message {
    Chunk(Bytes),
    Failed(wharf_v1::Error),
    End,
}

/// Reads a layer's uncompressed bytes on a thread that blocks. Dropping it closes the layer.
pub(crate) struct LayerReader {
    chunks: mpsc::Receiver<Message>,
    chunk: Bytes,
    ended: bool,
    task: JoinHandle<()>,
}

impl Read for LayerReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buf)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for LayerReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.chunk.is_empty() && !self.ended {
            match self.chunks.blocking_recv() {
                Some(Message::Chunk(chunk)) => self.chunk = chunk,
                Some(Message::Failed(error)) => return Err(error.into()),
                Some(Message::End) => self.ended = true,
                None => return Err(wharf_v1::Error::Aborted.into()),
            }
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, amount: usize) {
        self.chunk.advance(amount);
    }
}

impl Drop for LayerReader {
    fn drop(&mut self) {
        self.task.abort();
    }
}
