//! Sending a request again when that may help and cannot harm.
//!
//! What is repeated is decided by [`decide`] from the method, the body and the outcome alone; see there for the table.
//! The layer belongs inside of authentication and redirects, so that each of their requests is repeated for itself, and
//! outside of whatever should see each attempt. When the attempts run out, the last answer is returned intact, whatever
//! its status is, and so is the last error. Dropping the future of a request ends its waits at once.
//!
//! Waits are told to the request's [`OnWait`](crate::OnWait). Nothing is waited for that would end behind the
//! request's [deadline](crate::Deadline): then the answer that there is, is final.
//!
//! ```
//! use std::sync::atomic::{AtomicU32, Ordering};
//!
//! use http::{Request, Response};
//! use tower::{Layer as _, ServiceExt as _, service_fn};
//! use wharf_transport::retry::{RetryLayer, RetryOptions};
//! use wharf_transport::{Attempts, Body, Error};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! static SENT: AtomicU32 = AtomicU32::new(0);
//! let flaky = service_fn(|_: Request<Body>| async {
//!     let status = if SENT.fetch_add(1, Ordering::Relaxed) == 0 { 503 } else { 200 };
//!     Ok::<_, Error>(Response::builder().status(status).body(Body::empty()).expect("parts are valid"))
//! });
//! let service = RetryLayer::new(RetryOptions::default()).layer(flaky);
//! let response = service.oneshot(Request::new(Body::empty())).await?;
//! assert_eq!(response.status(), 200);
//! assert_eq!(response.extensions().get(), Some(&Attempts(2)));
//! # Ok(())
//! # }
//! ```

mod budget;
mod decide;
mod layer;
mod options;
mod retry_after;
mod service;

pub use self::decide::{Outcome, Verdict, decide};
pub use self::layer::RetryLayer;
pub use self::options::RetryOptions;
pub use self::service::Retry;

pub(crate) use self::retry_after::retry_after;

#[cfg(test)]
mod tests;
