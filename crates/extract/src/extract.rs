//! An image's filesystem as a stream.

use std::sync::Arc;

use wharf_v1::{ByteStream, Image};

use crate::ExtractOptions;
use crate::merge::merge;

/// The filesystem of an image, as one tar archive.
///
/// Layers are merged on a thread for blocking work that begins when the stream is first polled, which needs
/// a tokio runtime, and ends soon after the stream is dropped. Layers are read from the top down, each one
/// once and to its end, so that all of them are verified; entries come in that order, so a directory may
/// come after what is in it. Memory is used for the names of entries, and for 2 MiB of
/// content.
///
/// - What a layer removes, or marks as opaque, is removed from the layers below it only.
/// - A layer that has something below a path that is a symbolic link in a lower layer has a directory
///   there, which replaces the link, as engines do that unpack each layer on its own. Links of the same
///   layer are followed.
/// - Of several entries of one layer for a path the last counts, and comes alone. Only in a layer of more
///   than 1 MiB do those before it come too, earlier, so that it wins where the archive is unpacked; to spare
///   them such a layer has to be [read twice](crate::Replaced::LeftOut).
/// - A hard link to what a higher layer hides gets the content that it was made for. That content may have
///   gone by when the link comes; then its layer is opened a second time, if it is larger than 1 MiB. A hard
///   link to a directory, or to nothing, fails.
/// - Names are relative to the root. Names that lead out of it fail; links that do are left out, and a
///   `tracing` event says so.
/// - Sparse files come out with their holes filled, records of PAX (extended attributes, times with
///   fractions) as they are, in the form that Go's `archive/tar` has for the same entries.
///
/// The stream fails with [`Error`](crate::Error), to be found with
/// [`source_ref`](wharf_v1::Error::source_ref). The end mark of the archive is written last and only when
/// all layers were read and found good: what was read of a stream that fails is no valid archive.
///
/// ```
/// use std::sync::Arc;
/// use wharf_extract::{ExtractOptions, extract};
/// use wharf_v1::random;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
/// let image = random::image(1, 2, 1000);
/// let tar = extract(Arc::new(image), &ExtractOptions::new()).collect(1 << 20).await?;
/// let mut archive = tar::Archive::new(&tar[..]);
/// assert_eq!(archive.entries()?.count(), 2);
/// # Ok(()) }
/// ```
///
/// Ancestor in Go: `mutate.Extract`.
#[must_use]
pub fn extract(image: Arc<dyn Image>, options: &ExtractOptions) -> ByteStream {
    let options = *options;
    ByteStream::from_blocking_write(move |out| merge(&*image, &options, out))
}
