//! An embeddable registry server and its stores.
//!
//! [`Registry`] is a [`tower::Service`] that speaks the
//! [distribution specification](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md)
//! whole, so it can be called directly, mounted in any server on hyper, or given to
//! `server::Server`, which binds an address. It is three things in one: the registry that works with nothing
//! installed, a small registry for a team, and the test server of every crate of this workspace.
//!
//! ```
//! use http::{Request, StatusCode};
//! use tower::ServiceExt as _;
//! use wharf_registry::{Body, Registry};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let registry = Registry::in_memory();
//! let digest = wharf_v1::sha256(b"hello");
//! let put = Request::post(format!("/v2/demo/blobs/uploads/?digest={digest}"))
//!     .body(Body::full("hello"))
//!     .expect("a request");
//! let Ok(response) = registry.clone().oneshot(put).await;
//! assert_eq!(response.status(), StatusCode::CREATED);
//! assert_eq!(registry.log().lines(), [format!("POST /v2/demo/blobs/uploads/?digest={digest} 201")]);
//! # }
//! ```
//!
//! # Parts
//!
//! - [`Registry`] and its builder: what it allows ([`Options`]), who is let in ([`auth`]).
//! - [`store`]: the trait [`Store`], in memory ([`MemoryStore`]) and in a directory
//!   ([`DirectoryStore`]).
//! - [`hook`]: for tests. Requests are recorded, faults injected, features switched off.
//! - `server`: binds an address, with time limits and a graceful end.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `object-store` | no | [`store`]'s `BucketStore`: a registry in a bucket of S3, GCS, Azure and others |
//! | `server` | no | the module `server`: a server on hyper |
//! | `aws-lc-rs`, `ring` | no | TLS for the server, on rustls with that provider |
//! | `tls` | no | the same with the provider that the process has chosen |
//! | `conformance` | no | [`store::conformance`](crate::store), the suite that every store runs |

pub mod auth;
mod body;
mod endpoint;
pub mod hook;
mod incoming;
mod manifest;
mod name;
mod options;
mod problem;
mod query;
mod range;
mod registry;
mod route;
#[cfg(feature = "server")]
pub mod server;
pub mod store;

pub use body::{Body, BoxError};
pub use name::{RepositoryName, TagName};
pub use options::{Access, Deletion, Options, References};
pub use registry::{Registry, RegistryBuilder};
pub use store::{DirectoryStore, MemoryStore, Store};
