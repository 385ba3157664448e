//! Parts that images, indexes and layers are put together from.
//!
//! Whoever reads content from somewhere has bytes: documents, and blobs that can be opened. These types
//! make an [`Image`](crate::Image), an [`Index`](crate::Index) or a [`Layer`](crate::Layer) of them and
//! take care of verification, decompression and of remembering what was computed once.

mod assembled_image;
mod assembled_index;
mod blob_layer;
mod static_layer;

pub use assembled_image::AssembledImage;
pub use assembled_index::AssembledIndex;
pub use blob_layer::{BlobLayer, BlobSource};
pub use static_layer::StaticLayer;
