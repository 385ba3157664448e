//! The files of an image.

use std::path::Path;
use std::sync::Arc;

use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use wharf::extract::ExtractOptions;
use wharf::v1::{ByteStream, Image};

use crate::Error;
use crate::output::Output;

/// The filesystem of an image as an uncompressed tar archive, or, where its only layer is none by its media type,
/// as in artifacts, the bytes of that (Go: `crane.Export`).
///
/// # Errors
/// [`Error::Mutate`] when the image cannot be read. The stream fails where a layer is damaged, and then without
/// the end of an archive.
pub async fn export(image: Arc<dyn Image>) -> Result<ByteStream, Error> {
    Ok(wharf::mutate::export(image, &ExtractOptions::new()).await?)
}

/// [Exports](export) an image to a file. A failure leaves what was there before, or nothing.
///
/// # Errors
/// As for [`export`]; [`Error::Content`] when a layer is damaged, [`Error::Io`] when the file cannot be written.
pub async fn export_to_file(image: Arc<dyn Image>, path: &Path) -> Result<(), Error> {
    let mut content = export(image).await?;
    let failed = |source| Error::Io {
        action: "writing",
        path: path.to_owned(),
        source,
    };
    let (output, mut file) = Output::create(path).map_err(failed)?;
    while let Some(chunk) = content.next().await {
        file.write_all(&chunk?).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    drop(file);
    output.keep().map_err(failed)
}
