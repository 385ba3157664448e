//! Work that blocks, on threads for it.

use crate::Error;

/// Runs work where it may block.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    let done = wharf_v1::blocking(work).await;
    done.map_err(|source| Error::Write { source })?
}
