//! What was asked.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt as _;
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode};

use crate::body::Body;
use crate::hook::tamper::Dropped;
use crate::incoming::Incoming;

/// Requests that are remembered at most. The oldest go first.
const MOST_RECORDS: usize = 100_000;

/// A request that came, and how it was answered.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct RequestRecord {
    /// The method.
    pub method: Method,
    /// The path, as it was sent.
    pub path: String,
    /// The query, as it was sent.
    pub query: Option<String>,
    /// The headers, but for `Authorization`, of which only the scheme is kept.
    pub headers: HeaderMap,
    /// The status of the response; none while there is no response, or if a fault kept it back.
    pub status: Option<StatusCode>,
    /// Bytes of the request's body that were taken in.
    pub received: u64,
    /// Bytes of the response's body that were handed to the server.
    pub sent: u64,
    /// When the request came, as a number that grows with every request and every response.
    pub began: u64,
    /// When its response was ready to be sent, likewise. A request that began after this one's end may
    /// have depended on it.
    pub ended: Option<u64>,
}

impl RequestRecord {
    /// The path with the query.
    #[must_use]
    pub fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// The requests that a registry got. Clones are the same log.
#[derive(Clone, Debug, Default)]
pub struct RequestLog(Option<Arc<Shared>>);

#[derive(Debug, Default)]
struct Shared {
    ticks: AtomicU64,
    entries: Mutex<VecDeque<Arc<Entry>>>,
}

#[derive(Debug)]
struct Entry {
    parts: Mutex<RequestRecord>,
    received: Arc<AtomicU64>,
    sent: AtomicU64,
}

impl RequestLog {
    pub(crate) fn recording() -> Self {
        Self(Some(Arc::default()))
    }

    /// The requests so far, in the order in which they came.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        let Some(shared) = &self.0 else { return Vec::new() };
        shared.lock().iter().map(|entry| entry.record()).collect()
    }

    /// The requests so far, which are forgotten with this.
    #[must_use]
    pub fn take(&self) -> Vec<RequestRecord> {
        let Some(shared) = &self.0 else { return Vec::new() };
        std::mem::take(&mut *shared.lock())
            .iter()
            .map(|entry| entry.record())
            .collect()
    }

    /// How many requests came.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |shared| shared.lock().len())
    }

    /// Whether no request came.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many requests `matches` says yes to.
    #[must_use]
    pub fn count(&self, matches: impl Fn(&RequestRecord) -> bool) -> usize {
        self.requests().iter().filter(|record| matches(record)).count()
    }

    /// The requests as lines of method, path with query, and status: `GET /v2/ 200`.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let line = |record: &RequestRecord| {
            let status = record
                .status
                .map_or("-".to_owned(), |status| status.as_u16().to_string());
            format!("{} {} {status}", record.method, record.target())
        };
        self.requests().iter().map(line).collect()
    }

    /// How many round trips the requests took at least: the length of the longest chain of requests in
    /// which each one began after the response to the one before was ready.
    #[must_use]
    pub fn sequential_depth(&self) -> usize {
        let mut events = Vec::new();
        for (number, record) in self.requests().iter().enumerate() {
            events.push((record.began, number, true));
            events.extend(record.ended.map(|ended| (ended, number, false)));
        }
        events.sort_unstable();
        let mut depths = vec![0; events.len()];
        let mut deepest_ended = 0;
        for (_, number, begins) in events {
            if begins {
                depths[number] = deepest_ended + 1;
            } else {
                deepest_ended = deepest_ended.max(depths[number]);
            }
        }
        depths.into_iter().max().unwrap_or(0)
    }

    pub(crate) fn begin(&self, parts: &Parts, incoming: &Incoming) -> Recording {
        let Some(shared) = &self.0 else {
            return Recording(None);
        };
        let mut headers = parts.headers.clone();
        if let Some(value) = headers.get_mut(http::header::AUTHORIZATION) {
            let scheme = value
                .to_str()
                .ok()
                .and_then(|value| value.split(' ').next())
                .unwrap_or_default();
            *value = scheme.parse().expect("a part of a header's value is one");
        }
        let record = RequestRecord {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(ToOwned::to_owned),
            headers,
            status: None,
            received: 0,
            sent: 0,
            began: shared.tick(),
            ended: None,
        };
        let received = incoming.counter();
        let entry = Arc::new(Entry {
            parts: Mutex::new(record),
            received,
            sent: AtomicU64::new(0),
        });
        let mut entries = shared.lock();
        if entries.len() >= MOST_RECORDS {
            entries.pop_front();
        }
        entries.push_back(Arc::clone(&entry));
        Recording(Some((Arc::clone(shared), entry)))
    }
}

impl Shared {
    fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::SeqCst)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn record(&self) -> RequestRecord {
        let mut record = self.lock().clone();
        record.received = self.received.load(Ordering::Relaxed);
        record.sent = self.sent.load(Ordering::Relaxed);
        record
    }

    fn lock(&self) -> MutexGuard<'_, RequestRecord> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is being answered.
pub(crate) struct Recording(Option<(Arc<Shared>, Arc<Entry>)>);

impl Recording {
    /// Notes the response, and counts its bytes on their way.
    pub(crate) fn end(self, response: Response<Body>) -> Response<Body> {
        let Some((shared, entry)) = self.0 else {
            return response;
        };
        {
            let mut record = entry.lock();
            let is_sent = response.extensions().get::<Dropped>().is_none();
            record.status = is_sent.then(|| response.status());
            record.ended = Some(shared.tick());
        }
        response.map(|body| {
            let length = body.length();
            if length == 0 {
                return body;
            }
            let counted = body.into_stream().inspect(move |piece| {
                let length = piece.as_ref().map_or(0, |bytes| bytes.len() as u64);
                entry.sent.fetch_add(length, Ordering::Relaxed);
            });
            Body::stream(counted, length)
        })
    }
}
