//! The bytes of a blob.

use wharf::layout::{Layout, LayoutArchive};
use wharf::name::{DigestReference, ParseError};
use wharf::remote::Client;
use wharf::v1::ByteStream;

use crate::{Entry, Error, Place};

/// The blob that `reference` names, as the registry has it: a layer stays compressed
/// (Go: `crane.PullLayer`). Costs 1 request.
///
/// The stream ends without an error only if the bytes have the digest asked for.
///
/// # Errors
/// [`Error::Remote`] when the registry does not have it, refuses or cannot be reached.
pub async fn blob(client: &Client, reference: &DigestReference) -> Result<ByteStream, Error> {
    Ok(client.blob(reference).await?)
}

/// The blob that a place names by its digest, `REPOSITORY@DIGEST` or `oci:DIRECTORY@DIGEST`, as it is stored.
///
/// The stream ends without an error only if the bytes have the digest asked for.
///
/// # Errors
/// [`Error::Name`] when the place has no digest, else as [`blob`], and [`Error::Load`] when a layout cannot be read.
pub async fn blob_at(client: &Client, place: &Place) -> Result<ByteStream, Error> {
    match place {
        Place::Layout {
            path,
            entry: Entry::Digest(digest),
        } => {
            let failed = |error| Error::load("OCI layout", path, error);
            let layout = Layout::open(path).await.map_err(failed)?;
            layout.blob(digest).await.map_err(failed)
        }
        Place::LayoutArchive {
            path,
            entry: Entry::Digest(digest),
        } => {
            let failed = |error| Error::load("OCI archive", path, error);
            let archive = LayoutArchive::open(path).await.map_err(failed)?;
            archive.blob(digest).await.map_err(failed)
        }
        _ => {
            let text = match place.reference() {
                Some(reference) => reference.as_typed().to_owned(),
                None => place.to_string(),
            };
            let reference: DigestReference = text.parse().map_err(|error: ParseError| Error::Name(error))?;
            blob(client, &reference).await
        }
    }
}
