//! Sending a blob whose digest is known.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Method, StatusCode, header};
use oci_spec::image::Descriptor;
use wharf_name::Reference;
use wharf_transport::{Body, Opener};
use wharf_v1::ByteStream;

use crate::client::{BlobSize, UploadMode};
use crate::error::{Error, Operation, Target, Violation};
use crate::events::Event;
use crate::wire::{self, with_query};
use crate::write::Destination;
use crate::write::meter::Meter;
use crate::write::session::Session;
use crate::write::source::{Content, Opened, Source};

/// What a registry may answer when it has taken bytes.
pub(super) const TAKEN: &[StatusCode] = &[
    StatusCode::CREATED,
    StatusCode::ACCEPTED,
    StatusCode::NO_CONTENT,
    StatusCode::OK,
];

/// Why an attempt did not succeed.
enum Failure {
    /// Nothing that another attempt would change.
    Final(Error),
    /// Something happened while the bytes were under way. The registry may have them all the same.
    OnTheWay(Error),
}

impl Destination {
    /// Sends the blob, if it is not known to be begun and opened already: `POST`, then one request with all bytes
    /// ([distribution-spec](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#post-then-put)).
    ///
    /// Chunks are slower everywhere and broken in many places, so there are none. An attempt that fails on the way may
    /// have succeeded: the registry is asked. If it did not, the next attempt begins with a new session.
    pub(super) async fn upload(
        &self,
        descriptor: &Descriptor,
        content: &Content<'_>,
        mut session: Option<Session>,
        mut opened: Option<Opened>,
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
        let mut mode = self.host.upload_mode();
        let mut attempt = 1;
        loop {
            let outcome = self
                .attempt(descriptor, content, (session.take(), opened.take()), mode, &meter)
                .await;
            let error = match outcome {
                Ok(()) => break,
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::OnTheWay(error)) => error,
            };
            // The transport may hold the question back for as long as the registry asks for.
            let failed = tokio::time::Instant::now();
            if is_ambiguous(&error) && self.has_blob(descriptor).await.unwrap_or(false) {
                break;
            }
            meter.rewind();
            let can_repeat = content.is_reopenable();
            if can_repeat && mode == UploadMode::Put && is_put_refused(&error, attempt) {
                mode = UploadMode::Patch;
            } else if can_repeat && is_ambiguous(&error) && attempt < self.client.settings().attempts {
                tokio::time::sleep_until(failed + pause(attempt, &error)).await;
                attempt += 1;
            } else {
                return Err(error);
            }
            self.emit(Event::Retrying {
                repository,
                error: &error,
            });
        }
        if mode == UploadMode::Patch {
            self.host.learn_patch();
        }
        self.emit(Event::BlobPushed {
            repository,
            descriptor,
        });
        Ok(())
    }

    async fn attempt(
        &self,
        descriptor: &Descriptor,
        content: &Content<'_>,
        (session, opened): (Option<Session>, Option<Opened>),
        mode: UploadMode,
        meter: &Meter,
    ) -> Result<(), Failure> {
        let target = self.blob_reference(descriptor);
        let open = async {
            let opened = match opened {
                Some(opened) => Ok(opened),
                None => content.open().await,
            };
            opened.map_err(|error| Error::content(Operation::WriteBlob, &target, error))
        };
        let begin = async {
            match session {
                Some(session) => Ok(session),
                None => self.begin().await,
            }
        };
        // Where the bytes come from another registry, its answer is waited for at the same time.
        let (session, (source, stream)) = futures_util::future::try_join(begin, open)
            .await
            .map_err(Failure::Final)?;
        let body = body(descriptor.size(), source, stream, meter.clone());
        let sent = match mode {
            UploadMode::Put => self.put(descriptor, session, body).await,
            UploadMode::Patch => match self.patch(&target, session, body).await {
                Ok(session) => self.put(descriptor, session, Body::empty()).await,
                Err(error) => Err(error),
            },
        };
        sent.map_err(|error| match meter.fault() {
            Some(fault) => Failure::Final(Error::content(Operation::WriteBlob, &target, fault)),
            None => Failure::OnTheWay(error),
        })
    }

    /// Sends bytes without committing them.
    pub(super) async fn patch(
        &self,
        target: impl Into<Target>,
        mut session: Session,
        body: Body,
    ) -> Result<Session, Error> {
        let response = self
            .client
            .call_url(Method::PATCH, wire::push(&self.repository), session.location())
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(body)
            .accepted(TAKEN)
            .unlogged()
            .never_retry()
            .send()
            .await
            .map_err(|error| Error::request(Operation::WriteBlob, target, error))?;
        session.advance(&response)?;
        Ok(session)
    }

    /// Commits a session, with the bytes in `body` if there are any.
    pub(super) async fn put(
        &self,
        descriptor: &Descriptor,
        session: Session,
        body: Body,
    ) -> Result<(), Error> {
        let target = self.blob_reference(descriptor);
        let url = session.location().to_string();
        let url = with_query(&url, "digest", descriptor.digest().as_ref());
        let url = url.parse().map_err(|_| {
            let violation = Violation::InvalidHeader {
                name: header::LOCATION,
            };
            Error::answer(Operation::WriteBlob, &target, violation)
        })?;
        let response = self
            .client
            .call_url(Method::PUT, wire::push(&self.repository), &url)
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(body)
            .accepted(TAKEN)
            .unlogged()
            .never_retry()
            .send()
            .await
            .map_err(|error| Error::request(Operation::WriteBlob, &target, error))?;
        session.finish();
        match wire::content_digest(response.headers()) {
            Some(got)
                if got.algorithm() == descriptor.digest().algorithm() && got != *descriptor.digest() =>
            {
                let want = descriptor.digest().clone();
                Err(Error::answer(
                    Operation::WriteBlob,
                    &target,
                    Violation::Stored { got, want },
                ))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn blob_reference(&self, descriptor: &Descriptor) -> Reference {
        Reference::Digest(self.repository.digest(descriptor.digest().clone()))
    }
}

/// The body of an upload. It is opened again for every time that it is sent, except that the stream that is open
/// already serves the first.
fn body(size: u64, source: Source, first: ByteStream, meter: Meter) -> Body {
    if !source.is_reopenable() {
        return Body::one_shot(meter.watch(first), Some(size));
    }
    let first = Mutex::new(Some(first));
    let open: Opener = Arc::new(move || {
        meter.rewind();
        let first = first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (source, meter) = (source.clone(), meter.clone());
        Box::pin(async move {
            let stream = match first {
                Some(first) => Ok(first),
                None => source.open().await,
            };
            match stream {
                Ok(stream) => Ok(meter.watch(stream)),
                Err(error) => Err(meter.fail(error)),
            }
        })
    });
    Body::reopenable(Some(size), open)
}

/// Whether the registry may have the blob although the request failed, and whether a new session may do better: it
/// broke down or was cut off, or knows nothing (any more) of the session.
fn is_ambiguous(error: &Error) -> bool {
    error.is_temporary()
        || matches!(
            error.status(),
            Some(StatusCode::NOT_FOUND | StatusCode::RANGE_NOT_SATISFIABLE)
        )
        || error.status().is_some_and(|status| status.is_server_error())
}

/// Whether the registry may be one that takes no bytes with the `PUT`. One that takes none, but does not say so, finds
/// that the digest is not that of nothing.
fn is_put_refused(error: &Error, attempt: u32) -> bool {
    match error.status() {
        Some(
            StatusCode::BAD_REQUEST
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::LENGTH_REQUIRED
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::NOT_IMPLEMENTED,
        ) => true,
        // The first time it may be the session that is not found.
        Some(StatusCode::NOT_FOUND) => attempt > 1,
        _ => false,
    }
}

/// How long to wait after so many attempts: as long as the registry asks for, within limits, or else 1 s, 3 s, 9 s.
fn pause(attempt: u32, error: &Error) -> Duration {
    match error.retry_after() {
        Some(asked) => asked.min(Duration::from_secs(60)),
        None => Duration::from_secs(1) * 3_u32.saturating_pow((attempt - 1).min(2)),
    }
}
