//! Images made from images.

mod config;
mod convert;
mod edit;
mod flatten;
mod golden;
mod index;
mod kept;
mod layers;
mod rebase;
mod squash;
mod streamed;
mod support;
mod time;
