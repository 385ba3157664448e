//! How the bytes of an upload come in: in batches, hashed and written off the async threads, one writer
//! at a time, the latest one first.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use oci_spec::image::{Digest, DigestAlgorithm};
use tokio::sync::{Mutex, OwnedMutexGuard, watch};
use tokio::task::JoinHandle;
use wharf_v1::{ByteStream, Hasher};

use crate::store::{Chunk, Error};

/// Bytes that are collected before they are hashed and written together. Two batches are in memory at
/// most: one on its way to the disk, one on its way from the client.
const BATCH: usize = 256 << 10;

/// Where the bytes of one upload go. Its methods may block.
pub(super) trait Writer: Send + 'static {
    /// Gets ready to write and tells the size so far.
    fn open(&mut self) -> Result<u64, Error>;

    /// Appends all of `batch`, or nothing.
    fn write(&mut self, batch: &[Bytes]) -> Result<(), Error>;

    /// Goes back to an earlier size.
    fn truncate(&mut self, size: u64) -> Result<(), Error>;

    /// Lets go of what `open` took. Does not block.
    fn close(&mut self);
}

/// An open upload: its writer, and the queue before it.
pub(super) struct Intake<W> {
    state: Arc<Mutex<State<W>>>,
    /// Counts who wants to write. Whoever sees a later number gives way.
    turn: watch::Sender<u64>,
}

/// A writer with the hash of all it wrote.
pub(super) struct State<W> {
    pub(super) writer: W,
    /// The hash of the first `size` bytes; absent if they were not hashed as they came.
    hasher: Option<Hasher>,
    size: u64,
    algorithm: DigestAlgorithm,
}

/// The right to write to an upload. Closes the writer when dropped.
pub(super) struct Turn<W: Writer>(OwnedMutexGuard<State<W>>);

impl<W: Writer> Intake<W> {
    /// An upload whose bytes so far, if any, were not hashed here.
    pub(super) fn new(writer: W, algorithm: DigestAlgorithm) -> Self {
        let state = State {
            writer,
            hasher: None,
            size: 0,
            algorithm,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            turn: watch::Sender::new(0),
        }
    }

    /// Whether nobody writes or waits to write.
    pub(super) fn is_idle(&self) -> bool {
        self.state.try_lock().is_ok()
    }

    /// Ends whoever is writing, and gets ready to write. The future that comes with the turn is ready
    /// when it should be given up.
    pub(super) async fn take_turn(&self) -> Result<(Turn<W>, impl Future<Output = ()> + use<W>), Error> {
        let mut mine = 0;
        self.turn.send_modify(|turn| {
            *turn += 1;
            mine = *turn;
        });
        let turn = Turn(Arc::clone(&self.state).lock_owned().await);
        let mut turns = self.turn.subscribe();
        let superseded = async move {
            if turns.wait_for(|turn| *turn > mine).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let turn = join(turn.start(State::open)).await?;
        Ok((turn, superseded))
    }

    /// Appends a chunk; see [`Store::append_upload`](crate::store::Store::append_upload).
    pub(super) async fn append(&self, chunk: Chunk) -> Result<u64, Error> {
        let (turn, superseded) = self.take_turn().await?;
        let start = turn.0.size;
        if let Some(got) = chunk.offset.filter(|offset| *offset != start) {
            return Err(Error::UploadOffset { got, want: start });
        }
        let before = turn.0.hasher.clone();
        let writing = turn.start(move |state| state.begin_chunk(chunk.algorithm));
        let limit = chunk.length.unwrap_or(u64::MAX);
        let (turn, end) = pump(writing, chunk.bytes, limit, superseded).await?;
        let size = turn.0.size;
        let got = match end {
            End::Superseded => return Err(Error::UploadBusy),
            End::Broken(error) => return Err(Error::Client(error.into())),
            End::TooLong => limit.saturating_add(1),
            End::Complete if chunk.length.is_none_or(|want| want == size - start) => return Ok(size),
            End::Complete => size - start,
        };
        join(turn.start(move |state| state.rewind(start, before))).await?;
        Err(Error::UploadLength { got, want: limit })
    }
}

impl<W: Writer> Turn<W> {
    /// Starts `work` where it may block. It runs to its end even if nobody waits for it; then the turn ends.
    pub(super) fn start<F>(mut self, work: F) -> JoinHandle<Result<Self, Error>>
    where
        F: FnOnce(&mut State<W>) -> Result<(), Error> + Send + 'static,
    {
        tokio::task::spawn_blocking(move || work(&mut self.0).map(|()| self))
    }
}

impl<W: Writer> Drop for Turn<W> {
    fn drop(&mut self) {
        self.0.writer.close();
    }
}

impl<W: Writer> State<W> {
    fn open(&mut self) -> Result<(), Error> {
        let size = self.writer.open()?;
        if size != self.size {
            // Another process, or one before this, wrote these bytes.
            self.hasher = None;
            self.size = size;
        }
        Ok(())
    }

