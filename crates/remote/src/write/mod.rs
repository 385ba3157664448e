//! Writing: blobs, manifests, images, indexes, tags; and deleting.

mod all;
mod blob;
mod check;
mod delete;
mod destination;
mod image;
mod index;
mod layer;
mod manifest;
mod meter;
mod mount;
mod parts;
mod post;
mod put;
mod referrers;
mod send;
mod session;
mod source;
mod stream;
mod tag;
mod upload;

pub(crate) use self::destination::{Destination, Tip};
