//! Image content kept on disk by digest: verified, shared, limited in size.
//!
//! A [`Cache`] stands in front of any [`Image`](wharf_v1::Image), [`Index`](wharf_v1::Index) or
//! [`Layer`](wharf_v1::Layer): what is read through it once is read from disk from then on, be it a manifest, a config
//! or a layer, and by whatever name it is asked for.
//!
//! ```
//! use wharf_cache::{Cache, CacheOptions};
//! use wharf_v1::{ByteStream, Image as _, random};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("cache");
//! let cache = Cache::open(&path, CacheOptions::default().with_limit(Some(1 << 30)))?;
//! let image = cache.image(random::image(1, 2, 1000));
//! for layer in image.layers().await? {
//!     layer.compressed().await?.collect(1 << 20).await?;
//! }
//! assert_eq!(cache.usage().await?.blobs, 2);
//! # Ok(())
//! # }
//! ```
//!
//! # What holds
//!
//! - An entry appears under its digest when it is complete and its bytes have been hashed, in one rename. A reader that
//!   stops early, a process that dies and a full disk leave none.
//! - What is read from the cache is hashed on the way, or before ([`Check`]). An entry that is damaged is removed, and
//!   comes anew when it is asked for again.
//! - Several processes may share one directory. Each entry is a file named by its digest that holds the bytes as stored, as
//!   go-containerregistry's cache has them (with a dash instead of the colon on Windows).
//! - A cache that cannot be written to is no reason for a read to fail: the content is passed through, with a message to
//!   [`tracing`].
//! - What is larger than the [limit](CacheOptions::limit) is passed through. Else the least recently used entries make
//!   room.
//!
//! # Features
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `gzip` | `uncompressed` of layers that are compressed with gzip | no |
//! | `zstd` | the same for zstd (links the C library) | no |

mod cache;
mod error;
mod image;
mod index;
mod layer;
mod options;
mod room;
mod store;
mod tee;

pub use cache::Cache;
pub use error::Error;
pub use image::CachedImage;
pub use index::CachedIndex;
pub use layer::CachedLayer;
pub use options::{CacheOptions, Check};
pub use room::{Trimmed, Usage};
