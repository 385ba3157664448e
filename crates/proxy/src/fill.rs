//! Blobs from upstream, kept while they are handed on.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use oci_spec::image::Digest;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use wharf_registry::RepositoryName;
use wharf_registry::store::{Chunk, Error, Store};
use wharf_v1::ByteStream;

/// Chunks between the reader and the store.
const IN_FLIGHT: usize = 8;

struct Fill {
    source: ByteStream,
    /// To the task that keeps, until that has failed.
    sender: Option<mpsc::Sender<Result<Bytes, wharf_v1::Error>>>,
    keeper: Option<JoinHandle<()>>,
}

/// `source`, which is kept as it is read. It is there when the stream has ended; whoever stops early leaves nothing.
pub(crate) fn keeping(
    kept: Arc<dyn Store>,
    repository: RepositoryName,
    digest: Digest,
    source: ByteStream,
) -> ByteStream {
    let (sender, receiver) = mpsc::channel(IN_FLIGHT);
    let keeper = tokio::spawn(async move {
        let bytes = stream::unfold(receiver, |mut receiver: mpsc::Receiver<_>| async move {
            Some((receiver.recv().await?, receiver))
        });
        let outcome = keep(&*kept, &repository, &digest, ByteStream::new(bytes)).await;
        if let Err(error) = outcome {
            tracing::debug!(repository = repository.as_str(), %digest, %error, "not kept");
        }
    });
    let fill = Fill {
        source,
        sender: Some(sender),
        keeper: Some(keeper),
    };
    ByteStream::new(stream::unfold(fill, |mut fill| async move {
        let item = fill.next().await?;
        Some((item, fill))
    }))
}

/// Keeps all of a blob, or nothing.
pub(crate) async fn keep(
    kept: &dyn Store,
    repository: &RepositoryName,
    digest: &Digest,
    bytes: ByteStream,
) -> Result<(), Error> {
    let id = kept.begin_upload(repository, digest.algorithm()).await?;
    let chunk = Chunk::new(bytes).with_algorithm(digest.algorithm().clone());
    let outcome = match kept.append_upload(repository, &id, chunk).await {
        Ok(_) => kept.finish_upload(repository, &id, digest).await,
        Err(error) => Err(error),
    };
    if outcome.is_err() {
        // It may be gone already.
        let _ = kept.cancel_upload(repository, &id).await;
    }
    outcome
}

impl Fill {
    async fn next(&mut self) -> Option<Result<Bytes, wharf_v1::Error>> {
        let item = self.source.next().await;
        let copy = match &item {
            Some(Ok(chunk)) => Ok(chunk.clone()),
            Some(Err(_)) => Err(wharf_v1::Error::Aborted),
            None => {
                // It is there for whoever asks next.
                self.sender = None;
                if let Some(keeper) = self.keeper.take() {
                    let _ = keeper.await;
                }
                return None;
            }
        };
        if let Some(sender) = &self.sender
            && sender.send(copy).await.is_err()
        {
            self.sender = None;
        }
        item
    }
}
