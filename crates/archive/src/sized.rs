//! The bytes of a layer on their way into an archive.

use std::sync::Arc;

use futures_util::{TryStreamExt as _, stream};
use oci_spec::image::Digest;
use wharf_v1::{ByteStream, Error as ContentError, Layer};

use crate::{Error, Form};

/// The bytes of a layer, opened when first polled.
pub(crate) fn open(layer: Arc<dyn Layer>, form: Form) -> ByteStream {
    ByteStream::new(
        stream::once(async move {
            match form {
                Form::Stored => layer.compressed().await,
                Form::Uncompressed => layer.uncompressed().await,
            }
        })
        .try_flatten(),
    )
}

/// A layer's bytes, exactly as many as planned: with one more or less, everything behind them in the
/// archive would be torn.
pub(crate) fn sized(bytes: ByteStream, digest: Digest, want: u64) -> ByteStream {
    let chunks = stream::try_unfold((bytes, 0), move |(mut bytes, got)| async move {
        let chunk = bytes.try_next().await?;
        let got = got + chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        if got > want || (chunk.is_none() && got < want) {
            return Err(ContentError::SizeMismatch { got, want });
        }
        Ok(chunk.map(|chunk| (chunk, (bytes, got))))
    });
    ByteStream::new(chunks.map_err(move |error| {
        ContentError::source(Error::ReadLayer {
            digest: digest.clone(),
            source: Box::new(error),
        })
    }))
}
