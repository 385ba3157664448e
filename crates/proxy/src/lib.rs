//! A registry that hands out what another one has, and keeps it: a pull-through cache.
//!
//! [`PullThrough`] is a [`Store`](wharf_registry::Store) in front of another. What it does not have it reads from an
//! upstream registry with a [`Client`](wharf_remote::Client), hands it on while it comes, and keeps it. Whoever pulls an
//! image a second time needs the upstream for one question at most.
//!
//! ```
//! use std::sync::Arc;
//! use wharf_proxy::{PullThrough, PullThroughOptions};
//! use wharf_registry::{MemoryStore, Registry, server::Server};
//! use wharf_remote::Client;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let upstream = Server::bind(Registry::in_memory(), "127.0.0.1:0").await?;
//! let client = Client::new()?;
//! let app = format!("{}/app:v1", upstream.host()).parse()?;
//! client.write(&app, &wharf_v1::random::image(1, 2, 1000)).await?;
//!
//! let kept = Arc::new(MemoryStore::new());
//! let store = PullThrough::new(client.clone(), app.registry().clone(), kept, PullThroughOptions::default());
//! let proxy = Server::bind(store.into_registry(), "127.0.0.1:0").await?;
//! let image = client.image(&format!("{}/app:v1", proxy.host()).parse()?, None).await?;
//! assert_eq!(image.as_descriptor(), client.get(&app).await?.descriptor());
//! # Ok(())
//! # }
//! ```
//!
//! # What holds
//!
//! - Blobs and manifests are verified by the client before they are kept, and hashed once more by the store.
//! - A tag is asked for upstream when nobody has asked for [a while](PullThroughOptions::fresh). When the upstream cannot
//!   be reached or is out of order, what the tag named last is handed out.
//! - What the upstream says is not there is not there, also if it was.
//! - Nothing can be pushed: the registry of [`into_registry`](PullThrough::into_registry) is read-only.
//!
//! # Features
//!
//! None.

mod fill;
mod manifest;
mod options;
mod pull_through;
mod store;

pub use options::PullThroughOptions;
pub use pull_through::PullThrough;
