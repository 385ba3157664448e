//! Unpacking an image's filesystem into a directory.

mod options;
mod root;
mod writer;

use std::path::Path;
use std::sync::Arc;

use wharf_v1::Image;

use crate::Error;
#[cfg(doc)]
use crate::extract;
use crate::walk::{explain, on_entries};
use root::Root;
use writer::{Fail, Writer};

pub use options::{Privileges, Skipped, SkippedPart, UnpackOptions, Unpacked};

/// Unpacks the filesystem of an image into a directory, which is made if it is not there. On Linux only.
///
/// It is the filesystem that [`extract`] gives, with all its rules and limits, verified. Nothing outside of
/// `directory` is written, changed or linked to: paths are resolved part by part, by handles of directories,
/// and no symbolic link is ever followed, whoever put it there. The image's own links are made as they are;
/// whoever uses the directory as a root should resolve them there.
///
/// What is in the directory already stays, unless the image has something of that name: a directory is
/// kept, with what is in it, and gets the mode, owner and time that the image says; anything else is
/// replaced, not written into. Where the image needs a directory and there is something else, or the other
/// way round a directory with something in it, unpacking fails with [`Error::Obstructed`].
///
/// Files get their own times, and directories theirs when everything is in them. See [`Privileges`] for
/// owners, devices, special bits and extended attributes. Directories that no entry describes have mode 0755.
///
/// ```
/// use std::sync::Arc;
/// use wharf_extract::{UnpackOptions, unpack};
/// use wharf_v1::random;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let temporary = tempfile::tempdir()?;
/// # let directory = temporary.path().join("root");
/// let unpacked = unpack(Arc::new(random::image(1, 2, 1000)), &directory, &UnpackOptions::new()).await?;
/// assert_eq!(unpacked.entries, 2);
/// assert_eq!(std::fs::read_dir(&directory)?.count(), 2);
/// # Ok(()) }
/// ```
///
/// # Errors
/// Those of [`extract`], [`Error::Io`] when something cannot be written, and [`Error::Obstructed`]. What was
/// written until then stays.
///
/// # Cancel safety
/// When the future is dropped the work ends soon; what was written stays.
pub async fn unpack(
    image: Arc<dyn Image>,
    directory: impl AsRef<Path>,
    options: &UnpackOptions,
) -> Result<Unpacked, Error> {
    let directory = directory.as_ref().to_owned();
    let privileges = options.privileges;
    on_entries(image, options.extract, move |mut walk| {
        let mut writer = Writer::new(Root::open(&directory)?, privileges);
        while let Some(entry) = walk.next()? {
            writer
                .entry(&entry, &mut walk.reader)
                .map_err(|fail| match fail {
                    Fail::Input(fault) => explain(fault),
                    Fail::Own(error) => error,
                })?;
        }
        walk.end()?;
        writer.finish()
    })
    .await
}
