//! Sending a blob whose digest is known, in good and bad weather.

use std::num::NonZeroU64;
use std::time::Duration;

use http::StatusCode;
use oci_spec::image::Descriptor;
use wharf_name::Reference;

use crate::client::{BlobSize, UploadMode};
use crate::error::{Error, Operation, Violation};
use crate::events::Event;
use crate::write::Destination;
use crate::write::meter::{Meter, Unfinished};
use crate::write::parts::Parts;
use crate::write::session::Session;
use crate::write::source::{Content, Opened};

/// Progress that earns an upload all its attempts again.
const PROGRESS: u64 = 1 << 20;

/// How long requests may be where longer ones were refused: each of these is tried after the one before, down to the
/// default of a widespread proxy.
const CHUNKS: [u64; 4] = [64 << 20, 16 << 20, 4 << 20, 1 << 20];

/// One blob on its way.
struct Upload<'a> {
    into: &'a Destination,
    descriptor: &'a Descriptor,
    content: &'a Content<'a>,
    meter: Meter,
    mode: UploadMode,
    session: Option<Session>,
    parts: Option<Parts>,
    /// Bytes that the registry has in this session.
    offset: u64,
    /// Failures since there was progress.
    failures: u32,
    /// `offset` when there were none.
    mark: u64,
}

/// Why an attempt did not succeed.
enum Failure {
    /// Nothing that another attempt would change.
    Final(Error),
    /// Something happened while the bytes were under way. The registry may have them all the same.
    OnTheWay(Error),
}

/// What to do about a failure.
enum Next {
    /// Go on where the registry says that it is, or from the start.
    GoOn,
    /// Start again in another way.
    StartAgain(UploadMode),
    GiveUp,
}

impl Destination {
    /// Sends the blob, if it is not known to be begun and opened already: `POST`, then one request with all bytes
    /// ([distribution-spec](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#post-then-put)).
    ///
    /// Chunks are slower everywhere and broken in many places, so they are sent only to whom wants them. An attempt that
    /// fails on the way may have succeeded: the registry is asked. If it did not, the session goes on with what the
    /// registry does not have, or a new one begins.
    pub(super) async fn upload(
        &self,
        descriptor: &Descriptor,
        content: &Content<'_>,
        session: Option<Session>,
        opened: Option<Opened>,
    ) -> Result<(), Error> {
        let _permit = self.host.upload(BlobSize::of(descriptor.size())).await;
        let repository = &self.repository;
        self.emit(Event::BlobStarted {
            repository,
            descriptor: Some(descriptor),
        });
        let meter = Meter::new(
            self.client.clone(),
            repository.clone(),
            Some(descriptor.digest().clone()),
        );
        let unfinished = Unfinished::new(&meter);
        let learned = self.host.upload_modes.mode();
        let mut upload = Upload {
            into: self,
            descriptor,
            content,
            parts: opened.map(|opened| Parts::new(opened, meter.clone())),
            meter,
            mode: learned,
            session,
            offset: 0,
            failures: 0,
            mark: 0,
        };
        upload.run().await?;
        unfinished.done();
        if upload.mode != learned {
            self.host.upload_modes.learn(upload.mode);
        }
        self.emit(Event::BlobPushed {
            repository,
            descriptor,
        });
        Ok(())
    }
}

impl Destination {
    /// How long to wait after so many failures: as long as the registry asks for, within limits, or else for the pause of the
    /// client, three times as long, and nine times.
    pub(super) fn pause(&self, failures: u32, error: &Error) -> Duration {
        let initial = self.client.settings().upload_pause;
        match error.retry_after() {
            Some(asked) => asked.min(Duration::from_secs(60)),
            None => initial.saturating_mul(3_u32.saturating_pow(failures.saturating_sub(1).min(2))),
        }
    }
}

