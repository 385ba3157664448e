//! Read, write, list and delete images in a registry.
//!
//! [`Client`] is the door: cheap to clone, and to be kept, since it remembers what it learns about registries. It is given
//! parsed names ([`wharf_name`]) and gives and takes content by the traits of [`wharf_v1`]; what it reads is an
//! [`Image`](wharf_v1::Image), [`Index`](wharf_v1::Index) or [`Layer`](wharf_v1::Layer) whose parts are loaded when they
//! are needed.
//!
//! ```
//! use wharf_name::Reference;
//! use wharf_registry::{Registry, server::Server};
//! use wharf_remote::{Client, CopyOptions};
//! use wharf_v1::ImageExt as _;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::bind(Registry::in_memory(), "127.0.0.1:0").await?;
//! let client = Client::new()?;
//!
//! let v1: Reference = format!("{}/app:v1", server.host()).parse()?;
//! client.write(&v1, &wharf_v1::random::image(1, 2, 1024)).await?;
//!
//! let copy: Reference = format!("{}/mirror/app:v1", server.host()).parse()?;
//! let copied = client.copy(&v1, &copy, &CopyOptions::default()).await?.descriptor;
//!
//! let image = client.image(&copy, None).await?;
//! assert_eq!(image.digest().await?, *copied.digest());
//! assert_eq!(client.tags(copy.repository()).collect_all().await?, ["v1"]);
//! # Ok(()) }
//! ```
//!
//! # Parts
//!
//! | | |
//! |---|---|
//! | reading | [`Client::head`], [`get`](Client::get), [`image`](Client::image), [`index`](Client::index), [`layer`](Client::layer), [`blob`](Client::blob) |
//! | listing | [`Client::tags`], [`catalog`](Client::catalog), [`referrers`](Client::referrers) |
//! | writing | [`Client::write`], [`write_index`](Client::write_index), [`write_layer`](Client::write_layer), [`put`](Client::put), [`tag`](Client::tag), [`copy`](Client::copy), [`plan_copy`](Client::plan_copy), [`check_push`](Client::check_push) |
//! | deleting | [`Client::delete`] |
//! | settings | [`ClientBuilder`] |
//! | progress | [`Observer`], [`Event`] |
//! | errors | [`Error`], with [`Violation`] and [`Misuse`] as its reasons |
//!
//! # What holds everywhere
//!
//! - Bytes are good only when they hash to the digest that led to them, all of them and no more. There is no way to read
//!   without that check.
//! - Blobs are streams in both directions. Memory does not depend on their size.
//! - A download that breaks off is resumed; an upload that fails on the way goes on where the registry says that it
//!   stopped, after asking whether it has arrived all the same. A manifest is written after all that it refers to.
//! - Manifests are written as the bytes that they are.
//!
//! # Features
//!
//! This crate has none. TLS is chosen with the features of [`wharf_transport`], the codecs that
//! [`uncompressed`](wharf_v1::Layer::uncompressed) reads with those of [`wharf_v1`].

mod client;
mod copy;
mod error;
mod events;
mod media;
mod read;
mod tally;
mod wire;
mod write;

pub use client::{Client, ClientBuilder, NonDistributable};
pub use copy::{Amount, Children, CopyOptions, CopyReport};
pub use error::{Error, Misuse, Operation, Target, Violation};
pub use events::{Event, Observer};
pub use read::{Fetched, Pages, RemoteImage, RemoteIndex, RemoteLayer};
