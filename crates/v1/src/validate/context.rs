//! What all checks of one run share.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::ValidateOptions;

pub(super) struct Context {
    pub(super) options: ValidateOptions,
    /// One for each layer that may be read at a time.
    pub(super) readers: Semaphore,
    children: AtomicUsize,
}

impl Context {
    pub(super) fn new(options: &ValidateOptions) -> Self {
        Self {
            options: options.clone(),
            readers: Semaphore::new(options.concurrency.clamp(1, Semaphore::MAX_PERMITS)),
            children: AtomicUsize::new(0),
        }
    }

    /// How many of `wanted` further children may be looked at.
    pub(super) fn take_children(&self, wanted: usize) -> usize {
        let before = self.children.fetch_add(wanted, Ordering::Relaxed);
        wanted.min(self.options.max_children.saturating_sub(before))
    }
}
