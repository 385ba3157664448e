//! Holding requests until a test says go.

use tokio::sync::watch;

/// Holds requests until it is opened. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(watch::Sender<State>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    open: bool,
    waiting: usize,
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(State::default()))
    }

    /// Lets through everybody who waits, or will come.
    pub fn open(&self) {
        self.0.send_modify(|state| state.open = true);
    }

    /// Waits until so many requests wait at the gate.
    pub async fn reached_by(&self, requests: usize) {
        // The sender is here, so the channel is open.
        let _ = self
            .0
            .subscribe()
            .wait_for(|state| state.waiting >= requests)
            .await;
    }

    /// Waits until the gate is open.
    pub(super) async fn pass(&self) {
        self.0.send_modify(|state| state.waiting += 1);
        let _waiting = Waiting(self);
        let _ = self.0.subscribe().wait_for(|state| state.open).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

/// Counts one less when a request went on, or away.
struct Waiting<'a>(&'a Gate);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|state| state.waiting -= 1);
    }
}
