//! The files of an image, listed and read without unpacking it.

mod entry;
mod read;
mod resolve;

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wharf_v1::oci_spec::image::Digest;
use wharf_v1::{Hasher, Image};

use crate::archive::{Entry, Fault, TarReader};
use crate::{Error, ExtractOptions, extract};

pub use entry::{FileEntry, FileKind, Files};
pub use read::read;

/// How the files of an image are listed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilesOptions {
    /// How layers are merged, and the limits. Default: those of [`ExtractOptions`].
    pub extract: ExtractOptions,
    /// Whether the content of each file is hashed. Default: no.
    pub digests: bool,
}

impl FilesOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how layers are merged.
    #[must_use]
    pub fn with_extract(mut self, extract: ExtractOptions) -> Self {
        self.extract = extract;
        self
    }

    /// Hashes the content of each file.
    #[must_use]
    pub fn with_digests(mut self) -> Self {
        self.digests = true;
        self
    }
}

/// The files, directories and links of an image's filesystem, by path.
///
/// It is the filesystem that [`extract`](extract()) gives, with all its rules and limits, verified. All layers are read
/// once; memory is used for names and what is known of each.
///
/// ```
/// use std::sync::Arc;
/// use wharf_extract::{FilesOptions, files};
/// use wharf_v1::random;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let files = files(Arc::new(random::image(1, 2, 1000)), &FilesOptions::new()).await?;
/// assert_eq!(files.iter().count(), 2);
/// assert!(files.iter().all(|file| file.size == 1000));
/// # Ok(()) }
/// ```
///
/// # Errors
/// Those of [`extract`](extract()).
///
/// # Cancel safety
/// When the future is dropped the work ends soon.
pub async fn files(image: Arc<dyn Image>, options: &FilesOptions) -> Result<Files, Error> {
    let digests = options.digests;
    on_entries(image, options.extract, move |mut walk| {
        let mut files = Files::default();
        while let Some(entry) = walk.next()? {
            let digest = match digests && entry.header.kind.has_content() {
                true => Some(walk.hash(&entry)?),
                false => None,
            };
            files.insert(&entry.header, digest);
        }
        walk.end()?;
        Ok(files)
    })
    .await
}

/// The entries of a merged filesystem, on a thread for blocking work.
struct Walk<R> {
    reader: TarReader<R>,
    stop: Arc<AtomicBool>,
}

impl<R: BufRead> Walk<R> {
    fn next(&mut self) -> Result<Option<Entry>, Error> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Error::Aborted);
        }
        self.reader.next_entry().map_err(explain)
    }

    /// Writes the content of the entry that was read last.
    fn write(&mut self, entry: &Entry, out: &mut dyn Write) -> Result<(), Error> {
        self.reader.write_content(entry, out).map_err(explain)
    }

    fn hash(&mut self, entry: &Entry) -> Result<Digest, Error> {
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
    fn end(self) -> Result<(), Error> {
        self.reader.drain().map_err(explain)
    }
}

/// Runs `work` on the entries of an image's filesystem.
async fn on_entries<T: Send + 'static>(
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
fn explain(fault: Fault) -> Error {
    match fault {
        Fault::Input(error) | Fault::Output(error) => Error::read(0, error),
        Fault::Damaged(damage) => Error::NotTar {
            position: 0,
            source: damage.into(),
        },
    }
}
