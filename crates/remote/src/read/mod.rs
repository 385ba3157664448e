//! Reading: manifests, images, indexes, layers, blobs and lists.

mod blob;
mod blob_source;
mod catalog;
mod fetched;
mod get;
mod head;
mod image;
mod index;
mod inline;
mod layer;
mod links;
mod pages;
mod parallel;
mod referrers;
mod resume;
mod tags;
mod walk;

pub use self::fetched::Fetched;
pub use self::image::RemoteImage;
pub use self::index::RemoteIndex;
pub use self::layer::RemoteLayer;
pub use self::pages::Pages;

pub(crate) use self::get::DOCUMENT_LIMIT;
pub(crate) use self::referrers::referrers_tag;
