//! A limit on whole requests, and on how slowly the bodies of requests and answers may move.
//!
//! Neither is set by default: a slow transfer that moves is healthy, and how long it may take depends on its size. The
//! limits of [single phases](crate::settings::Timeouts) notice a server that goes silent; these notice one that trickles.
//!
//! A request may bring its own [`Deadline`](crate::Deadline), which counts instead of
//! [`total`](DeadlineOptions::total). Retries wait only where they can still be in time.
//!
//! ```
//! use std::future::pending;
//! use std::time::Duration;
//!
//! use http::{Request, Response};
//! use tower::{Layer as _, ServiceExt as _, service_fn};
//! use wharf_transport::deadline::{DeadlineLayer, DeadlineOptions};
//! use wharf_transport::{Body, Error, Phase};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let options = DeadlineOptions::default().with_total(Duration::from_secs(60));
//! let silent = service_fn(|_: Request<Body>| pending::<Result<Response<Body>, Error>>());
//! let request = Request::get("https://registry.example/v2/").body(Body::empty())?;
//! let error = DeadlineLayer::new(options).layer(silent).oneshot(request).await.expect_err("silence");
//! assert!(matches!(error, Error::Timeout { phase: Phase::Whole, .. }));
//! # Ok(())
//! # }
//! ```

mod body;
mod layer;
mod options;
mod service;
mod upload;

pub use self::layer::DeadlineLayer;
pub use self::options::{DeadlineOptions, MinimumRate};
pub use self::service::InTime;

#[cfg(test)]
mod tests;
