//! Images made from images.

mod edit;
mod golden;
mod streamed;
