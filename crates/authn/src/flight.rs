//! Work done once for all who want its result at the same time.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use futures_core::future::BoxFuture;
use futures_util::future::{FutureExt as _, Shared, WeakShared};

use crate::Error;

/// A result that many wait for.
type Work<T> = BoxFuture<'static, Result<T, Error>>;

/// At most one piece of work at a time. Those who come while it is under way wait for its result, be it a
/// failure. It is dropped when nobody waits any more.
pub(crate) struct Flight<T: Clone>(Mutex<Option<WeakShared<Work<T>>>>);

impl<T: Clone> Flight<T> {
    /// The work under way, or that which `start` begins.
    pub(crate) fn join(&self, start: impl FnOnce() -> Work<T>) -> Shared<Work<T>> {
        // A panic while holding the lock leaves the old value or the new one, and both are whole.
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(work) = current.as_ref().and_then(WeakShared::upgrade)
            // What is done is done; who asks later may want something newer.
            && work.peek().is_none()
        {
            return work;
        }
        let work = start().shared();
        *current = work.downgrade();
        work
    }
}

impl<T: Clone> Default for Flight<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> fmt::Debug for Flight<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flight")
    }
}
