use std::num::NonZeroU32;
use std::time::Duration;

/// How often and after which waits a request is repeated.
///
/// The wait before the attempt `n + 1` is random, between nothing and `initial * factor^(n - 1)`, at most `cap` ("full
/// jitter": clients that failed together do not come back together). Where the server names a time (`Retry-After`),
/// that is the wait, and up to a tenth more, so that not all clients come back at once.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RetryOptions {
    /// How often a request is sent in all. Default: 3.
    pub attempts: NonZeroU32,
    /// The longest wait before the second attempt. Default: 500 ms.
    pub initial: Duration,
    /// By how much the longest wait grows from attempt to attempt. Default: 3.
    pub factor: u32,
    /// The longest wait of all. Default: 30 s.
    pub cap: Duration,
    /// The longest wait that a server may ask for. If it asks for more, its answer is final. Default: 60 s.
    pub retry_after_limit: Duration,
    /// The longest sum of the waits of one request. Default: 5 min.
    pub total_wait: Duration,
    /// How many repetitions one server gets that answers nothing but failures; ten answers that are none earn one
    /// back. Repetitions that a server asked for (`429`, `Retry-After`) are free. `None`: no limit. Default: 100.
    pub budget: Option<NonZeroU32>,
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self {
            attempts: NonZeroU32::new(3).expect("three is not zero"),
            initial: Duration::from_millis(500),
            factor: 3,
            cap: Duration::from_secs(30),
            retry_after_limit: Duration::from_secs(60),
            total_wait: Duration::from_secs(300),
            budget: NonZeroU32::new(100),
        }
    }
}

impl RetryOptions {
    /// Sends each request once.
    #[must_use]
    pub fn never() -> Self {
        Self::default().with_attempts(NonZeroU32::MIN)
    }

    /// Sets how often a request is sent in all.
    #[must_use]
    pub fn with_attempts(mut self, attempts: NonZeroU32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets the longest wait before the second attempt, and by how much it grows from then on.
    #[must_use]
    pub fn with_backoff(mut self, initial: Duration, factor: u32) -> Self {
        self.initial = initial;
        self.factor = factor;
        self
    }

    /// Sets the longest wait of all.
    #[must_use]
    pub fn with_cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// Sets the longest wait that a server may ask for.
    #[must_use]
    pub fn with_retry_after_limit(mut self, limit: Duration) -> Self {
        self.retry_after_limit = limit;
        self
    }

    /// Sets the longest sum of the waits of one request.
    #[must_use]
    pub fn with_total_wait(mut self, limit: Duration) -> Self {
        self.total_wait = limit;
        self
    }

    /// Sets how many repetitions one server gets that answers nothing but failures.
    #[must_use]
    pub fn with_budget(mut self, repetitions: Option<NonZeroU32>) -> Self {
        self.budget = repetitions;
        self
    }

    /// The longest wait after `attempt` attempts.
    pub(super) fn ceiling(&self, attempt: u32) -> Duration {
        let growth = self.factor.saturating_pow(attempt.saturating_sub(1));
        self.initial.saturating_mul(growth).min(self.cap)
    }
}
