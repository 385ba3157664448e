//! Downloads that survive broken connections.

use std::time::Duration;

use bytes::{Buf as _, Bytes};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Method, Response, StatusCode, header};
use wharf_name::{DigestReference, Reference};
use wharf_transport::{Body, BodyStream, BoxError};
use wharf_v1::ByteStream;

use crate::error::{Error, Operation, Violation};
use crate::events::Event;
use crate::{Client, wire};

/// Progress that earns a download its full number of resumes again. A server that hands out single bytes thus cannot
/// keep a client for ever.
const PROGRESS: u64 = 256 << 10;

/// The bytes of one blob, asked for again from where they stopped whenever the connection breaks.
///
/// Nothing is verified here: whoever reads hashes what goes by, and need not know that it came in several pieces.
///
/// Resumption asks for a closed range, since some registries refuse open ones, and does not wait for `Accept-Ranges`,
/// which most that honour ranges do not send. A registry that answers with the whole blob is read from the start, and
/// what came before is dropped.
pub(super) struct Download {
    client: Client,
    reference: Reference,
    size: Option<u64>,
    /// Bytes handed on.
    offset: u64,
    body: Option<BodyStream>,
    /// Bytes of the current body that were handed on before.
    skip: u64,
    /// Whether ranges are still worth asking for.
    ranges: bool,
    /// Resumes left until progress is made.
    resumes: u32,
    /// `offset` when there were last all resumes left.
    mark: u64,
}

impl Download {
    /// Asks for the blob. `size` is adopted from the answer where it is not known.
    pub(super) async fn open(
        client: Client,
        reference: DigestReference,
        size: Option<u64>,
    ) -> Result<Self, Error> {
        let resumes = client.settings().resumes;
        let reference = Reference::Digest(reference);
        let mut download = Self {
            client,
            reference,
            size,
            offset: 0,
            body: None,
            skip: 0,
            ranges: true,
            resumes,
            mark: 0,
        };
        let response = request(&download.client, &download.reference, None).await?;
        let told = wire::content_length(response.headers());
        if let (Some(want), Some(got)) = (size, told)
            && want != got
        {
            let source = wharf_v1::Error::SizeMismatch { got, want };
            return Err(Error::content(Operation::ReadBlob, &download.reference, source));
        }
        download.size = size.or(told);
        download.body = Some(response.into_body().into_stream());
        Ok(download)
    }

    /// Bytes in all, where they are known.
    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }

    pub(super) fn into_stream(self) -> ByteStream {
        ByteStream::new(stream::try_unfold(self, |mut download| async move {
            let chunk = download.next().await?;
            Ok(chunk.map(|chunk| (chunk, download)))
        }))
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let Some(body) = &mut self.body else {
                self.reopen().await?;
                continue;
            };
            match body.next().await {
                Some(Ok(chunk)) => {
                    let chunk = self.take(chunk);
                    if !chunk.is_empty() {
                        return Ok(Some(chunk));
                    }
                }
                Some(Err(cause)) => self.broke_off(cause).await?,
                None => match self.size {
                    Some(size) if self.offset < size => self.broke_off(EndedEarly.into()).await?,
                    _ => return Ok(None),
                },
            }
        }
    }

    /// What of a chunk was not handed on before.
    fn take(&mut self, mut chunk: Bytes) -> Bytes {
        let again = self.skip.min(chunk.len() as u64);
        self.skip -= again;
        chunk.advance(usize::try_from(again).expect("at most the length of the chunk"));
        self.offset += chunk.len() as u64;
        self.tell(chunk.len() as u64);
        if self.offset - self.mark >= PROGRESS {
            self.mark = self.offset;
            self.resumes = self.client.settings().resumes;
        }
        chunk
    }

    fn tell(&self, bytes: u64) {
        let events = self.client.events();
        if let (true, Some(digest)) = (events.is_on() && bytes > 0, self.reference.digest()) {
            events.emit(Event::BlobReceived {
                repository: self.reference.repository(),
                digest,
                bytes,
                size: self.size,
            });
        }
    }

    /// Prepares to go on, or gives up.
    async fn broke_off(&mut self, cause: BoxError) -> Result<(), Error> {
        self.body = None;
        let all = self.client.settings().resumes;
        if self.resumes == 0 {
            let violation = Violation::BrokenOff {
                offset: self.offset,
                source: cause,
            };
            return Err(Error::answer(Operation::ReadBlob, &self.reference, violation));
        }
        tracing::debug!(reference = %self.reference, offset = self.offset, %cause, "resuming blob");
        tokio::time::sleep(pause(all - self.resumes)).await;
        self.resumes -= 1;
        Ok(())
    }

    async fn reopen(&mut self) -> Result<(), Error> {
        let range = if self.ranges && self.offset > 0 {
            Some(self.range())
        } else {
            None
        };
        let response = match request(&self.client, &self.reference, range.as_deref()).await {
            Ok(response) => response,
            // Distribution answers 400 where 416 is meant.
            Err(error) if range.is_some() && is_range_refused(&error) => {
                self.ranges = false;
                return self.broke_off(error.into()).await;
            }
            Err(error) if error.is_temporary() => return self.broke_off(error.into()).await,
            Err(error) => return Err(error),
        };
        if response.status() == StatusCode::PARTIAL_CONTENT {
            if !self.is_continued_by(response.headers()) {
                self.ranges = false;
                return self.broke_off(WrongRange.into()).await;
            }
            self.skip = 0;
        } else {
            self.skip = self.offset;
        }
        if let Some(digest) = self.reference.digest() {
            let (repository, offset) = (self.reference.repository(), self.offset);
            self.client.events().emit(Event::BlobResumed {
                repository,
                digest,
                offset,
            });
        }
        self.body = Some(response.into_body().into_stream());
        Ok(())
    }

    fn range(&self) -> String {
        match self.size {
            Some(size) => format!("bytes={}-{}", self.offset, size - 1),
            None => format!("bytes={}-", self.offset),
        }
    }

    /// Whether a partial answer is the part that was asked for.
    fn is_continued_by(&self, headers: &HeaderMap) -> bool {
        let Some((start, total)) = content_range(headers) else {
            return false;
        };
        start == self.offset && (total.is_none() || self.size.is_none() || total == self.size)
    }
}

