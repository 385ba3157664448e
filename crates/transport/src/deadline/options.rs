use std::num::NonZeroU64;
use std::time::Duration;

/// How long requests may take in all, and how slowly bodies may move.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DeadlineOptions {
    /// From the call to the last byte of the answer: authentication, waits and retries included. Default: no limit.
    pub total: Option<Duration>,
    /// How fast the body of a request has to go, and that of an answer to come. Default: no limit.
    pub minimum_rate: Option<MinimumRate>,
}

impl DeadlineOptions {
    /// Sets how long a request may take in all.
    #[must_use]
    pub fn with_total(mut self, limit: Duration) -> Self {
        self.total = Some(limit);
        self
    }

    /// Sets how fast the body of a request has to go, and that of an answer to come.
    #[must_use]
    pub fn with_minimum_rate(mut self, rate: MinimumRate) -> Self {
        self.minimum_rate = Some(rate);
        self
    }
}

/// How fast a body has to move, on average over a while. What this side takes does not count: the reader of an answer,
/// the source of a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MinimumRate {
    /// Bytes in a second.
    pub bytes_per_second: NonZeroU64,
    /// For how long bodies may be slower than that.
    pub window: Duration,
}

impl MinimumRate {
    /// A rate over 30 s.
    #[must_use]
    pub fn new(bytes_per_second: NonZeroU64) -> Self {
        Self {
            bytes_per_second,
            window: Duration::from_secs(30),
        }
    }

    /// Sets for how long bodies may be slower.
    #[must_use]
    pub fn with_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// The bytes that have to move in one window.
    pub(super) fn bytes(&self) -> u64 {
        let bytes = u128::from(self.bytes_per_second.get()) * self.window.as_millis() / 1000;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}
