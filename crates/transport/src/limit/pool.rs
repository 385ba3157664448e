//! Slots that are held while something moves.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

/// The slots for one kind of request to one host.
#[derive(Debug)]
pub(super) struct Pool {
    permits: Arc<Semaphore>,
    lend_after: Duration,
    /// All slots that are held, or were lent to others.
    slots: Mutex<Vec<Weak<Slot>>>,
}

/// A request's place among those under way. It is given back when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    permits: Arc<Semaphore>,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    /// `None` once the slot has been lent.
    permit: Option<OwnedSemaphorePermit>,
    moved: Instant,
}

impl Pool {
    pub(super) fn new(size: usize, lend_after: Duration) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(size.min(Semaphore::MAX_PERMITS))),
            lend_after,
            slots: Mutex::default(),
        }
    }

    /// Takes a slot; waits until one is given back, or can be borrowed.
    pub(super) async fn take(&self) -> Arc<Slot> {
        let mut permit = pin!(Arc::clone(&self.permits).acquire_owned());
        let permit = loop {
            tokio::select! {
                biased;
                permit = &mut permit => break permit.expect("the semaphore is never closed"),
                () = sleep(self.until_stale()) => self.borrow_one(),
            }
        };
        let slot = Arc::new(Slot {
            permits: Arc::clone(&self.permits),
            held: Mutex::new(Held {
                permit: Some(permit),
                moved: Instant::now(),
            }),
        });
        let mut slots = lock(&self.slots);
        slots.retain(|slot| slot.strong_count() > 0);
        slots.push(Arc::downgrade(&slot));
        slot
    }

    /// How long it takes until a slot that is held now may be lent.
    fn until_stale(&self) -> Duration {
        let now = Instant::now();
        let rest = |slot: Arc<Slot>| {
            let held = lock(&slot.held);
            held.permit
                .is_some()
                .then(|| self.lend_after.saturating_sub(now - held.moved))
        };
        let slots = lock(&self.slots);
        let rests = slots.iter().filter_map(Weak::upgrade).filter_map(rest);
        // At least a moment, so that a limit of nothing does not spin.
        rests
            .min()
            .unwrap_or(self.lend_after)
            .max(Duration::from_millis(1))
    }

    /// Takes back the slot that has stood still for longest, if it did so for long enough.
    fn borrow_one(&self) {
        let now = Instant::now();
        let slots = lock(&self.slots);
        let stale = slots
            .iter()
            .filter_map(Weak::upgrade)
            .filter_map(|slot| {
                let held = lock(&slot.held);
                let stale = held.permit.is_some() && now - held.moved >= self.lend_after;
                let moved = held.moved;
                drop(held);
                stale.then_some((moved, slot))
            })
            .min_by_key(|(moved, _)| *moved);
        if let Some((_, slot)) = stale {
            tracing::debug!("a transfer stands still: its slot is lent");
            lock(&slot.held).permit = None;
        }
    }
}

impl Slot {
    /// Notes that something moved. A slot that was lent is taken again if one is free.
    pub(super) fn moved(&self) {
        let mut held = lock(&self.held);
        held.moved = Instant::now();
        if held.permit.is_none() {
            held.permit = Arc::clone(&self.permits).try_acquire_owned().ok();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
