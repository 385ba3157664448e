//! Statuses that were not asked for, as errors.
//!
//! The service passes responses whose status is [`Accepted`](crate::Accepted) untouched, and turns every other into an
//! [`Error::Registry`](crate::Error::Registry), for which it reads at most [`BODY_LIMIT`] bytes of the body. It belongs
//! outside of everything that handles statuses itself: retry, redirect, authentication.
//!
//! The answer to a `HEAD` has no body that says why it failed. Whether that is then found out by a `GET` is a
//! [choice](HeadFailures).
//!
//! ```
//! use tower::{Layer as _, ServiceExt as _, service_fn};
//! use wharf_transport::check::CheckLayer;
//! use wharf_transport::{Body, Error};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gone = service_fn(|_: http::Request<Body>| async {
//!     let body = r#"{"errors":[{"code":"BLOB_UNKNOWN","message":"gone"}]}"#;
//!     Ok::<_, Error>(http::Response::builder().status(404).body(Body::full(body)).expect("parts are valid"))
//! });
//! let request = http::Request::get("https://registry.example/v2/").body(Body::empty())?;
//! let error = CheckLayer::new().layer(gone).oneshot(request).await.expect_err("404 is not accepted");
//! assert!(error.is_not_found());
//! assert_eq!(error.to_string(), "GET https://registry.example/v2/: BLOB_UNKNOWN: gone");
//! # Ok(())
//! # }
//! ```

mod head;
mod layer;
mod service;

pub use self::head::HeadFailures;
pub use self::layer::CheckLayer;
pub use self::service::{BODY_LIMIT, Check};

pub(crate) use self::service::registry_error;
