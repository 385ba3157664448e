//! The registry, asked directly, and over a socket where that matters.

mod auth;
mod discover;
mod go_registry;
mod harness;
mod hooks;
mod hostile;
mod profiles;
mod pull;
mod push_blob;
mod push_chunks;
mod push_manifest;
#[cfg(feature = "server")]
mod server;
