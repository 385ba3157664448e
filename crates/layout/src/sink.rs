//! Bytes on their way into the layout: hashed, written and synced on a blocking thread.

use std::io::Write as _;

use bytes::Bytes;
use futures_util::StreamExt as _;
use oci_spec::image::{Descriptor, Digest, DigestAlgorithm};
use tempfile::NamedTempFile;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use wharf_v1::{ByteStream, Error as ContentError, Hasher};

use crate::Error;
use crate::draft::Draft;
use crate::file::{blocking, create_directories, temp_in};
use crate::store::Store;

/// Chunks in flight between the stream and the disk.
const IN_FLIGHT: usize = 2;

/// What is known of a blob before its bytes have come.
#[derive(Clone, Debug)]
pub(crate) enum Expected {
    /// Digest and size; anything else is refused.
    Exactly(Box<Descriptor>),
    /// Nothing: its name is the sha256 digest of what comes.
    Unknown,
}

/// What was stored.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

enum Message {
    Chunk(Bytes),
    /// The stream came to its end. A channel that closes without this word was abandoned.
    End,
}

/// Stores the bytes of a stream under their digest. Nothing is left behind when that fails, or when
/// the future is dropped. The permit is given back when the disk is no longer touched, which in the
/// latter case is later.
pub(crate) async fn store(
    store: &Store,
    draft: &Draft,
    permit: OwnedSemaphorePermit,
    stream: ByteStream,
    expected: Expected,
) -> Result<Stored, Error> {
    let (sender, receiver) = mpsc::channel(IN_FLIGHT);
    let writer = {
        let (store, draft, expected) = (store.clone(), draft.clone(), expected.clone());
        let work = draft.work();
        blocking(move || {
            let result = write(&store, &draft, receiver, &expected);
            drop(work);
            drop(permit);
            result
        })
    };
    let (read, written) = futures_util::future::join(feed(stream, sender), writer).await;
    // A reader that failed is why the writer saw no end; one that found the channel closed is not.
    read.map_err(|source| expected.failed(source))?;
    written?.ok_or_else(|| expected.failed(ContentError::Aborted))
}

async fn feed(mut stream: ByteStream, sender: mpsc::Sender<Message>) -> Result<(), ContentError> {
    while let Some(chunk) = stream.next().await {
        if sender.send(Message::Chunk(chunk?)).await.is_err() {
            return Ok(());
        }
    }
    // The stream of a layer that computes its digest publishes it when it is closed.
    drop(stream);
    let _ = sender.send(Message::End).await;
    Ok(())
}

fn write(
    store: &Store,
    draft: &Draft,
    mut chunks: mpsc::Receiver<Message>,
    expected: &Expected,
) -> Result<Option<Stored>, Error> {
    let mut hasher = expected.hasher()?;
    let directory = store.directory(&expected.algorithm());
    draft.make(|| create_directories(&directory))?;
    let mut temp = temp_in(&directory)?;
    let mut size = 0;
    loop {
        match chunks.blocking_recv() {
            None => return Ok(None),
            Some(Message::End) => break,
            Some(Message::Chunk(chunk)) => {
                size += chunk.len() as u64;
                expected.check_room(size)?;
                hasher.update(&chunk);
                // On the file itself: tempfile would name the path in the error once more.
                temp.as_file_mut()
                    .write_all(&chunk)
                    .map_err(|error| Error::io("write", temp.path(), error))?;
            }
        }
    }
    let digest = hasher.finish();
    expected.check(&digest, size)?;
    commit(store, draft, temp, &digest)?;
    Ok(Some(Stored { digest, size }))
}

fn commit(store: &Store, draft: &Draft, temp: NamedTempFile, digest: &Digest) -> Result<(), Error> {
    temp.as_file()
        .sync_all()
        .map_err(|error| Error::io("sync", temp.path(), error))?;
    let path = store.path(digest);
    draft.make(|| {
        temp.persist(&path)
            .map_err(|error| Error::io("rename to", &path, error.error))?;
        Ok(vec![path])
    })
}

impl Expected {
    fn algorithm(&self) -> DigestAlgorithm {
        match self {
            Self::Exactly(want) => want.digest().algorithm().clone(),
            Self::Unknown => DigestAlgorithm::Sha256,
        }
    }

    fn hasher(&self) -> Result<Hasher, Error> {
        Hasher::new(&self.algorithm()).map_err(|source| self.failed(source))
    }

    /// Refuses the first byte too many, before it costs disk.
    fn check_room(&self, size: u64) -> Result<(), Error> {
        match self {
            Self::Exactly(want) if size > want.size() => Err(self.failed(ContentError::SizeMismatch {
                got: size,
                want: want.size(),
            })),
            _ => Ok(()),
        }
    }

    fn check(&self, digest: &Digest, size: u64) -> Result<(), Error> {
        let Self::Exactly(want) = self else { return Ok(()) };
        if size != want.size() {
            return Err(self.failed(ContentError::SizeMismatch {
                got: size,
                want: want.size(),
            }));
        }
        if digest != want.digest() {
            return Err(self.failed(ContentError::DigestMismatch {
                got: digest.clone(),
                want: want.digest().clone(),
                read: size,
            }));
        }
        Ok(())
    }

    /// The layout's error for what went wrong with the bytes.
    pub(crate) fn failed(&self, error: ContentError) -> Error {
        let source = Box::new(error);
        match self {
            Self::Exactly(want) => Error::Store {
                digest: want.digest().clone(),
                source,
            },
            Self::Unknown => Error::StoreStream { source },
        }
    }
}
