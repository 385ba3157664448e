//! The HTTP client for registries, as a stack of [tower](https://docs.rs/tower) layers.
//!
//! A [`Transport`] sends `http::Request<Body>` and returns `http::Response<Body>`. Everything between the two is a layer
//! that can also be used alone, and a bottom service that can be replaced: here by one in memory.
//!
//! ```
//! use http::{Request, Response};
//! use wharf_transport::{Body, Error, RegistryContext, Transport};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let registry: wharf_name::Registry = "registry.example".parse()?;
//! let bottom = tower::service_fn(|request: Request<Body>| async move {
//!     assert!(request.headers()["user-agent"].to_str().is_ok_and(|agent| agent.starts_with("wharf/")));
//!     Ok::<_, Error>(Response::new(Body::full("{}")))
//! });
//! let transport = Transport::builder().bottom(bottom).build()?;
//!
//! let mut request = Request::get(transport.url(&registry, "/v2/")?).body(Body::empty())?;
//! request.extensions_mut().insert(RegistryContext::new(registry));
//! let response = transport.send(request).await?;
//! assert_eq!(response.into_body().collect(1024).await?, "{}");
//! # Ok(())
//! # }
//! ```
//!
//! # Parts
//!
//! The layers of the default stack from the outside in, and what travels through them:
//!
//! | part | what it is | Go ancestor |
//! |---|---|---|
//! | [`Transport`], [`TransportBuilder`] | the stack behind one type | `transport.NewWithContext` |
//! | [`trace`] | requests as spans | `transport.NewLogger` |
//! | [`check`], [`RegistryError`] | statuses that were not asked for, as errors | `transport.CheckError`, `transport.Error` |
//! | [`mirror`] | other servers that have what a registry has | none |
//! | [`scheme`] | `https` or `http` | `transport.Ping` |
//! | [`redirect`] | redirects that give nothing away | none |
//! | [`auth`], [`Scope`] | credentials and tokens | `transport.Exchange`, `Challenge`, scopes |
//! | [`user_agent`] | the `User-Agent` header | `transport.NewUserAgent` |
//! | [`deadline`] | a limit on whole requests, and on how slowly they may move | none |
//! | [`limit`] | slots, pace and cool-down per host, shared by all clones | none |
//! | [`retry`] | sending again | `transport.NewRetry`, `retry.Backoff` |
//! | [`wire`] | requests and answers as they go over the wire, for people | `logs.Debug` |
//! | [`HttpClient`] | the bottom: connections and their pool | `http.Transport` |
//! | [`Body`] | bytes that know whether they can be sent again | `http.Request.GetBody` |
//! | [`RegistryContext`] and the like | what a request carries besides HTTP, as extensions | contexts |
//! | [`next_link`] | the `Link` header of a list that comes in pages | none |
//! | [`origin`] | where a secret may go, and the judge of URLs that servers choose | none |
//! | [`settings`] | how registries are reached | `name.Insecure`, `remote.WithTransport` |
//!
//! Own layers go around all of these ([`TransportBuilder::layer`]) or between retry and bottom
//! ([`TransportBuilder::layer_inside`]); [`TransportBuilder::bottom`] replaces the bottom. The example `custom_layer` does
//! both, and the guide "Extending the transport" (`docs/extending-the-transport.md`) builds three layers step by step.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `aws-lc-rs` | TLS by rustls with the aws-lc-rs provider |
//! | `ring` | TLS by rustls with the ring provider; where both are on, aws-lc-rs is used |
//! | `tls` | TLS in general, without a provider: switched on by the other two |
//!
//! Without any of them only plain HTTP works, and `https` fails with [`Error::NoTls`].

mod answer;
pub mod auth;
mod body;
#[cfg(feature = "tls")]
pub mod certs;
pub mod check;
mod client;
mod context;
pub mod deadline;
mod env;
mod error;
#[cfg(doctest)]
mod guide;
pub mod limit;
mod link;
pub mod mirror;
pub mod origin;
pub mod proxy;
mod redact;
pub mod redirect;
pub mod retry;
pub mod scheme;
mod scope;
mod send;
pub mod settings;
mod stack;
pub mod trace;
mod transport;
pub mod user_agent;
mod wait;
pub mod wire;

pub use answer::{AnswerInfo, Quota};
pub use body::{Body, BodyStream, Opener};
pub use client::{HttpClient, Resolve, SystemResolver};
pub use context::{
    Accepted, AnsweredBy, Attempts, ChosenBy, Deadline, NeverRetry, RedactReason, RegistryContext,
};
pub use env::Environment;
pub use error::{BoxError, Diagnostic, Error, ErrorCode, Phase, RedirectLimit, RegistryError, TlsFailure};
pub use link::{InvalidLink, next_link};
pub use redact::RedactedUrl;
pub use scope::{Actions, Scope};
pub use transport::{Transport, TransportBuilder};
pub use wait::{OnWait, Wait, WaitReason};
