use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::origin::Origin;

/// How much may be asked of which host.
///
/// ```
/// use wharf_transport::limit::{HostLimits, LimitOptions};
/// use wharf_transport::origin::Origin;
///
/// let ecr = Origin::of(&"https://1234.dkr.ecr.eu-west-1.amazonaws.com/".parse()?)?;
/// let options = LimitOptions::default()
///     .with_host(ecr, HostLimits::default().with_requests_per_second(8.try_into()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LimitOptions {
    /// For hosts without limits of their own.
    pub default: HostLimits,
    /// For single hosts: registries, but also token servers and the stores that registries redirect to.
    pub hosts: BTreeMap<Origin, HostLimits>,
}

impl LimitOptions {
    /// Sets the limits for hosts without limits of their own.
    #[must_use]
    pub fn with_default(mut self, limits: HostLimits) -> Self {
        self.default = limits;
        self
    }

    /// Sets the limits for one host.
    #[must_use]
    pub fn with_host(mut self, origin: Origin, limits: HostLimits) -> Self {
        self.hosts.insert(origin, limits);
        self
    }

    pub(super) fn of(&self, origin: &Origin) -> &HostLimits {
        self.hosts.get(origin).unwrap_or(&self.default)
    }
}

/// How much may be asked of one host.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HostLimits {
    /// How many requests that only read (`GET`, `HEAD`, `OPTIONS`) may be under way. Default: 64.
    pub reads: NonZeroUsize,
    /// How many other requests may be under way. Default: 64.
    pub writes: NonZeroUsize,
    /// How many requests may leave in a second; they leave evenly spaced. Default: no limit.
    pub requests_per_second: Option<NonZeroU32>,
    /// How long all requests are held back after a `429` that does not say how long; doubled for each further one, up
    /// to `cool_down_limit`. Default: 1 s.
    pub cool_down: Duration,
    /// The longest time for which all requests are held back at once. Default: 60 s. A server that asks for more is
    /// asked again after this time by the requests that waited.
    pub cool_down_limit: Duration,
    /// For how long nothing has to move before a slot is lent to another request. Default: 5 s.
    pub lend_after: Duration,
}

impl Default for HostLimits {
    fn default() -> Self {
        Self {
            reads: NonZeroUsize::new(64).expect("64 is not zero"),
            writes: NonZeroUsize::new(64).expect("64 is not zero"),
            requests_per_second: None,
            cool_down: Duration::from_secs(1),
            cool_down_limit: Duration::from_secs(60),
            lend_after: Duration::from_secs(5),
        }
    }
}

impl HostLimits {
    /// No limits: only cool-downs, which the server asks for, are kept.
    #[must_use]
    pub fn unlimited() -> Self {
        let all = NonZeroUsize::new(Semaphore::MAX_PERMITS).expect("there are many");
        Self::default().with_concurrency(all, all)
    }

    /// Sets how many requests that read, and how many others, may be under way.
    #[must_use]
    pub fn with_concurrency(mut self, reads: NonZeroUsize, writes: NonZeroUsize) -> Self {
        self.reads = reads;
        self.writes = writes;
        self
    }

    /// Sets how many requests may leave in a second.
    #[must_use]
    pub fn with_requests_per_second(mut self, rate: NonZeroU32) -> Self {
        self.requests_per_second = Some(rate);
        self
    }

    /// Sets how long all requests are held back after a `429` that does not say, and after any answer at most.
    #[must_use]
    pub fn with_cool_down(mut self, initial: Duration, limit: Duration) -> Self {
        self.cool_down = initial;
        self.cool_down_limit = limit;
        self
    }

    /// Sets for how long nothing has to move before a slot is lent.
    #[must_use]
    pub fn with_lend_after(mut self, idle: Duration) -> Self {
        self.lend_after = idle;
        self
    }
}
