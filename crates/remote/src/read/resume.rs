//! Downloads, whole or in part, that survive broken connections.

use bytes::{Buf as _, Bytes};
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Response, StatusCode};
use wharf_transport::{Body, BodyStream, BoxError};
use wharf_v1::ByteStream;

use crate::error::{Error, Operation, Violation};
use crate::events::Event;
use crate::read::blob_source::{BlobSource, content_range, is_range_refused};
use crate::wire;

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
    source: BlobSource,
    /// Bytes of the blob in all.
    size: Option<u64>,
    /// Bytes of the blob up to and with those that were handed on.
    offset: u64,
    /// Where a part of the blob ends that is not its end.
    end: Option<u64>,
    body: Option<BodyStream>,
    /// Bytes of the current body that come before `offset`.
    skip: u64,
    /// Whether ranges are still worth asking for.
    ranges: bool,
    /// Whether an answer has come before.
    answered: bool,
    /// Resumes left until progress is made.
    resumes: u32,
    /// `offset` when there were last all resumes left.
    mark: u64,
}

impl Download {
    /// Asks for the blob. `size` is adopted from the answer where it is not known.
    pub(super) async fn open(source: BlobSource, size: Option<u64>) -> Result<Self, Error> {
        let response = source.get(None).await?;
        let mut download = Self::new(source, size);
        download.begin(response)?;
        Ok(download)
    }

    /// Asks for the first part of a blob, up to before `end`. From a registry that sends no parts it is the whole.
    pub(super) async fn open_first_part(source: BlobSource, size: u64, end: u64) -> Result<Self, Error> {
        let response = match source.get(Some((0, Some(end)))).await {
            Err(error) if is_range_refused(&error) => return Self::open(source, Some(size)).await,
            outcome => outcome?,
        };
        let mut download = Self::new(source, Some(size));
        download.end = Some(end);
        if response.status() != StatusCode::PARTIAL_CONTENT {
            download.end = None;
            download.begin(response)?;
        } else if download.is_continued_by(response.headers()) {
            download.answered = true;
            download.body = Some(response.into_body().into_stream());
        }
        // What is another part than was asked for is asked for again.
        Ok(download)
    }

    /// A part of a blob from `start` to before `end`, not asked for yet.
    pub(super) fn part(source: BlobSource, size: u64, start: u64, end: u64) -> Self {
        let mut download = Self::new(source, Some(size));
        download.offset = start;
        download.mark = start;
        download.end = (end < size).then_some(end);
        download
    }

    fn new(source: BlobSource, size: Option<u64>) -> Self {
        let resumes = source.client.settings().resumes;
        Self {
            source,
            size,
            offset: 0,
            end: None,
            body: None,
            skip: 0,
            ranges: true,
            answered: false,
            resumes,
            mark: 0,
        }
    }

    /// Begins with an answer that has the whole blob.
    fn begin(&mut self, response: Response<Body>) -> Result<(), Error> {
        let told = wire::content_length(response.headers());
        if let (Some(want), Some(got)) = (self.size, told)
            && want != got
        {
            let mismatch = wharf_v1::Error::SizeMismatch { got, want };
            return Err(Error::content(
                Operation::ReadBlob,
                &self.source.reference,
                mismatch,
            ));
        }
        self.size = self.size.or(told);
        self.answered = true;
        self.body = Some(response.into_body().into_stream());
        Ok(())
    }

    /// Whether it is not the whole blob.
    pub(super) fn is_part(&self) -> bool {
        self.end.is_some()
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
            if self.end.is_some_and(|end| self.offset >= end) {
                self.body = None;
                return Ok(None);
            }
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
                None => match self.end.or(self.size) {
                    Some(end) if self.offset < end => self.broke_off(EndedEarly.into()).await?,
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
        if let Some(left) = self.end.map(|end| end.saturating_sub(self.offset)) {
            chunk.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        }
        self.offset += chunk.len() as u64;
        self.tell(chunk.len() as u64);
        if self.offset - self.mark >= PROGRESS {
            self.mark = self.offset;
            self.resumes = self.source.client.settings().resumes;
        }
        chunk
    }

    fn tell(&self, bytes: u64) {
        let events = self.source.client.events();
        if let (true, Some(digest)) = (events.is_on() && bytes > 0, self.source.reference.digest()) {
            events.emit(Event::BlobReceived {
                repository: self.source.reference.repository(),
                digest,
                bytes,
                size: self.size,
            });
        }
    }

    /// Prepares to go on, or gives up.
    async fn broke_off(&mut self, cause: BoxError) -> Result<(), Error> {
        self.body = None;
        let all = self.source.client.settings().resumes;
        if self.resumes == 0 {
            let violation = Violation::BrokenOff {
                offset: self.offset,
                source: cause,
            };
            return Err(Error::answer(
                Operation::ReadBlob,
                &self.source.reference,
                violation,
            ));
        }
        tracing::debug!(reference = %self.source.reference, offset = self.offset, %cause, "resuming blob");
        tokio::time::sleep(wire::break_pause(all - self.resumes)).await;
        self.resumes -= 1;
        Ok(())
    }

    async fn reopen(&mut self) -> Result<(), Error> {
        let is_part = self.offset > 0 || self.end.is_some();
        let range = (self.ranges && is_part).then_some((self.offset, self.end.or(self.size)));
        let response = match self.source.get(range).await {
            Ok(response) => response,
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
        let resumed = std::mem::replace(&mut self.answered, true);
        if let (true, Some(digest)) = (resumed, self.source.reference.digest()) {
            let (repository, offset) = (self.source.reference.repository(), self.offset);
            self.source.client.events().emit(Event::BlobResumed {
                repository,
                digest,
                offset,
            });
        }
        self.body = Some(response.into_body().into_stream());
        Ok(())
    }

    /// Whether a partial answer is the part that was asked for.
    fn is_continued_by(&self, headers: &HeaderMap) -> bool {
        let Some((start, total)) = content_range(headers) else {
            return false;
        };
        start == self.offset && (total.is_none() || self.size.is_none() || total == self.size)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the connection was closed before the end")]
struct EndedEarly;

#[derive(Debug, thiserror::Error)]
#[error("the registry sent another range than was asked for")]
struct WrongRange;
