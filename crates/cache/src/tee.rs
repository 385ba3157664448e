//! Streams that are kept while they go by.

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use oci_spec::image::Descriptor;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use wharf_v1::{ByteStream, Error};

use crate::Cache;

/// Chunks between the reader and the disk.
const IN_FLIGHT: usize = 8;

struct Tee {
    source: ByteStream,
    /// To the task that writes, until that has failed.
    sender: Option<mpsc::Sender<Result<Bytes, Error>>>,
    writer: Option<JoinHandle<()>>,
}

/// `source`, which goes into the cache as it is read. The entry is there when the stream has ended; whoever stops early
/// leaves none.
pub(crate) fn into_cache(cache: Cache, descriptor: Descriptor, source: ByteStream) -> ByteStream {
    let (sender, receiver) = mpsc::channel(IN_FLIGHT);
    let writer = tokio::spawn(async move {
        let chunks = stream::unfold(receiver, |mut receiver: mpsc::Receiver<_>| async move {
            Some((receiver.recv().await?, receiver))
        });
        if let Err(error) = cache.put(&descriptor, ByteStream::new(chunks)).await {
            tracing::debug!(digest = %descriptor.digest(), %error, "not kept in the cache");
        }
    });
    let tee = Tee {
        source,
        sender: Some(sender),
        writer: Some(writer),
    };
    ByteStream::new(stream::unfold(tee, |mut tee| async move {
        let item = tee.next().await?;
        Some((item, tee))
    }))
}

impl Tee {
    async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        let item = self.source.next().await;
        let copy = match &item {
            Some(Ok(chunk)) => Ok(chunk.clone()),
            Some(Err(_)) => Err(Error::Aborted),
            None => {
                // The entry is there for whoever asks next.
                self.sender = None;
                if let Some(writer) = self.writer.take() {
                    let _ = writer.await;
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