async fn request(
    client: &Client,
    reference: &Reference,
    range: Option<&str>,
) -> Result<Response<Body>, Error> {
    let repository = reference.repository();
    let path = wire::blob_path(reference);
    let call = client
        .call(Method::GET, wire::pull(repository), &path)
        // Storage that labels its content as encoded would otherwise have it decoded on the way, and other bytes
        // than those asked for would come.
        .header(header::ACCEPT_ENCODING, "identity")
        .unlogged();
    let call = match range {
        Some(range) => call
            .header(header::RANGE, range)
            .accepted(&[StatusCode::OK, StatusCode::PARTIAL_CONTENT]),
        None => call.accepted(&[StatusCode::OK]),
    };
    call.send()
        .await
        .map_err(|error| Error::request(Operation::ReadBlob, reference, error))
}

/// First byte and, where it is told, total size in a `Content-Range: bytes <first>-<last>/<total>`.
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let value = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = value.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let total = match total.trim() {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    (first <= last).then_some((first, total))
}

fn is_range_refused(error: &Error) -> bool {
    matches!(
        error.status(),
        Some(StatusCode::BAD_REQUEST | StatusCode::RANGE_NOT_SATISFIABLE)
    )
}

/// How long to wait before a resume that is not the first without progress.
fn pause(failures: u32) -> Duration {
    match failures {
        // What worked a moment ago is worth asking again at once.
        0 => Duration::ZERO,
        _ => Duration::from_millis(100) * 3_u32.saturating_pow((failures - 1).min(4)),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the connection was closed before the end")]
struct EndedEarly;

#[derive(Debug, thiserror::Error)]
#[error("the registry sent another range than was asked for")]
struct WrongRange;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, want: Option<(u64, Option<u64>)>) {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_RANGE, value.parse().expect("a header value"));
        assert_eq!(content_range(&headers), want, "{value}");
    }

    #[test]
    fn content_ranges() {
        check("bytes 7-9/10", Some((7, Some(10))));
        check("bytes 7-9/*", Some((7, None)));
        check("bytes  0-0/1", Some((0, Some(1))));
        check("bytes */10", None);
        check("bytes 9-7/10", None);
        check("bytes 7-/10", None);
        check("items 7-9/10", None);
        check("bytes 7-9", None);
        check("bytes 99999999999999999999-9/10", None);
        check("", None);
    }

    proptest::proptest! {
        #[test]
        fn no_range_panics(value in "[ -~]{0,40}") {
            let headers = HeaderMap::from_iter([(header::CONTENT_RANGE, value.parse().expect("printable"))]);
            let _ = content_range(&headers);
        }

        #[test]
        fn a_range_is_read_as_written(first in 0..1000_u64, more in 0..1000_u64, rest in 1..1000_u64) {
            let (last, total) = (first + more, first + more + rest);
            let value = format!("bytes {first}-{last}/{total}").parse().expect("printable");
            let headers = HeaderMap::from_iter([(header::CONTENT_RANGE, value)]);
            proptest::prop_assert_eq!(content_range(&headers), Some((first, Some(total))));
        }
    }
}
