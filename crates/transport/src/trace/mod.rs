//! Requests as [`tracing`] spans.
//!
//! The default stack has the layer twice: around everything, where a span is one request of a caller, and inside of
//! retry, where a span is one attempt on the wire, token requests included. Spans have the fields that
//! [OpenTelemetry](https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client) names: `http.request.method`,
//! `url.full` ([redacted](crate::RedactedUrl)), `server.address`, `server.port`, `http.response.status_code`, `error.type`,
//! and `otel.name` and `otel.kind` for its exporter. Headers and bodies are never recorded.
//!
//! ```
//! use http::{Request, Response};
//! use tower::{Layer as _, ServiceExt as _, service_fn};
//! use wharf_transport::trace::TraceLayer;
//! use wharf_transport::{Body, Error};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bottom = service_fn(|_: Request<Body>| async { Ok::<_, Error>(Response::new(Body::empty())) });
//! let service = TraceLayer::request().layer(bottom);
//! service.oneshot(Request::get("https://registry.example/v2/").body(Body::empty())?).await?;
//! # Ok(())
//! # }
//! ```

mod layer;
mod service;

pub use self::layer::TraceLayer;
pub use self::service::Trace;
