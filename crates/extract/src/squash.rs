//! Several layers as one.

use std::sync::Arc;

use wharf_v1::{ByteStream, Layer};

use crate::ExtractOptions;
use crate::merge::{Below, merge_layers};

/// One changeset, as a tar archive, that does what these layers, base first, do one after the other to
/// whatever is below them.
///
/// It is merged as [`extract`](crate::extract) merges all layers of an image, and what is said there holds
/// here. Besides, what the layers remove from below is in it as marks: `.wh.` before a name, or
/// `.wh..wh..opq` in a directory ([image-spec](https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts)).
/// Marks come last, after the entries that they leave alone.
///
/// A hard link to a file below stays one. When one of the layers also replaces or removes that file, no
/// single changeset can do the same, and the stream fails with
/// [`Error::DanglingLink`](crate::Error::DanglingLink).
///
/// ```
/// use std::sync::Arc;
/// use wharf_extract::{ExtractOptions, squash};
/// use wharf_v1::random;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
/// let (lower, upper) = (Arc::new(random::layer(1, 100)), Arc::new(random::layer(2, 100)));
/// let tar = squash(vec![lower, upper], &ExtractOptions::new()).collect(1 << 20).await?;
/// assert_eq!(tar::Archive::new(&tar[..]).entries()?.count(), 2);
/// # Ok(()) }
/// ```
#[must_use]
pub fn squash(layers: Vec<Arc<dyn Layer>>, options: &ExtractOptions) -> ByteStream {
    let options = *options;
    ByteStream::from_blocking_write(move |out| merge_layers(layers, Below::Something, &options, out))
}
