//! The choice between `https` and `http`.
//!
//! A registry that must be reached by TLS is never asked in any other way, whatever URL a request has. For one that may
//! be reached without ([`PlainHttp::Allowed`](crate::settings::PlainHttp::Allowed), or a loopback or private address by
//! its name) the first request is sent by `https`. If nobody listens, whoever does speaks no TLS, or the proxy gives no
//! way, it is sent by `http` at once, and after two seconds if it only waits; what works is remembered for the life of
//! the stack. A server that speaks TLS but shows a bad certificate is an error, never a reason to do without.
//!
//! Requests without a [`RegistryContext`](crate::RegistryContext), and those to other places than their registry, pass
//! untouched. The layer belongs outside of redirects and authentication, because both ask where a request goes.
//!
//! ```
//! use http::{Request, Response};
//! use tower::{Layer as _, ServiceExt as _, service_fn};
//! use wharf_transport::scheme::SchemeLayer;
//! use wharf_transport::settings::{PlainHttp, RegistrySettings};
//! use wharf_transport::{Body, Error, RegistryContext};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let echo = service_fn(|request: Request<Body>| async move {
//!     Ok::<_, Error>(Response::new(Body::full(request.uri().to_string())))
//! });
//! let settings = RegistrySettings::default().with_plain_http(PlainHttp::Only);
//! let service = SchemeLayer::new(settings, []).layer(echo);
//! let request = Request::get("https://registry.example:5000/v2/")
//!     .extension(RegistryContext::new("registry.example:5000".parse()?))
//!     .body(Body::empty())?;
//! let response = service.oneshot(request).await?;
//! assert_eq!(response.into_body().collect(100).await?, "http://registry.example:5000/v2/");
//! # Ok(())
//! # }
//! ```

mod layer;
mod service;

pub use self::layer::SchemeLayer;
pub use self::service::Scheme;

#[cfg(test)]
mod tests;
