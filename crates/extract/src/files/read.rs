//! Reading one file of an image.

use std::fs::File;
use std::io::{self, Seek as _};
use std::sync::Arc;

use wharf_v1::{ByteStream, Image};

use super::entry::clean;
use super::{Files, on_entries};
use crate::{Error, ExtractOptions};

/// The content of a file in an image, by its path. Symbolic links are followed below the image's own root.
///
/// All layers are read, so that the file is known to be the one that counts and to be whole; it is kept in a temporary
/// file until then. Where the path leads by a symbolic or hard link, they are read twice.
///
/// ```
/// use std::sync::Arc;
/// use wharf_extract::{ExtractOptions, FilesOptions, files, read};
/// use wharf_v1::{Image, random};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let image: Arc<dyn Image> = Arc::new(random::image(1, 1, 1000));
/// let files = files(Arc::clone(&image), &FilesOptions::new()).await?;
/// let first = files.iter().next().expect("a file");
/// let content = read(image, &first.path, &ExtractOptions::new()).await?.collect(1 << 20).await?;
/// assert_eq!(content.len(), 1000);
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`Error::NoSuchFile`], [`Error::NotFile`] and [`Error::TooManyLinks`]; those of [`extract`](crate::extract());
/// [`Error::Spool`] when the temporary file cannot be written.
pub async fn read(image: Arc<dyn Image>, path: &str, options: &ExtractOptions) -> Result<ByteStream, Error> {
    let direct = clean(path.as_bytes());
    let (files, spooled) = spool(Arc::clone(&image), direct.clone(), options).await?;
    let name = files.resolve_name(path)?;
    let spooled = match spooled {
        Some(spooled) if name == direct => Some(spooled),
        _ => spool(image, name, options).await?.1,
    };
    match spooled {
        Some(mut file) => {
            file.rewind().map_err(failed)?;
            Ok(ByteStream::from_blocking_read(file))
        }
        None => Err(Error::NoSuchFile {
            path: path.to_owned(),
        }),
    }
}

/// All files, and the content of the last regular one of this name.
async fn spool(
    image: Arc<dyn Image>,
    name: Vec<u8>,
    options: &ExtractOptions,
) -> Result<(Files, Option<File>), Error> {
    on_entries(image, *options, move |mut walk| {
        let (mut files, mut spooled) = (Files::default(), None);
        while let Some(entry) = walk.next()? {
            files.insert(&entry.header, None);
            if clean(&entry.header.name) == name {
                spooled = None;
                if entry.header.kind.has_content() {
                    let mut file = tempfile::tempfile().map_err(failed)?;
                    walk.write(&entry, &mut file)?;
                    spooled = Some(file);
                }
            }
        }
        walk.end()?;
        Ok((files, spooled))
    })
    .await
}

fn failed(source: io::Error) -> Error {
    Error::Spool { source }
}
