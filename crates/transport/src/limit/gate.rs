//! When requests to one host may leave.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use crate::retry::retry_after;

use super::HostLimits;

/// A longer time is none that clocks can count with.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// When requests to one host may leave: what the server asked for, and the pace.
#[derive(Debug)]
pub(super) struct Gate {
    cool_down: Duration,
    limit: Duration,
    interval: Option<Duration>,
    /// Until when all requests are held back.
    closed: Option<Closed>,
    /// How many cool-downs followed each other without a success between them.
    strikes: u32,
    /// When the next request may leave by the pace.
    next: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Closed {
    since: Instant,
    until: Instant,
}

impl Gate {
    pub(super) fn new(limits: &HostLimits) -> Self {
        Self {
            cool_down: limits.cool_down,
            limit: limits.cool_down_limit.min(LONGEST),
            interval: limits
                .requests_per_second
                .map(|rate| Duration::from_secs(1) / rate.get()),
            closed: None,
            strikes: 0,
            next: Instant::now(),
        }
    }

    /// How long requests are held back from `now` on; `None` if they are not. `luck` (from 0 to 1) spreads those that
    /// wait over a tenth of the time.
    pub(super) fn closed_for(&self, now: Instant, luck: f64) -> Option<Duration> {
        let closed = self.closed?;
        let rest = closed.until.checked_duration_since(now)?;
        let spread = (closed.until - closed.since) / 10;
        (!rest.is_zero()).then(|| rest + spread.mul_f64(luck))
    }

    /// The time at which a request that is ready at `now` may leave, by the pace. Each one is given once.
    pub(super) fn leave_at(&mut self, now: Instant) -> Instant {
        let Some(interval) = self.interval else {
            return now;
        };
        let at = self.next.max(now);
        self.next = at + interval;
        at
    }

    /// Learns from the answer to a request that left at `sent`.
    pub(super) fn learn(&mut self, status: StatusCode, headers: &HeaderMap, sent: Instant, now: Instant) {
        let asked = retry_after(headers, SystemTime::now());
        let wait = match (status, asked) {
            (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, Some(asked)) => asked,
            (StatusCode::TOO_MANY_REQUESTS, None) => {
                self.cool_down.saturating_mul(2_u32.saturating_pow(self.strikes))
            }
            _ => {
                if status.is_success() {
                    self.strikes = 0;
                }
                return;
            }
        };
        // Requests that were on their way together are refused together: that is one refusal.
        let is_news = self.closed.is_none_or(|closed| sent >= closed.since);
        if is_news && status == StatusCode::TOO_MANY_REQUESTS {
            self.strikes = self.strikes.saturating_add(1);
        }
        if !is_news && asked.is_none() {
            return;
        }
        let until = now + wait.min(self.limit);
        let longer = self.closed.is_none_or(|closed| until > closed.until);
        if longer && until > now {
            self.closed = Some(Closed { since: now, until });
        }
    }
}
