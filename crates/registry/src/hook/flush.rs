//! When bytes have left for the client.

use tokio::sync::watch;

/// Tells when a connection was flushed. A server puts it into the extensions of its requests, so that a
/// fault which breaks the connection after some bytes can wait until they are gone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flushes(watch::Sender<()>);

impl Flushes {
    /// Notes that all that was written is gone.
    #[cfg(feature = "server")]
    pub(crate) fn note(&self) {
        self.0.send_modify(|()| {});
    }

    /// Waits until what was handed over before is gone.
    pub(super) async fn next(&self) {
        // The sender is here, so the channel is open.
        let _ = self.0.subscribe().changed().await;
    }
}
