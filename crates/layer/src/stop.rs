//! Work on a blocking thread that ends when nobody waits for it any more.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Error;

/// Whether the work is still wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// `inner`, failing once the work is not wanted any more.
    pub(crate) fn watch<T>(&self, inner: T) -> Stoppable<T> {
        Stoppable {
            inner,
            stop: self.clone(),
        }
    }

    fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::Relaxed) {
            Err(io::Error::other("cancelled"))
        } else {
            Ok(())
        }
    }
}

/// Runs work where it may block. Dropping the future tells the work to stop.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce(Stop) -> Result<T, Error> + Send + 'static,
{
    struct OnDrop(Stop);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.0.store(true, Ordering::Relaxed);
        }
    }
    let stop = Stop::default();
    let _guard = OnDrop(stop.clone());
    let done = wharf_v1::blocking(move || work(stop)).await;
    done.map_err(|source| Error::Read { source })?
}

/// A reader or writer that fails when the work is to stop.
#[derive(Debug)]
pub(crate) struct Stoppable<T> {
    inner: T,
    stop: Stop,
}

impl<R: Read> Read for Stoppable<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.stop.check()?;
        self.inner.read(buf)
    }
}

impl<W: Write> Write for Stoppable<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.stop.check()?;
        self.inner.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
