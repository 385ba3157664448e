//! Bodies of requests and responses, which know whether they can be sent again.

mod reader;

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use futures_core::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _};
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::BoxError;

use self::reader::{Reader, StreamReader};

/// The bytes of a body, piece by piece, as a source of them hands them over.
pub type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, BoxError>> + Send>>;

/// Opens the bytes of a body from their start; called once for every time that the body is sent.
pub type Opener = Arc<dyn Fn() -> BoxFuture<'static, Result<BodyStream, BoxError>> + Send + Sync>;

/// The body of a request or a response: a [`http_body::Body`] of [`Bytes`].
///
/// A request may have to be sent more than once: after a `401`, after a redirect, after a broken connection. Whether
/// that is possible is a property of its body, and the layers of this crate ask for it before they repeat anything:
///
/// | made by | can be sent again |
/// |---|---|
/// | [`empty`](Self::empty), [`full`](Self::full) | always |
/// | [`reopenable`](Self::reopenable) | always, by opening its source again |
/// | [`one_shot`](Self::one_shot), [`new`](Self::new) | only while nobody has read from it |
///
/// Cloning is explicit: [`try_clone`](Self::try_clone) gives an independent body, [`resend`](Self::resend) another
/// handle for the next attempt.
///
/// ```
/// use wharf_transport::Body;
///
/// let body = Body::full("asdf");
/// assert!(body.try_clone().is_some());
///
/// let stream = Box::pin(futures_util::stream::empty());
/// assert!(Body::one_shot(stream, None).try_clone().is_none());
/// ```
pub struct Body {
    source: Source,
    state: State,
    /// Bytes in all, where they are known.
    size: Option<u64>,
    /// Bytes handed over so far.
    read: u64,
}

enum Source {
    Bytes(Bytes),
    Open(Opener),
    Once(Arc<Mutex<Option<Reader>>>),
}

/// The mutexes are never locked: they only make the whole `Sync`, as requests should be.
enum State {
    Unread,
    Opening(Mutex<BoxFuture<'static, Result<BodyStream, BoxError>>>),
    Reading(Mutex<Reader>),
    End,
}

impl Body {
    /// A body without bytes.
    #[must_use]
    pub const fn empty() -> Self {
        Self::of(Source::Bytes(Bytes::new()), Some(0))
    }

    /// A body of bytes in memory.
    #[must_use]
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let size = bytes.len() as u64;
        Self::of(Source::Bytes(bytes), Some(size))
    }

    /// A body that can be read once. `size` is its length in bytes, where that is known; a stream that then has
    /// more or fewer bytes fails.
    #[must_use]
    pub fn one_shot(stream: BodyStream, size: Option<u64>) -> Self {
        let reader: Reader = Box::pin(StreamReader::new(stream));
        Self::of(Source::Once(Arc::new(Mutex::new(Some(reader)))), size)
    }

    /// A body whose bytes `open` can open as often as is necessary. `size` is as in [`one_shot`](Self::one_shot).
    #[must_use]
    pub fn reopenable(size: Option<u64>, open: Opener) -> Self {
        Self::of(Source::Open(open), size)
    }

