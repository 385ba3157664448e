//! Requests and answers as they go over the wire, for people who look for a fault.
//!
//! The layer writes the head of each request and answer to a [`Sink`] of its caller, and the bodies that are short JSON.
//! In the default stack ([`TransportBuilder::wire_log`](crate::TransportBuilder::wire_log)) it is right above the bottom, so
//! that each attempt is shown, token requests included.
//!
//! # Secrets
//!
//! What is shown may be pasted anywhere. So credentials, cookies and the like are `REDACTED`, and so are the values of
//! query parameters in URLs, also in `Location`, `Link` and challenges. Bodies are shown only if they are JSON of up to 16 KiB;
//! those of token requests, those marked with a [`RedactReason`](crate::RedactReason), and those with fields that look like credentials
//! are not.
//!
//! ```
//! use std::sync::{Arc, Mutex};
//!
//! use http::{Request, Response};
//! use tower::{Layer as _, ServiceExt as _, service_fn};
//! use wharf_transport::wire::WireLogLayer;
//! use wharf_transport::{Body, Error};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let seen: Arc<Mutex<String>> = Arc::default();
//! let log = Arc::clone(&seen);
//! let layer = WireLogLayer::new(move |text: &str| log.lock().expect("not poisoned").push_str(text));
//! let bottom = service_fn(|_: Request<Body>| async { Ok::<_, Error>(Response::new(Body::empty())) });
//! let request = Request::get("https://registry.example/v2/")
//!     .header("authorization", "Bearer t0ken")
//!     .body(Body::empty())?;
//! layer.layer(bottom).oneshot(request).await?;
//! let seen = seen.lock().expect("not poisoned");
//! assert!(seen.starts_with("--> GET https://registry.example/v2/\nauthorization: REDACTED\n"));
//! assert!(seen.contains("<-- 200 OK https://registry.example/v2/ ("));
//! # Ok(())
//! # }
//! ```

mod head;
mod layer;
mod service;

pub use self::layer::{Sink, WireLogLayer};
pub use self::service::WireLog;
