//! Going through the entries of a merged filesystem.

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wharf_v1::oci_spec::image::Digest;
use wharf_v1::{Hasher, Image};

use crate::archive::{Entry, Fault, TarReader};
use crate::{Error, ExtractOptions, extract};

/// The entries of a merged filesystem, on a thread for blocking work.
pub(crate) struct Walk<R> {
    pub(crate) reader: TarReader<R>,
    stop: Arc<AtomicBool>,
}

impl<R: BufRead> Walk<R> {
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, Error> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Error::Aborted);
        }
        self.reader.next_entry().map_err(explain)
    }

    /// Writes the content of the entry that was read last.
    pub(crate) fn write(&mut self, entry: &Entry, out: &mut dyn Write) -> Result<(), Error> {
        self.reader.write_content(entry, out).map_err(explain)
    }

    pub(crate) fn hash(&mut self, entry: &Entry) -> Result<Digest, Error> {
        struct Sink(Hasher);
        impl Write for Sink {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0.update(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let mut sink = Sink(Hasher::sha256());
        self.write(entry, &mut sink)?;
        Ok(sink.0.finish())
    }

    /// Reads to the end, without which nothing is verified.
    pub(crate) fn end(self) -> Result<(), Error> {
        self.reader.drain().map_err(explain)
    }
}

/// Runs `work` on the entries of an image's filesystem. It ends soon when nobody waits for it any more.
pub(crate) async fn on_entries<T: Send + 'static>(
    image: Arc<dyn Image>,
    options: ExtractOptions,
    work: impl FnOnce(Walk<wharf_v1::BlockingReader>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    struct OnDrop(Arc<AtomicBool>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let stop = Arc::new(AtomicBool::new(false));
    let _guard = OnDrop(Arc::clone(&stop));
    let input = extract(image, &options).into_blocking_read();
    let walk = Walk {
        reader: TarReader::new(input),
        stop,
    };
    let done = wharf_v1::blocking(move || work(walk)).await;
    done.map_err(|_| Error::Aborted)?
}

/// Why the merged filesystem cannot be read: it says so itself.
pub(crate) fn explain(fault: Fault) -> Error {
    match fault {
        Fault::Input(error) | Fault::Output(error) => Error::read(0, error),
        Fault::Damaged(damage) => Error::NotTar {
            position: 0,
            source: damage.into(),
        },
    }
}
