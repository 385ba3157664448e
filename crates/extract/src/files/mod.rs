//! The files of an image, listed and read without unpacking it.

mod entry;
mod read;
mod resolve;

use std::sync::Arc;

use wharf_v1::Image;

use crate::walk::on_entries;
use crate::{Error, ExtractOptions};

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
/// It is the filesystem that [`extract`](crate::extract()) gives, with all its rules and limits, verified. All layers are read
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
/// Those of [`extract`](crate::extract()).
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