    /// Wraps another kind of body, for example the one of a response that a custom bottom service got.
    #[must_use]
    pub fn new<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let size = body.size_hint().exact();
        let reader = reader::erase(body);
        Self::of(Source::Once(Arc::new(Mutex::new(Some(reader)))), size)
    }

    const fn of(source: Source, size: Option<u64>) -> Self {
        Self {
            source,
            state: State::Unread,
            size,
            read: 0,
        }
    }

    /// An independent copy that starts at the first byte; `None` for a body that can be read only once.
    #[must_use]
    pub fn try_clone(&self) -> Option<Self> {
        match self.source {
            Source::Once(_) => None,
            Source::Bytes(_) | Source::Open(_) => Some(self.resend()),
        }
    }

    /// Another handle on this body for one attempt to send it, starting at the first byte.
    ///
    /// Unlike [`try_clone`](Self::try_clone) it always gives one: handles on a body that can be read once share
    /// the bytes, and whichever is read first has them. Ask [`can_resend`](Self::can_resend) before the next attempt.
    #[must_use]
    pub fn resend(&self) -> Self {
        let source = match &self.source {
            Source::Bytes(bytes) => Source::Bytes(bytes.clone()),
            Source::Open(open) => Source::Open(Arc::clone(open)),
            Source::Once(slot) => Source::Once(Arc::clone(slot)),
        };
        Self::of(source, self.size)
    }

    /// Whether a handle from [`resend`](Self::resend) would still give all bytes: always for a body that can be
    /// cloned; for the others only while nobody has read from any handle on them.
    #[must_use]
    pub fn can_resend(&self) -> bool {
        match &self.source {
            Source::Bytes(_) | Source::Open(_) => true,
            Source::Once(slot) => self.size == Some(0) || lock(slot).is_some(),
        }
    }

    /// The same body, which calls `note` whenever something of it is read.
    pub(crate) fn watched(self, note: impl Fn() + Clone + Send + Sync + 'static) -> Self {
        match self.source {
            // What is in memory is read at once.
            Source::Bytes(_) => self,
            _ => self.map_stream(move |stream| {
                let note = note.clone();
                Box::pin(stream.inspect(move |_| note()))
            }),
        }
    }

    /// The same body, whose bytes in memory are handed over in pieces of at most 64 KiB.
    pub(crate) fn in_pieces(self) -> Self {
        const PIECE: usize = 64 << 10;
        let Source::Bytes(bytes) = &self.source else {
            return self;
        };
        let bytes = bytes.clone();
        let open: Opener = Arc::new(move || {
            let mut rest = bytes.clone();
            let pieces = std::iter::from_fn(move || {
                let piece = rest.split_to(rest.len().min(PIECE));
                (!piece.is_empty()).then_some(Ok(piece))
            });
            Box::pin(async { Ok(Box::pin(stream::iter(pieces)) as BodyStream) })
        });
        if self.is_empty() {
            self
        } else {
            Self::of(Source::Open(open), self.size)
        }
    }

    /// The same body, whose bytes go through `wrap` each time that they are read. Bytes in memory stay as they are.
    pub(crate) fn map_stream(
        self,
        wrap: impl Fn(BodyStream) -> BodyStream + Clone + Send + Sync + 'static,
    ) -> Self {
        let size = self.size;
        match self.source {
            Source::Bytes(_) => self,
            Source::Open(open) => {
                let open: Opener = Arc::new(move || {
                    let (opening, wrap) = (open(), wrap.clone());
                    Box::pin(async move { Ok(wrap(opening.await?)) })
                });
                Self::of(Source::Open(open), size)
            }
            Source::Once(_) => Self::one_shot(wrap(self.into_stream()), size),
        }
    }

    /// Whether the body is known to have no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.size == Some(0)
    }

    /// The bytes as a stream.
    #[must_use]
    pub fn into_stream(self) -> BodyStream {
        Box::pin(reader::Data(self))
    }

    fn poll_state(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            match &mut self.state {
                State::Unread => match &mut self.source {
                    Source::Bytes(bytes) => {
                        self.state = State::End;
                        let whole = bytes.clone();
                        return Poll::Ready((!whole.is_empty()).then(|| Ok(Frame::data(whole))));
                    }
                    Source::Open(open) => self.state = State::Opening(Mutex::new(open())),
                    Source::Once(slot) => {
                        let taken = lock(slot).take();
                        match taken {
                            Some(reader) => self.state = State::Reading(Mutex::new(reader)),
                            None => {
                                self.state = State::End;
                                return Poll::Ready(Some(Err(AlreadyRead.into())));
                            }
                        }
                    }
                },
                State::Opening(opening) => match ready!(get_mut(opening).as_mut().poll(cx)) {
                    Ok(stream) => {
                        self.state = State::Reading(Mutex::new(Box::pin(StreamReader::new(stream))));
                    }
                    Err(error) => {
                        self.state = State::End;
                        return Poll::Ready(Some(Err(error)));
                    }
                },
                State::Reading(reader) => {
                    let frame = ready!(get_mut(reader).as_mut().poll_frame(cx));
                    if !matches!(frame, Some(Ok(_))) {
                        self.state = State::End;
                    }
                    return Poll::Ready(frame);
                }
                State::End => return Poll::Ready(None),
            }
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let was_end = matches!(self.state, State::End);
        let frame = ready!(self.poll_state(cx));
        match (&frame, self.size) {
            (Some(Ok(frame)), size) => {
                self.read += frame.data_ref().map_or(0, |data| data.len() as u64);
                if let Some(want) = size
                    && self.read > want
                {
                    self.state = State::End;
                    return Poll::Ready(Some(Err(WrongSize { want, got: self.read }.into())));
                }
            }
            (None, Some(want)) if self.read < want && !was_end => {
                return Poll::Ready(Some(Err(WrongSize { want, got: self.read }.into())));
            }
            _ => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match (&self.state, &self.source) {
            (State::End, _) => true,
            (State::Unread, Source::Bytes(bytes)) => bytes.is_empty(),
            (State::Unread, Source::Once(slot)) => {
                self.size == Some(0) && lock(slot).as_ref().is_none_or(|reader| reader.is_end_stream())
            }
            _ => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self.size {
            Some(size) => SizeHint::with_exact(size.saturating_sub(self.read)),
            None => SizeHint::default(),
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::full(bytes)
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::full(text)
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self::full(text)
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::full(bytes)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.source {
            Source::Bytes(_) => "bytes",
            Source::Open(_) => "reopenable",
            Source::Once(_) => "one-shot",
        };
        f.debug_struct("Body")
            .field("kind", &kind)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// A body that can be read once was read a second time.
#[derive(Debug, thiserror::Error)]
#[error("the body was read before and cannot be read again")]
struct AlreadyRead;

/// A body has another number of bytes than was promised.
#[derive(Debug, thiserror::Error)]
#[error("the body has {got} bytes where {want} were promised")]
struct WrongSize {
    want: u64,
    got: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn get_mut<T>(mutex: &mut Mutex<T>) -> &mut T {
    mutex.get_mut().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
