//! Counting the bytes of an upload, and keeping the reason when its source fails.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt as _;
use oci_spec::image::Digest;
use wharf_name::Repository;
use wharf_transport::{BodyStream, BoxError};
use wharf_v1::ByteStream;

use crate::Client;
use crate::events::Event;

/// Counts the bytes that the HTTP stack takes for one blob.
#[derive(Clone)]
pub(super) struct Meter(Arc<Inner>);

struct Inner {
    client: Client,
    repository: Repository,
    digest: Option<Digest>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Bytes that count.
    sent: u64,
    /// Which body counts: the HTTP stack may go on reading one that was answered already.
    body: u64,
    fault: Option<wharf_v1::Error>,
}

/// Takes back what was sent of a blob that does not get there, be it that the upload fails or that it is given up.
pub(super) struct Unfinished(Option<Meter>);

impl Unfinished {
    pub(super) fn new(meter: &Meter) -> Self {
        Self(Some(meter.clone()))
    }

    /// It got there.
    pub(super) fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(meter) = &self.0 {
            meter.rewind(0);
        }
    }
}

/// Watches one body.
#[derive(Clone)]
pub(super) struct Watch {
    meter: Meter,
    body: u64,
}

impl Meter {
    pub(super) fn new(client: Client, repository: Repository, digest: Option<Digest>) -> Self {
        Self(Arc::new(Inner {
            client,
            repository,
            digest,
            state: Mutex::default(),
        }))
    }

    /// Begins with another body: what is still read of those before it does not count.
    pub(super) fn body(&self) -> Watch {
        let mut state = self.state();
        state.body += 1;
        let body = state.body;
        drop(state);
        Watch {
            meter: self.clone(),
            body,
        }
    }

    /// Of the bytes counted so far those from `offset` on were sent for nothing, and no body is being sent.
    pub(super) fn rewind(&self, offset: u64) {
        let mut state = self.state();
        state.body += 1;
        self.take_back(&mut state, offset);
    }

    /// The registry has all `size` bytes, also those that nobody saw go there.
    pub(super) fn settle(&self, size: u64) {
        self.rewind(size);
        let mut state = self.state();
        let missing = size.saturating_sub(state.sent);
        if missing > 0 && self.0.client.events().is_on() {
            state.sent = size;
            self.0.client.events().emit(Event::BlobSent {
                repository: &self.0.repository,
                digest: self.0.digest.as_ref(),
                bytes: missing,
            });
        }
    }

    fn take_back(&self, state: &mut State, offset: u64) {
        let Inner {
            client,
            repository,
            digest,
            ..
        } = &*self.0;
        let bytes = state.sent.saturating_sub(offset);
        if bytes > 0 {
            state.sent = offset;
            client.events().emit(Event::BlobRewound {
                repository,
                digest: digest.as_ref(),
                bytes,
            });
        }
    }

    /// The reason why the source failed, if it did.
    pub(super) fn fault(&self) -> Option<wharf_v1::Error> {
        self.state().fault.take()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// The body is read, again if it was before, from the byte at `offset` of the blob.
    pub(super) fn begin(&self, offset: u64) {
        let mut state = self.meter.state();
        if state.body == self.body {
            self.meter.take_back(&mut state, offset);
        }
    }

    /// `stream`, watched.
    pub(super) fn stream(self, stream: ByteStream) -> BodyStream {
        Box::pin(stream.map(move |item| match item {
            Ok(chunk) => {
                self.count(&chunk);
                Ok(chunk)
            }
            Err(error) => Err(self.fail(error)),
        }))
    }

    fn count(&self, chunk: &Bytes) {
        let Inner {
            client,
            repository,
            digest,
            ..
        } = &*self.meter.0;
        if !client.events().is_on() {
            return;
        }
        let mut state = self.meter.state();
        if state.body == self.body {
            let bytes = chunk.len() as u64;
            state.sent += bytes;
            // Under the lock, so that nobody takes back what was not told yet.
            client.events().emit(Event::BlobSent {
                repository,
                digest: digest.as_ref(),
                bytes,
            });
        }
    }

    /// Keeps the reason why the source failed; the error of the HTTP stack, which may hide it, gets a stand-in.
    pub(super) fn fail(&self, error: wharf_v1::Error) -> BoxError {
        let mut state = self.meter.state();
        if state.body == self.body {
            state.fault = Some(error);
        }
        SourceFailed.into()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the content could not be read")]
struct SourceFailed;
