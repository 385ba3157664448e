//! The bytes of a blob, one part after the other.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use wharf_transport::{Body, BodyStream, BoxError, Opener};
use wharf_v1::{ByteStream, Error};

use crate::write::meter::{Meter, Watch};
use crate::write::source::{Opened, Source};

/// The bytes of a blob that is sent, in one part or several. Parts that follow each other are read from one stream; one
/// that has to be sent again opens the blob again, if it can, and passes over what comes before.
#[derive(Clone)]
pub(super) struct Parts(Arc<Inner>);

struct Inner {
    source: Source,
    meter: Meter,
    /// What is open, while no part is being read.
    open: Mutex<Option<Open>>,
}

struct Open {
    stream: ByteStream,
    /// What came with the bytes before and is the beginning of the next part.
    rest: Bytes,
    at: u64,
}

impl Parts {
    pub(super) fn new((source, stream): Opened, meter: Meter) -> Self {
        let open = Open {
            stream,
            rest: Bytes::new(),
            at: 0,
        };
        let open = Mutex::new(Some(open));
        Self(Arc::new(Inner { source, meter, open }))
    }

    /// The bytes from `start` to before `end`, of `size` in all. The last part is read to its end, so that what should
    /// not follow is noticed.
    pub(super) fn body(&self, start: u64, end: u64, size: u64) -> Body {
        let length = end - start;
        let limit = (end < size).then_some(length);
        let (parts, watch) = (self.clone(), self.0.meter.body());
        if self.0.source.is_reopenable() {
            let open: Opener = Arc::new(move || Box::pin(parts.clone().read(start, limit, watch.clone())));
            return Body::reopenable(Some(length), open);
        }
        let stream = stream::once(parts.read(start, limit, watch)).flat_map(|opened| match opened {
            Ok(stream) => stream,
            Err(error) => Box::pin(stream::iter([Err(error)])),
        });
        Body::one_shot(Box::pin(stream), Some(length))
    }

    async fn read(self, start: u64, limit: Option<u64>, watch: Watch) -> Result<BodyStream, BoxError> {
        watch.begin(start);
        let open = self.open_at(start).await.map_err(|error| watch.fail(error))?;
        let reading = Reading {
            parts: self,
            open: Some(open),
            left: limit,
        };
        let stream = stream::try_unfold(reading, |mut reading| async move {
            let chunk = reading.next().await?;
            Ok::<_, Error>(chunk.map(|chunk| (chunk, reading)))
        });
        Ok(watch.stream(ByteStream::new(stream)))
    }

    async fn open_at(&self, start: u64) -> Result<Open, Error> {
        let open = self.open().take();
        if let Some(open) = open.filter(|open| open.at == start) {
            return Ok(open);
        }
        let mut open = Open {
            stream: self.0.source.clone().open().await?,
            rest: Bytes::new(),
            at: 0,
        };
        while open.at < start {
            if open.next(Some(start - open.at)).await?.is_none() {
                return Err(Error::SizeMismatch {
                    got: open.at,
                    want: start,
                });
            }
        }
        Ok(open)
    }

    fn open(&self) -> MutexGuard<'_, Option<Open>> {
        // No code that can panic runs under this lock.
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// The next bytes, at most `limit`.
    async fn next(&mut self, limit: Option<u64>) -> Result<Option<Bytes>, Error> {
        let mut chunk = std::mem::take(&mut self.rest);
        if chunk.is_empty() {
            match self.stream.next().await.transpose()? {
                Some(next) => chunk = next,
                None => return Ok(None),
            }
        }
        let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        if let Some(limit) = limit.filter(|limit| *limit < chunk.len()) {
            self.rest = chunk.split_off(limit);
        }
        self.at += chunk.len() as u64;
        Ok(Some(chunk))
    }
}

/// One part on its way.
struct Reading {
    parts: Parts,
    open: Option<Open>,
    /// Bytes that are left of it; `None` if it is the last.
    left: Option<u64>,
}

impl Reading {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if self.left == Some(0) {
            return Ok(None);
        }
        let Some(open) = &mut self.open else {
            return Ok(None);
        };
        let chunk = open.next(self.left).await?;
        if let (Some(left), Some(chunk)) = (&mut self.left, &chunk) {
            *left -= chunk.len() as u64;
            if *left == 0 {
                // Now, since nobody needs to ask for the end of a part whose length is known.
                *self.parts.open() = self.open.take();
            }
        }
        Ok(chunk)
    }
}
