//! Upload sessions, which are not left open.

use http::{HeaderMap, Method, Response, StatusCode, Uri, header};
use wharf_name::Repository;
use wharf_transport::Body;

use crate::error::{Error, Operation, Violation};
use crate::write::Destination;
use crate::{Client, wire};

/// An upload session at a registry. One that is dropped before it is [finished](Self::finish) is given up with a
/// `DELETE`, so that the registry need not keep what was sent.
pub(super) struct Session {
    client: Client,
    repository: Repository,
    location: Option<Uri>,
    /// The fewest bytes that a chunk may have, unless it is the last.
    chunk_min: u64,
}

impl Destination {
    /// Begins an upload.
    pub(super) async fn begin(&self) -> Result<Session, Error> {
        let path = format!("{}/blobs/uploads/", self.repository.path());
        let response = self
            .client
            .call(Method::POST, wire::push(&self.repository), &path)
            .accepted(&[StatusCode::ACCEPTED])
            .send()
            .await
            .map_err(|error| Error::request(Operation::WriteBlob, &self.repository, error))?;
        Session::begun(self, &response)
    }
}

impl Session {
    /// The session that an answer says was begun.
    pub(super) fn begun(destination: &Destination, response: &Response<Body>) -> Result<Self, Error> {
        let repository = &destination.repository;
        let location = location(&destination.client, repository, response)?.ok_or_else(|| {
            let violation = Violation::MissingHeader {
                name: header::LOCATION,
            };
            Error::answer(Operation::WriteBlob, repository, violation)
        })?;
        let (client, repository) = (destination.client.clone(), repository.clone());
        Ok(Self {
            client,
            repository,
            location: Some(location),
            chunk_min: chunk_min(response.headers()),
        })
    }

    /// The fewest bytes that the registry wants in a chunk.
    pub(super) fn chunk_min(&self) -> u64 {
        self.chunk_min
    }

    /// Where the next request of the session goes.
    pub(super) fn location(&self) -> &Uri {
        self.location
            .as_ref()
            .expect("it is there until the session is finished")
    }

    /// Goes on where an answer says: the latest location counts.
    pub(super) fn advance(&mut self, response: &Response<Body>) -> Result<(), Error> {
        if let Some(next) = location(&self.client, &self.repository, response)? {
            self.location = Some(next);
        }
        Ok(())
    }

    /// How many bytes of the blob the registry has, where it says so
    /// ([distribution-spec](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-a-blob-in-chunks)).
    pub(super) async fn status(&mut self) -> Option<u64> {
        let response = self
            .client
            .call_url(Method::GET, wire::push(&self.repository), self.location())
            .accepted(&[StatusCode::NO_CONTENT, StatusCode::OK, StatusCode::ACCEPTED])
            .send()
            .await
            .ok()?;
        let offset = taken(response.headers())?;
        self.advance(&response).ok()?;
        Some(offset)
    }

    /// The session has ended at the registry.
    pub(super) fn finish(&mut self) {
        self.location = None;
    }
}

/// The most that a registry may want in a chunk: more is not taken for meant.
const CHUNK_MIN_LIMIT: u64 = 1 << 30;

fn chunk_min(headers: &HeaderMap) -> u64 {
    let value = headers.get("oci-chunk-min-length");
    let value = value.and_then(|value| value.to_str().ok()?.parse().ok());
    value.unwrap_or(0).min(CHUNK_MIN_LIMIT)
}

/// The bytes that a registry has by its `Range: 0-<last>`. With none it cannot say anything else than with one, so that
/// is none.
pub(super) fn taken(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(header::RANGE)?.to_str().ok()?;
    let range = range.strip_prefix("bytes=").unwrap_or(range);
    let (first, last) = range.split_once('-')?;
    let last: u64 = last.trim().parse().ok()?;
    match first.trim() {
        "0" if last == 0 => Some(0),
        "0" => last.checked_add(1),
        _ => None,
    }
}

fn location(
    client: &Client,
    repository: &Repository,
    response: &Response<Body>,
) -> Result<Option<Uri>, Error> {
    let judged = client.location(repository.registry(), response).transpose();
    judged.map_err(|error| Error::request(Operation::WriteBlob, repository, error))
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(location) = self.location.take() else {
            return;
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let (client, repository) = (self.client.clone(), self.repository.clone());
        runtime.spawn(async move {
            let call = client
                .call_url(Method::DELETE, wire::push(&repository), &location)
                .never_retry();
            if let Err(error) = call.send().await {
                tracing::debug!(%repository, %error, "could not give up an upload session");
            }
        });
    }
}