    fn begin_chunk(&mut self, algorithm: Option<DigestAlgorithm>) -> Result<(), Error> {
        if self.size == 0 {
            if let Some(algorithm) = algorithm {
                self.algorithm = algorithm;
            }
            self.hasher = Some(Hasher::new(&self.algorithm)?);
        }
        Ok(())
    }

    fn write(&mut self, batch: &[Bytes]) -> Result<(), Error> {
        self.writer.write(batch)?;
        for piece in batch {
            self.size += piece.len() as u64;
            if let Some(hasher) = &mut self.hasher {
                hasher.update(piece);
            }
        }
        Ok(())
    }

    fn rewind(&mut self, size: u64, hasher: Option<Hasher>) -> Result<(), Error> {
        self.writer.truncate(size)?;
        self.size = size;
        self.hasher = hasher;
        Ok(())
    }

    /// The digest of all bytes, if they were hashed with `algorithm` as they came.
    pub(super) fn digest(&self, algorithm: &DigestAlgorithm) -> Result<Option<Digest>, Error> {
        if self.size == 0 {
            return Ok(Some(Hasher::new(algorithm)?.finish()));
        }
        let hashed = self.hasher.clone().map(Hasher::finish);
        Ok(hashed.filter(|digest| digest.algorithm() == algorithm))
    }
}

/// How a chunk ended.
enum End {
    Complete,
    TooLong,
    Superseded,
    Broken(wharf_v1::Error),
}

/// Writes what `bytes` yields, up to `limit`. One batch is written while the next one is collected.
async fn pump<W: Writer>(
    mut writing: JoinHandle<Result<Turn<W>, Error>>,
    mut bytes: ByteStream,
    limit: u64,
    superseded: impl Future<Output = ()>,
) -> Result<(Turn<W>, End), Error> {
    let mut superseded = std::pin::pin!(superseded);
    let mut left = limit;
    loop {
        let mut batch = Vec::new();
        let end = tokio::select! {
            biased;
            () = &mut superseded => Some(End::Superseded),
            end = collect(&mut bytes, &mut batch, &mut left) => end,
        };
        let turn = join(writing).await?;
        writing = turn.start(move |state| state.write(&batch));
        if let Some(end) = end {
            return Ok((join(writing).await?, end));
        }
    }
}

/// Collects a batch. Tells how the chunk ended, if it did.
async fn collect(bytes: &mut ByteStream, batch: &mut Vec<Bytes>, left: &mut u64) -> Option<End> {
    let mut collected = 0;
    while collected < BATCH {
        match bytes.next().await {
            None => return Some(End::Complete),
            Some(Err(error)) => return Some(End::Broken(error)),
            Some(Ok(piece)) => {
                let length = piece.len();
                if length as u64 > *left {
                    return Some(End::TooLong);
                }
                *left -= length as u64;
                collected += length;
                batch.push(piece);
            }
        }
    }
    None
}

/// Waits for work on a blocking thread.
pub(super) async fn join<T>(handle: JoinHandle<Result<T, Error>>) -> Result<T, Error> {
    handle
        .await
        .unwrap_or_else(|error| Err(Error::Other(error.into())))
}
