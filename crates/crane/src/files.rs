//! The files of an image.

use std::sync::Arc;

use wharf::extract::{ExtractOptions, FileEntry, FileKind, Files, FilesOptions};
use wharf::remote::Client;
use wharf::v1::{ByteStream, Image, PlatformSpec};

use crate::{Error, Place};

/// The files of the image at `place`: of an index that for `platform`, `linux/amd64` if none is given. All layers are
/// read, and nothing is written.
///
/// # Errors
/// As [`Place::image`], and [`Error::Files`] when its layers cannot be read or make no filesystem.
pub async fn list_files(
    client: &Client,
    place: &Place,
    platform: Option<&PlatformSpec>,
) -> Result<Files, Error> {
    files_of(place.image(client, platform).await?, &FilesOptions::new()).await
}

/// The content of a file of the image at `place`. Links are followed below the image's own root.
///
/// # Errors
/// As [`list_files`]; [`Error::Files`] also when there is no such file, or it is none.
pub async fn read_file(
    client: &Client,
    place: &Place,
    platform: Option<&PlatformSpec>,
    path: &str,
) -> Result<ByteStream, Error> {
    let image = place.image(client, platform).await?;
    let content = wharf::extract::read(image, path, &ExtractOptions::new()).await;
    content.map_err(|error| Error::Files(Box::new(error)))
}

pub(crate) async fn files_of(image: Arc<dyn Image>, options: &FilesOptions) -> Result<Files, Error> {
    let files = wharf::extract::files(image, options).await;
    files.map_err(|error| Error::Files(Box::new(error)))
}

/// Kind and permissions as `ls -l` shows them: `-rw-r--r--`.
#[must_use]
pub fn mode_text(file: &FileEntry) -> String {
    let kind = match file.kind {
        FileKind::Directory => 'd',
        FileKind::Symlink => 'l',
        FileKind::HardLink => 'h',
        FileKind::CharDevice => 'c',
        FileKind::BlockDevice => 'b',
        FileKind::Fifo => 'p',
        _ => '-',
    };
    let mut text = String::from(kind);
    for (shift, special, with, without) in [
        (6, 0o4000, 's', 'S'),
        (3, 0o2000, 's', 'S'),
        (0, 0o1000, 't', 'T'),
    ] {
        let bits = file.mode >> shift;
        text.push(if bits & 4 == 0 { '-' } else { 'r' });
        text.push(if bits & 2 == 0 { '-' } else { 'w' });
        text.push(match (bits & 1 != 0, file.mode & special != 0) {
            (true, true) => with,
            (false, true) => without,
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}
