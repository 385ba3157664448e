//! How much is asked of one host at a time.
//!
//! All requests of a stack and of its clones to one origin share three things:
//!
//! - **Slots.** So many requests that read, and so many that write, are under way at a time; the two do not take each
//!   other's slots. A slot is held from the request until the end of the response's body.
//! - **A pace**, if one is [set](HostLimits::requests_per_second): requests leave evenly spaced.
//! - **A cool-down.** A `429`, and a `503` with `Retry-After`, hold back every request to the origin, not only the one that
//!   was answered, so that parallel jobs slow down together. How long is what the server asks for (seconds or a date), up to
//!   [a limit](HostLimits::cool_down_limit); where a `429` does not say, it is a second, doubled for each one in a row.
//!   Requests that were held back leave a little apart of each other.
//!
//! # Callers that hold bodies
//!
//! A caller may keep a body open while it sends other requests, or may not poll a request for a while. Slots must not
//! make it wait for itself. So a slot counts only while something moves: when nobody has polled its request, and no
//! byte has moved in either direction, for [a while](HostLimits::lend_after), it is lent to whoever waits for one. Its
//! transfer goes on when its caller does, with a slot if there is one, else above the limit. Answers that are small,
//! empty or no success give their slot back at once. Whoever waits for a slot is therefore let in as soon as a transfer
//! ends *or* stalls.
//!
//! # Place in a stack
//!
//! Inside of retry and authentication, so that waits between attempts and for tokens hold no slot.
//!
//! ```
//! use std::num::NonZeroU32;
//!
//! use http::{Request, Response};
//! use tower::{Layer as _, ServiceExt as _, service_fn};
//! use wharf_transport::limit::{HostLimits, LimitLayer, LimitOptions};
//! use wharf_transport::{Body, Error};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ten = NonZeroU32::new(10).expect("ten is not zero");
//! let limits = LimitOptions::default().with_default(HostLimits::default().with_requests_per_second(ten));
//! let bottom = service_fn(|_: Request<Body>| async { Ok::<_, Error>(Response::new(Body::empty())) });
//! let service = LimitLayer::new(limits).layer(bottom);
//! let start = tokio::time::Instant::now();
//! for _ in 0..11 {
//!     let request = Request::get("https://registry.example/v2/").body(Body::empty())?;
//!     service.clone().oneshot(request).await?;
//! }
//! assert_eq!(start.elapsed().as_secs(), 1);
//! # Ok(())
//! # }
//! ```

mod body;
mod gate;
mod host;
mod layer;
mod options;
mod pool;
mod service;

pub use self::layer::LimitLayer;
pub use self::options::{HostLimits, LimitOptions};
pub use self::service::Limit;

#[cfg(test)]
mod tests;
