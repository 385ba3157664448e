//! Hooks for tests: what was asked, what should go wrong, and which features an older registry lacks.
//!
//! ```
//! use http::{Method, Request, StatusCode};
//! use tower::ServiceExt as _;
//! use wharf_registry::hook::{Fault, Feature, Profile, Reaction};
//! use wharf_registry::{Body, Registry};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let old = Profile::full().without(Feature::Referrers);
//! let registry = Registry::builder().profile(old).record().build();
//! let unavailable = Reaction::status(StatusCode::SERVICE_UNAVAILABLE).with_retry_after("1");
//! registry.faults().add(Fault::on(Method::GET, "/v2/").times(1).then(unavailable));
//!
//! for _ in 0..2 {
//!     let ping = Request::get("/v2/").body(Body::empty()).expect("a request");
//!     let Ok(_) = registry.clone().oneshot(ping).await;
//! }
//! assert_eq!(registry.log().lines(), ["GET /v2/ 503", "GET /v2/ 200"]);
//! assert_eq!(registry.log().sequential_depth(), 2);
//! # }
//! ```

mod fault;
mod flush;
mod gate;
mod profile;
mod reaction;
mod record;
mod tamper;

pub(crate) use fault::Verdict;
pub use fault::{Fault, FaultHandle, Faults};
#[cfg(feature = "server")]
pub(crate) use flush::Flushes;
pub use gate::Gate;
pub use profile::{Feature, Profile};
pub use reaction::Reaction;
pub use record::{RequestLog, RequestRecord};
#[cfg(feature = "server")]
pub(crate) use tamper::Dropped;
