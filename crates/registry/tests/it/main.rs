//! The registry, asked directly, and over a socket where that matters.

mod harness;
mod pull;
mod push_blob;
mod push_manifest;
