//! Credentials and tokens.
//!
//! The layer is optimistic: the first request to a registry goes out without credentials. A `401` says how to
//! authenticate; the answer is remembered, so that later requests go straight with what they need. Credentials come from
//! a [`Keychain`](wharf_authn::Keychain), for the registry and repository in the request's
//! [`RegistryContext`](crate::RegistryContext).
//!
//! # What is sent where
//!
//! - A request gets credentials only if its URL is of the origin of its registry, it was not redirected away from there,
//!   and it has no `Authorization` already; and without TLS only if its registry may be spoken to without. Challenges of other servers are not answered.
//! - The token server that a registry names has to pass [`resolve_realm`](crate::origin::resolve_realm); its redirects
//!   are followed only within its origin. An identity token goes only to the site of its registry.
//! - A token is used for the registry, server, service, scopes and credential that it was made for; a token for more
//!   serves requests for less.
//!
//! # Bodies
//!
//! A request that has to be sent again needs a body that [can be](crate::Body::can_resend); else it fails with
//! [`Error::NotReplayable`](crate::Error::NotReplayable), and never sends part of a body. So that this does not happen to
//! uploads, a request with a body that can be read once is sent with a token that is good for a while, and where nothing
//! is known of its registry yet, that is asked first.
//!
//! # Tokens
//!
//! Tokens are kept in a [`TokenCache`], which can be shared and seeded. A token is renewed before it expires, and once
//! when the registry refuses it; however many requests need the same one, the token server is asked once. A challenge
//! that names another server or service than before is followed, after the same checks as the first. A refresh token that
//! comes in exchange for an identity token is used for the next exchange, and the identity token again when that fails.
//! One that comes in exchange for a password is not used: the password is as good, and is not lost when the server
//! forgets the other.
//!
//! # Refusals
//!
//! A credential that the registry or its token server refuses is [told](wharf_authn::Authenticator::rejected) to whoever
//! gave it, and the request is made with the next one, if there is any: a renewed one, or the next of several. What works
//! is kept to. A credential that expired on the way (Amazon's registry says so with a `403`) is refused too. What was shown
//! to a registry that refuses, and where credentials were looked for, is in the [error](crate::RegistryError::shown);
//! [`Error::hint`](crate::Error::hint) names the usual causes.
//! Whether images are read anonymously when a stored credential is refused is a [choice](StaleCredentials).
//!
//! # Place in a stack
//!
//! Inside of redirects, outside of retry: token requests pass the inner layers as all others do.
//!
//! ```
//! use std::sync::Arc;
//!
//! use http::{Request, Response};
//! use tower::{Layer as _, ServiceExt as _, service_fn};
//! use wharf_authn::{Basic, StaticKeychain};
//! use wharf_transport::auth::AuthLayer;
//! use wharf_transport::{Body, Error, RegistryContext};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let registry: wharf_name::Registry = "registry.example".parse()?;
//! let keychain = StaticKeychain::new(registry.clone(), Basic::new("alice", "wonderland"));
//! let server = service_fn(|request: Request<Body>| async move {
//!     let response = match request.headers().get("authorization") {
//!         Some(header) if header == "Basic YWxpY2U6d29uZGVybGFuZA==" => Response::builder(),
//!         _ => Response::builder().status(401).header("www-authenticate", "Basic realm=registry"),
//!     };
//!     Ok::<_, Error>(response.body(Body::empty()).expect("parts are valid"))
//! });
//! let service = AuthLayer::new(Arc::new(keychain)).layer(server);
//! let request = Request::get("https://registry.example/v2/")
//!     .extension(RegistryContext::new(registry))
//!     .body(Body::empty())?;
//! assert_eq!(service.oneshot(request).await?.status(), 200);
//! # Ok(())
//! # }
//! ```

mod cache;
mod challenge;
mod credentials;
mod error;
mod exchange;
mod handshake;
mod hint;
mod layer;
mod options;
mod refusal;
mod report;
mod sent;
mod service;
mod state;
mod token;
mod used;

pub use self::cache::TokenCache;
pub use self::challenge::Challenge;
pub(crate) use self::error::looked_for;
pub use self::error::{AuthError, AuthFailure};
pub use self::layer::AuthLayer;
pub use self::options::{AuthOptions, StaleCredentials};
pub use self::report::Shown;
pub use self::service::Auth;
pub use self::used::{Used, UsedToken};
