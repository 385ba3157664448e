//! Work that blocks, on threads for it.

use std::io;
use std::panic::resume_unwind;

use crate::Error;

/// Runs work where it may block.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is shutting down.
            Err(error) => Err(Error::Write {
                source: io::Error::other(error),
            }),
        },
    }
}