impl Upload<'_> {
    async fn run(&mut self) -> Result<(), Error> {
        loop {
            let error = match self.attempt().await {
                Ok(()) => return Ok(()),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::OnTheWay(error)) => error,
            };
            // The transport may hold the questions back for as long as the registry asks for.
            let failed = tokio::time::Instant::now();
            if is_ambiguous(&error) && self.into.has_blob(self.descriptor).await.unwrap_or(false) {
                self.meter.settle(self.descriptor.size());
                return Ok(());
            }
            match self.judge(&error) {
                Next::GiveUp => return Err(error),
                Next::StartAgain(mode) => {
                    self.mode = mode;
                    self.start_again(&error);
                }
                Next::GoOn => {
                    let pause = self.into.pause(self.failures, &error);
                    self.into.emit(Event::Waiting {
                        repository: &self.into.repository,
                        digest: Some(self.descriptor.digest()),
                        pause,
                        error: &error,
                    });
                    tokio::time::sleep_until(failed + pause).await;
                    self.go_on(&error).await;
                }
            }
        }
    }

    async fn attempt(&mut self) -> Result<(), Failure> {
        let target = self.target();
        let (session, parts) = (self.session.take(), self.parts.take());
        let open = async {
            match parts {
                Some(parts) => Ok(parts),
                None => self
                    .content
                    .open()
                    .await
                    .map(|opened| Parts::new(opened, self.meter.clone())),
            }
            .map_err(|error| Error::content(Operation::WriteBlob, &target, error))
        };
        let begin = async {
            match session {
                Some(session) => Ok(session),
                None => self.into.begin().await,
            }
        };
        // Where the bytes come from another registry, its answer is waited for at the same time.
        let begun = futures_util::future::try_join(begin, open).await;
        let (mut session, parts) = begun.map_err(Failure::Final)?;
        let sent = self.send(&mut session, &parts).await;
        self.session = Some(session);
        self.parts = Some(parts);
        sent.map_err(|error| match self.meter.fault() {
            Some(fault) => Failure::Final(Error::content(Operation::WriteBlob, &target, fault)),
            None => Failure::OnTheWay(error),
        })
    }

    /// Sends what the registry does not have, and commits it.
    async fn send(&mut self, session: &mut Session, parts: &Parts) -> Result<(), Error> {
        let size = self.descriptor.size();
        if self.offset == 0 && self.sends_whole() {
            let body = parts.body(0, size, size);
            return self.into.put(self.descriptor, session, body).await;
        }
        let chunk = match self.mode {
            UploadMode::Put | UploadMode::Patch => size,
            UploadMode::Chunks(chunk) => chunk.get().max(session.chunk_min()),
        };
        let target = self.target();
        while self.offset < size {
            let (start, end) = (self.offset, size.min(self.offset.saturating_add(chunk)));
            let body = parts.body(start, end, size);
            let range = (end - start < size).then_some((start, end));
            self.into.patch(&target, session, range, body).await?;
            self.offset = end;
        }
        self.into
            .put(self.descriptor, session, wharf_transport::Body::empty())
            .await
    }

    /// Whether all bytes go with the request that commits them.
    fn sends_whole(&self) -> bool {
        match self.mode {
            UploadMode::Put => true,
            UploadMode::Patch => false,
            UploadMode::Chunks(chunk) => self.descriptor.size() <= chunk.get(),
        }
    }

    fn judge(&mut self, error: &Error) -> Next {
        if !self.content.is_reopenable() {
            return Next::GiveUp;
        }
        if error.status() == Some(StatusCode::PAYLOAD_TOO_LARGE) {
            return match self.shorter() {
                Some(chunk) => Next::StartAgain(UploadMode::Chunks(chunk)),
                None => Next::GiveUp,
            };
        }
        if self.sends_whole() && is_put_refused(error, self.failures) {
            return Next::StartAgain(UploadMode::Patch);
        }
        self.failures += 1;
        if is_ambiguous(error) && self.failures < self.into.client.settings().attempts {
            Next::GoOn
        } else {
            Next::GiveUp
        }
    }

    /// A length for requests below that of those which were refused as too long.
    fn shorter(&self) -> Option<NonZeroU64> {
        let size = self.descriptor.size();
        let least = self.session.as_ref().map_or(0, Session::chunk_min);
        let refused = match self.mode {
            UploadMode::Put | UploadMode::Patch => size,
            UploadMode::Chunks(chunk) => chunk.get().max(least).min(size),
        };
        let shorter = CHUNKS.into_iter().find(|chunk| *chunk < refused)?.max(least);
        NonZeroU64::new(shorter).filter(|shorter| shorter.get() < refused)
    }

    /// Finds out how much of the blob the registry has.
    async fn go_on(&mut self, error: &Error) {
        let offset = match &mut self.session {
            Some(session) if error.status() != Some(StatusCode::NOT_FOUND) => session.status().await,
            _ => None,
        };
        let Some(offset) = offset.filter(|offset| (1..=self.descriptor.size()).contains(offset)) else {
            self.start_again(error);
            return;
        };
        self.offset = offset;
        self.meter.rewind(offset);
        if offset >= self.mark.saturating_add(PROGRESS) {
            self.mark = offset;
            self.failures = 0;
        }
        self.into.emit(Event::UploadResumed {
            repository: &self.into.repository,
            descriptor: self.descriptor,
            offset,
            error,
        });
    }

    fn start_again(&mut self, error: &Error) {
        self.session = None;
        self.offset = 0;
        self.mark = 0;
        self.meter.rewind(0);
        self.into.emit(Event::Retrying {
            repository: &self.into.repository,
            error,
        });
    }

    fn target(&self) -> Reference {
        self.into.blob_reference(self.descriptor)
    }
}

/// Whether the registry may have the blob although the request failed, and whether another attempt may do better: it
/// broke down or was cut off, has not got what it should have, or knows nothing (any more) of the session.
pub(super) fn is_ambiguous(error: &Error) -> bool {
    let is_short = |error: &Error| matches!(error, Error::Answer { source, .. } if matches!(**source, Violation::Taken { .. }));
    error.is_temporary()
        || is_short(error)
        || matches!(
            error.status(),
            Some(StatusCode::NOT_FOUND | StatusCode::RANGE_NOT_SATISFIABLE)
        )
        || error.status().is_some_and(|status| status.is_server_error())
}

/// Whether the registry may be one that takes no bytes with the `PUT`. One that takes none, but does not say so, finds
/// that the digest is not that of nothing.
fn is_put_refused(error: &Error, failures: u32) -> bool {
    match error.status() {
        Some(
            StatusCode::BAD_REQUEST
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::LENGTH_REQUIRED
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::NOT_IMPLEMENTED,
        ) => true,
        // The first time it may be the session that is not found.
        Some(StatusCode::NOT_FOUND) => failures > 0,
        _ => false,
    }
}
