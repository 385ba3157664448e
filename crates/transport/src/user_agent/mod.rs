//! The `User-Agent` header.
//!
//! May stand anywhere in a stack. In the default one it is inside the authentication layer, so that token servers see
//! the header too.
//!
//! ```
//! use tower::{Layer as _, ServiceExt as _, service_fn};
//! use wharf_transport::user_agent::UserAgentLayer;
//! use wharf_transport::{Body, Error};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let echo = service_fn(|request: http::Request<Body>| async move {
//!     let agent = request.headers()["user-agent"].as_bytes().to_vec();
//!     Ok::<_, Error>(http::Response::new(Body::full(agent)))
//! });
//! let service = UserAgentLayer::with_prefix("my-tool/1.0")?.layer(echo);
//! let response = service.oneshot(http::Request::new(Body::empty())).await?;
//! let agent = response.into_body().collect(100).await?;
//! assert!(agent.starts_with(b"my-tool/1.0 wharf/"));
//! # Ok(())
//! # }
//! ```

mod layer;
mod service;

pub use self::layer::UserAgentLayer;
pub use self::service::UserAgent;
