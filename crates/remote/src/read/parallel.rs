//! Large blobs in several parts at once.

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use wharf_v1::ByteStream;

use crate::error::Error;
use crate::read::blob_source::BlobSource;
use crate::read::resume::Download;

/// Bytes in a part, and the most that is held of one until it is its turn.
const PART: u64 = 8 << 20;

/// The bytes of a blob in their order, fetched in parts of which `requests` are under way or in memory at a time.
///
/// A registry that answers the first with the whole blob is read as ever.
pub(super) async fn open(source: BlobSource, size: u64, requests: usize) -> Result<ByteStream, Error> {
    if requests < 2 || size <= 2 * PART {
        return Ok(Download::open(source, Some(size)).await?.into_stream());
    }
    let first = Download::open_first_part(source.clone(), size, PART).await?;
    if !first.is_part() {
        return Ok(first.into_stream());
    }
    let starts = (1..size.div_ceil(PART)).map(|part| part * PART);
    let rest = starts.map(move |start| Download::part(source.clone(), size, start, size.min(start + PART)));
    let parts = stream::iter(std::iter::once(first).chain(rest))
        .map(|part| part.into_stream().try_collect::<Vec<Bytes>>())
        .buffered(requests)
        .map_ok(|chunks| stream::iter(chunks.into_iter().map(Ok)))
        .try_flatten();
    Ok(ByteStream::new(parts))
}
