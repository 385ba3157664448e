//! What should go wrong, and for which requests.

use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt as _;
use http::request::Parts;
use http::{Method, Response};

use crate::body::Body;
use crate::hook::Reaction;
use crate::hook::flush::Flushes;
use crate::hook::reaction::Step;
use crate::hook::tamper;
use crate::incoming::Incoming;

/// Something that goes wrong for the requests that it matches.
///
/// ```
/// use http::{Method, StatusCode};
/// use wharf_registry::Registry;
/// use wharf_registry::hook::{Fault, Reaction};
///
/// let registry = Registry::in_memory();
/// let busy = Reaction::status(StatusCode::TOO_MANY_REQUESTS).with_retry_after("1");
/// let fault = Fault::on(Method::GET, "/blobs/").times(2).then(busy);
/// let handle = registry.faults().add(fault);
/// assert_eq!(handle.hits(), 0);
/// ```
#[derive(Clone)]
pub struct Fault {
    matches: Arc<dyn Fn(&Parts) -> bool + Send + Sync>,
    skip: usize,
    times: usize,
    reactions: Vec<Reaction>,
}

impl Fault {
    /// A fault for requests that `matches` says yes to.
    #[must_use]
    pub fn when(matches: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        Self {
            matches: Arc::new(matches),
            skip: 0,
            times: usize::MAX,
            reactions: Vec::new(),
        }
    }

    /// A fault for requests of a method whose path and query contain a text.
    #[must_use]
    pub fn on(method: Method, part: &str) -> Self {
        let part = part.to_owned();
        Self::when(move |request| {
            let uri = request.uri.path_and_query().map_or("", |uri| uri.as_str());
            request.method == method && uri.contains(&part)
        })
    }

    /// Lets the first matching requests pass.
    #[must_use]
    pub fn after(mut self, requests: usize) -> Self {
        self.skip = requests;
        self
    }

    /// Meets so many matching requests only. Default: all.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// What happens to them. Several reactions take place one after the other.
    #[must_use]
    pub fn then(mut self, reaction: Reaction) -> Self {
        self.reactions.push(reaction);
        self
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("times", &self.times)
            .field("reactions", &self.reactions)
            .finish_non_exhaustive()
    }
}

/// The faults of a registry. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    next: Arc<AtomicU64>,
    list: Arc<Mutex<Vec<Armed>>>,
}

#[derive(Clone, Debug)]
struct Armed {
    id: u64,
    fault: Fault,
    matched: Arc<AtomicUsize>,
}

/// A fault that was added.
#[derive(Debug)]
pub struct FaultHandle {
    faults: Faults,
    armed: Armed,
}

impl FaultHandle {
    /// How many requests the fault met.
    #[must_use]
    pub fn hits(&self) -> usize {
        let matched = self.armed.matched.load(Ordering::SeqCst);
        matched
            .saturating_sub(self.armed.fault.skip)
            .min(self.armed.fault.times)
    }

    /// Ends the fault. Dropping the handle does not.
    pub fn remove(self) {
        self.faults.lock().retain(|armed| armed.id != self.armed.id);
    }
}

impl Faults {
    /// Adds a fault. If a request is matched by several, it meets all.
    pub fn add(&self, fault: Fault) -> FaultHandle {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let armed = Armed {
            id,
            fault,
            matched: Arc::default(),
        };
        self.lock().push(armed.clone());
        FaultHandle {
            faults: self.clone(),
            armed,
        }
    }

    /// Ends all faults.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// The faults that a request meets.
    pub(crate) fn meet(&self, request: &Parts) -> Met {
        let mut steps = Vec::new();
        for armed in self.lock().iter().filter(|armed| (armed.fault.matches)(request)) {
            let number = armed.matched.fetch_add(1, Ordering::SeqCst);
            if number
                .checked_sub(armed.fault.skip)
                .is_some_and(|hit| hit < armed.fault.times)
            {
                steps.extend(armed.fault.reactions.iter().map(|reaction| reaction.0.clone()));
            }
        }
        Met {
            steps,
            flushes: request.extensions.get().cloned(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Armed>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a request goes on to its endpoint.
pub(crate) enum Verdict {
    Proceed,
    Respond(Response<Body>),
}

/// The faults that one request meets.
pub(crate) struct Met {
    steps: Vec<Step>,
    flushes: Option<Flushes>,
}

impl Met {
    /// What happens before the request is looked at.
    pub(crate) async fn before(&self, incoming: &Incoming) -> Verdict {
        for step in &self.steps {
            match step {
                Step::Delay(duration) => tokio::time::sleep(*duration).await,
                Step::Hold(gate) => gate.pass().await,
                Step::TakeBody(bytes) => take_body(incoming, *bytes).await,
                Step::DropConnection { after } => {
                    take_body(incoming, *after).await;
                    return Verdict::Respond(tamper::dropped());
                }
                Step::Respond(canned) => return Verdict::Respond(canned.response()),
                _ => {}
            }
        }
        Verdict::Proceed
    }

    /// What happens to the response.
    pub(crate) fn after(&self, response: Response<Body>) -> Response<Body> {
        self.steps.iter().fold(response, |mut response, step| match step {
            Step::DropResponse => tamper::dropped(),
            Step::Cut(after) => tamper::cut(response, *after, self.flushes.as_ref()),
            Step::Corrupt(at) => tamper::corrupt(response, *at),
            Step::Replace(bytes) => tamper::replace(response, bytes),
            Step::SetHeader(name, value) => {
                response.headers_mut().insert(name, value.clone());
                response
            }
            Step::RemoveHeader(name) => {
                response.headers_mut().remove(name);
                response
            }
            _ => response,
        })
    }
}

/// Reads and loses what comes of a request's body, until so many bytes came.
async fn take_body(incoming: &Incoming, bytes: u64) {
    let mut body = incoming.stream();
    while incoming.received() < bytes && matches!(body.next().await, Some(Ok(_))) {}
}
