//! Following redirects without giving anything away.
//!
//! Each target passes the judge of [`origin`](crate::origin::resolve_location). When a target is of another origin,
//! `Authorization` and cookies are dropped for good: also redirects that lead back to the first origin do not bring them
//! back, and neither does a `401` of the target. All other headers, as `Range` and `Accept`, are kept. At most
//! [`MAX_REDIRECTS`] are followed, and none to where the request was before. See [`follow`] for what becomes of the
//! method and the body.
//!
//! The layer belongs outside of authentication, which then decides for each target anew. Responses get the URL that
//! answered as [`AnsweredBy`](crate::AnsweredBy).
//!
//! ```
//! use http::{Request, Response};
//! use tower::{Layer as _, ServiceExt as _, service_fn};
//! use wharf_transport::redirect::RedirectLayer;
//! use wharf_transport::{AnsweredBy, Body, Error};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let servers = service_fn(|request: Request<Body>| async move {
//!     let response = match request.uri().host() {
//!         Some("registry.example") => {
//!             Response::builder().status(307).header("location", "https://cdn.example/blob?sig=x")
//!         }
//!         _ => {
//!             assert!(!request.headers().contains_key("authorization"));
//!             Response::builder()
//!         }
//!     };
//!     Ok::<_, Error>(response.body(Body::empty()).expect("parts are valid"))
//! });
//! let request = Request::get("https://registry.example/v2/a/blobs/b")
//!     .header("authorization", "Bearer secret")
//!     .body(Body::empty())?;
//! let response = RedirectLayer::new().layer(servers).oneshot(request).await?;
//! let answered = response.extensions().get::<AnsweredBy>().expect("set on every response");
//! assert_eq!(answered.0, "https://cdn.example/blob?sig=x");
//! # Ok(())
//! # }
//! ```

mod follow;
mod layer;
mod service;

pub use self::follow::{Next, follow};
pub use self::layer::RedirectLayer;
pub use self::service::{MAX_REDIRECTS, Redirect};

#[cfg(test)]
mod tests;
