//! Parts that images, indexes and layers are put together from.
//!
//! These types make an [`Image`](crate::Image), an [`Index`](crate::Index) or a [`Layer`](crate::Layer)
//! of as little as can be, and take care of verification, decompression and of remembering what was
//! computed once.
//!
//! | There is | That makes |
//! |---|---|
//! | a place with content by digest: [`ContentSource`] | [`StoredImage`], [`StoredIndex`] |
//! | a blob as stored: [`BlobSource`] and its descriptor | [`BlobLayer`] |
//! | a layer's uncompressed bytes: [`BlobSource`] | [`PlainLayer`] |
//! | bytes in memory | [`StaticLayer`] |
//! | a config and layers of any kind | [`ImageBuilder`] |
//! | images, indexes and blobs | [`IndexBuilder`] |
//! | documents that were written already, and what they list | [`AssembledImage`], [`AssembledIndex`] |
//! | a layer that is read often | [`CachedLayer`] |

mod assembled_image;
mod assembled_index;
mod blob_layer;
mod cached_layer;
mod content_source;
mod diff_ids;
mod image_builder;
mod index_builder;
mod plain_layer;
mod static_layer;
mod stored_image;
mod stored_index;

pub use assembled_image::AssembledImage;
pub use assembled_index::AssembledIndex;
pub use blob_layer::{BlobLayer, BlobSource};
pub use cached_layer::CachedLayer;
pub use content_source::ContentSource;
pub use diff_ids::diff_ids;
pub use image_builder::ImageBuilder;
pub use index_builder::IndexBuilder;
pub use plain_layer::PlainLayer;
pub use static_layer::StaticLayer;
pub use stored_image::StoredImage;
pub use stored_index::StoredIndex;

#[cfg(test)]
pub(crate) mod tests;
