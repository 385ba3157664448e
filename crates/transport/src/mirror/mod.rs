//! Reading from mirrors.
//!
//! [`Mirrors`] say, by the beginning of names, which servers have what a registry has. The layer asks them in order,
//! and the registry itself last. Configuration files of other tools can be read: [`registries_conf`] of podman, skopeo
//! and CRI-O, and [`hosts_toml`] of containerd.
//!
//! ```
//! use http::{Request, Response};
//! use wharf_transport::mirror::{Mirrors, Role, Rule, ServedBy};
//! use wharf_transport::{Body, Error, RegistryContext, Transport};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Two servers in memory: a mirror that is broken, and one that works.
//! let bottom = tower::service_fn(|request: Request<Body>| async move {
//!     Ok::<_, Error>(match request.uri().to_string().as_str() {
//!         "https://one.example/v2/hub/library/alpine/manifests/3" => Response::new(Body::full("<html>Welcome!")),
//!         "https://two.example/v2/library/alpine/manifests/3" => Response::new(Body::full("{}")),
//!         url => unreachable!("{url}"),
//!     })
//! });
//! let rule = Rule::new("docker.io".parse()?)
//!     .with_mirror("one.example/hub".parse()?)
//!     .with_mirror("two.example".parse()?);
//! let transport = Transport::builder()
//!     .mirrors(Mirrors::new().with_rule(rule))
//!     .bottom(bottom)
//!     .build()?;
//!
//! let repository: wharf_name::Repository = "alpine".parse()?;
//! let url = transport.url(repository.registry(), "/v2/library/alpine/manifests/3")?;
//! let request = Request::get(url).extension(RegistryContext::of(&repository)).body(Body::empty())?;
//! let response = transport.send(request).await?;
//! let served = response.extensions().get::<ServedBy>().expect("there is a rule");
//! assert_eq!((served.registry.as_str(), served.role), ("two.example", Role::Mirror));
//! assert_eq!(served.failures[0].to_string(), "one.example: not a manifest");
//! # Ok(())
//! # }
//! ```
//!
//! # What goes where
//!
//! - Mirrors get `GET` and `HEAD` of manifests and blobs, and nothing else; lists, referrers and all writes go to the
//!   registry itself. A rule may set another server in its place, for reads ([`UpstreamFor::Reads`]) or for all requests
//!   ([`UpstreamFor::Everything`]).
//! - An endpoint may be for tags only or digests only ([`Capabilities`]). Blobs count as digests. Each request is judged
//!   by itself: that a blob belongs to an image that was asked for by tag is not known here.
//! - Only requests with a [`RegistryContext`](crate::RegistryContext) are looked at; that names what is asked for.
//!
//! # When the next one is asked
//!
//! When a mirror cannot be reached, credentials for it cannot be had, its status is not 2xx (or 304), its answer is a web
//! page, the first byte of a manifest is not the `{` of a JSON object, or it says that a digest is another one than was
//! asked for. (Digests of content are not computed here: that is for who reads it.) The answer of the registry itself
//! is final, except for no answer and for the statuses that pass: then mirrors that were [last asked](#order) still may
//! have it.
//!
//! A body that breaks off later is not sent for again: that is for who reads it, too.
//!
//! # Order
//!
//! As in the rule. A server that could not be reached, or that asked for a pause (`Retry-After`), is asked last for a
//! while: at most 30 s and 60 s. Each is asked once, without the repetitions of the [retry layer](crate::retry) below; if
//! none had a good answer, those that may have one by now are asked again, with repetitions, unless the request has
//! [`NeverRetry`](crate::NeverRetry).
//!
//! # Credentials
//!
//! What is sent to an endpoint has the [`RegistryContext`](crate::RegistryContext) of that endpoint: its registry, and the
//! repository and scopes under the name that they have there. So the [authentication layer](crate::auth) below asks the
//! keychain for credentials of the mirror, judges realms by the mirror's origin, and keeps tokens apart. An
//! `Authorization`, `Cookie` or `Proxy-Authorization` that the caller put on a request does not go to other registries
//! than its own, nor do the headers of an endpoint, to which redirects do not carry them either.
//!
//! # Place in a stack
//!
//! Outside of all that makes a request one for a certain server: scheme, redirects, authentication, retry. Inside of
//! [`check`](crate::check), since it looks at statuses.

mod ask;
mod config;
mod endpoint;
mod error;
mod health;
pub mod hosts_toml;
mod judge;
mod layer;
mod location;
mod prefix;
pub mod registries_conf;
mod route;
mod rules;
mod served;
mod service;

pub use self::config::{ConfigError, ConfigProblem};
pub use self::endpoint::{Capabilities, Endpoint, RootPath};
pub use self::error::MirrorError;
pub use self::layer::MirrorLayer;
pub use self::location::{InvalidLocation, LocationProblem};
pub use self::prefix::Prefix;
pub use self::rules::{Access, Mirrors, Rule, UpstreamFor};
pub use self::served::{EndpointFailure, FailureReason, Role, ServedBy};
pub use self::service::Mirror;
