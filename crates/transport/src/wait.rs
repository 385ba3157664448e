//! Telling callers what is waited for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{Extensions, StatusCode};

use crate::origin::Origin;

/// A wait before a request is sent, or sent again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Wait {
    /// Whom the request is for; `None` if its URL has no origin.
    pub origin: Option<Origin>,
    /// Why.
    pub reason: WaitReason,
    /// How long.
    pub duration: Duration,
}

/// Why a request waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitReason {
    /// The server asked for fewer requests: all that go there are held back.
    CoolDown,
    /// The requests per second that are [set](crate::limit::HostLimits::requests_per_second) for the host are used up.
    Pace,
    /// The request is sent again.
    #[non_exhaustive]
    Retry {
        /// How often it has been sent.
        attempt: u32,
        /// What was answered; `None` if nothing was.
        status: Option<StatusCode>,
    },
}

/// On a request: who is told when it has to wait. Waits for a slot are not told, as they are usual.
///
/// The listener is called in the middle of a request: it must not block.
/// [`TransportBuilder::on_wait`](crate::TransportBuilder::on_wait) sets one for all requests that have none.
#[derive(Clone)]
pub struct OnWait(Arc<dyn Fn(&Wait) + Send + Sync>);

impl OnWait {
    /// Calls `listener` for each wait.
    pub fn new(listener: impl Fn(&Wait) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }

    /// Tells the listener of a request, if it has one.
    pub(crate) fn tell(extensions: &Extensions, wait: impl FnOnce() -> Wait) {
        if let Some(Self(listener)) = extensions.get() {
            listener(&wait());
        }
    }
}

impl fmt::Debug for OnWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnWait").finish_non_exhaustive()
    }
}
