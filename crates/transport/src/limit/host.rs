//! What requests to one host share.

use std::sync::{Arc, Mutex, PoisonError};

use http::{Extensions, HeaderMap, Method, StatusCode};
use tokio::time::{Instant, sleep, sleep_until};

use crate::origin::Origin;
use crate::{OnWait, Wait, WaitReason};

use super::HostLimits;
use super::gate::Gate;
use super::pool::{Pool, Slot};

#[derive(Debug)]
pub(super) struct Host {
    origin: Origin,
    reads: Pool,
    writes: Pool,
    gate: Mutex<Gate>,
}

impl Host {
    pub(super) fn new(origin: Origin, limits: &HostLimits) -> Self {
        Self {
            origin,
            reads: Pool::new(limits.reads.get(), limits.lend_after),
            writes: Pool::new(limits.writes.get(), limits.lend_after),
            gate: Mutex::new(Gate::new(limits)),
        }
    }

    /// Waits until a request may leave.
    pub(super) async fn enter(&self, method: &Method, extensions: &Extensions) -> Arc<Slot> {
        let pool = match *method {
            Method::GET | Method::HEAD | Method::OPTIONS => &self.reads,
            _ => &self.writes,
        };
        loop {
            self.cooled_down(extensions).await;
            let slot = pool.take().await;
            // Others may have been told to wait while this one waited.
            if self
                .with_gate(|gate| gate.closed_for(Instant::now(), 0.0))
                .is_some()
            {
                continue;
            }
            let now = Instant::now();
            let at = self.with_gate(|gate| gate.leave_at(now));
            if at > now {
                self.tell(extensions, WaitReason::Pace, at - now);
                sleep_until(at).await;
            }
            slot.moved();
            return slot;
        }
    }

    pub(super) fn learn(&self, status: StatusCode, headers: &HeaderMap, sent: Instant) {
        self.with_gate(|gate| gate.learn(status, headers, sent, Instant::now()));
    }

    async fn cooled_down(&self, extensions: &Extensions) {
        let luck = rand::random();
        while let Some(rest) = self.with_gate(|gate| gate.closed_for(Instant::now(), luck)) {
            tracing::info!(
                server.address = self.origin.host(),
                wait_ms = u64::try_from(rest.as_millis()).unwrap_or(u64::MAX),
                "held back: the server asked for fewer requests"
            );
            self.tell(extensions, WaitReason::CoolDown, rest);
            sleep(rest).await;
        }
    }

    fn tell(&self, extensions: &Extensions, reason: WaitReason, duration: std::time::Duration) {
        OnWait::tell(extensions, || Wait {
            origin: Some(self.origin.clone()),
            reason,
            duration,
        });
    }

    fn with_gate<T>(&self, ask: impl FnOnce(&mut Gate) -> T) -> T {
        ask(&mut self.gate.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
