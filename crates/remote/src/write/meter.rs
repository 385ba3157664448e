//! Counting the bytes of an upload, and keeping the reason when its source fails.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt as _;
use oci_spec::image::Digest;
use wharf_name::Repository;
use wharf_transport::{BodyStream, BoxError};
use wharf_v1::ByteStream;

use crate::Client;
use crate::events::Event;

/// Watches the bytes that the HTTP stack takes for one blob.
#[derive(Clone)]
pub(super) struct Meter(Arc<Inner>);

struct Inner {
    client: Client,
    repository: Repository,
    digest: Option<Digest>,
    sent: AtomicU64,
    fault: Mutex<Option<wharf_v1::Error>>,
}

impl Meter {
    pub(super) fn new(client: Client, repository: Repository, digest: Option<Digest>) -> Self {
        let (sent, fault) = (AtomicU64::new(0), Mutex::new(None));
        Self(Arc::new(Inner {
            client,
            repository,
            digest,
            sent,
            fault,
        }))
    }

    /// `stream`, watched.
    pub(super) fn watch(&self, stream: ByteStream) -> BodyStream {
        let meter = self.clone();
        Box::pin(stream.map(move |item| match item {
            Ok(chunk) => {
                meter.count(&chunk);
                Ok(chunk)
            }
            Err(error) => Err(meter.fail(error)),
        }))
    }

    fn count(&self, chunk: &Bytes) {
        let Inner {
            client,
            repository,
            digest,
            sent,
            ..
        } = &*self.0;
        if client.events().is_on() {
            let bytes = chunk.len() as u64;
            sent.fetch_add(bytes, Ordering::Relaxed);
            client.events().emit(Event::BlobSent {
                repository,
                digest: digest.as_ref(),
                bytes,
            });
        }
    }

    /// Keeps the reason why the source failed; the error of the HTTP stack, which may hide it, gets a stand-in.
    pub(super) fn fail(&self, error: wharf_v1::Error) -> BoxError {
        *self.0.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        SourceFailed.into()
    }

    /// The reason why the source failed, if it did.
    pub(super) fn fault(&self) -> Option<wharf_v1::Error> {
        self.0.fault.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The bytes counted so far were sent for nothing.
    pub(super) fn rewind(&self) {
        let Inner {
            client,
            repository,
            digest,
            sent,
            ..
        } = &*self.0;
        let bytes = sent.swap(0, Ordering::Relaxed);
        if bytes > 0 {
            client.events().emit(Event::BlobRewound {
                repository,
                digest: digest.as_ref(),
                bytes,
            });
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the content could not be read")]
struct SourceFailed;
