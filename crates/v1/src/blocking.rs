//! Work that blocks, on threads for it.

use std::io;
use std::panic::resume_unwind;

/// Runs work where it may block, on a thread of the tokio runtime that this is polled in. A panic of the work
/// is one here.
///
/// # Errors
/// Only when the runtime is shutting down, so that the work was not begun.
///
/// # Cancel safety
/// When the future is dropped the work goes on, and what comes of it is lost.
pub async fn blocking<T, F>(work: F) -> io::Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(error) => Err(io::Error::other(error)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_done() {
        assert_eq!(blocking(|| 1 + 1).await.expect("the runtime lives"), 2);
    }

    #[tokio::test]
    #[should_panic(expected = "by the work")]
    async fn a_panic_goes_on() {
        let _ = blocking(|| panic!("by the work")).await;
    }
}
