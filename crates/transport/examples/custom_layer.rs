//! A layer of one's own in the stack, and a bottom of one's own under it.
//!
//! Counts requests twice, once outside and once inside of authentication and retry, over a registry in memory that wants
//! a token. Run it with `cargo run -p wharf-transport --example custom_layer`.

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use http::{Request, Response};
use tower::{Layer, Service};
use wharf_authn::{Basic, StaticKeychain};
use wharf_transport::{Body, Error, RegistryContext, Transport};

/// Counts the requests that pass.
#[derive(Clone, Debug, Default)]
struct Metrics(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
}

impl<S> Layer<S> for Metrics {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted {
            inner,
            counters: Arc::clone(&self.0),
        }
    }
}

#[derive(Clone, Debug)]
struct Counted<S> {
    inner: S,
    counters: Arc<Counters>,
}

// Nothing here is about HTTP clients: any service of requests will do.
impl<S: Service<Request<Body>>> Service<Request<Body>> for Counted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> S::Future {
        self.counters.requests.fetch_add(1, Ordering::Relaxed);
        self.inner.call(request)
    }
}

/// A registry and its token server, in memory.
async fn registry(request: Request<Body>) -> Result<Response<Body>, Error> {
    let response = match (request.uri().path(), request.headers().get("authorization")) {
        ("/token", _) => Response::new(Body::full(r#"{"token":"t0ken","expires_in":300}"#)),
        (_, Some(header)) if header == "Bearer t0ken" => Response::new(Body::full("content")),
        _ => {
            let challenge = r#"Bearer realm="https://registry.example/token",service="registry.example""#;
            let mut response = Response::new(Body::empty());
            *response.status_mut() = http::StatusCode::UNAUTHORIZED;
            response
                .headers_mut()
                .insert("www-authenticate", http::HeaderValue::from_static(challenge));
            response
        }
    };
    Ok(response)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn StdError>> {
    let repository: wharf_name::Repository = "registry.example/team/app".parse()?;
    let keychain = StaticKeychain::new(repository.registry().clone(), Basic::new("alice", "wonderland"));
    let (outside, inside) = (Metrics::default(), Metrics::default());
    let transport = Transport::builder()
        .keychain(Arc::new(keychain))
        .layer(outside.clone())
        .layer_inside(inside.clone())
        .bottom(tower::service_fn(registry))
        .build()?;

    for _ in 0..10 {
        let request = Request::get(transport.url(repository.registry(), "/v2/team/app/tags/list")?)
            .extension(RegistryContext::of(&repository))
            .body(Body::empty())?;
        let response = transport.send(request).await?;
        assert_eq!(response.into_body().collect(1024).await?, "content");
    }
    let count = |metrics: &Metrics| metrics.0.requests.load(Ordering::Relaxed);
    // The first request took a refusal and a token more than the others.
    assert_eq!((count(&outside), count(&inside)), (10, 12));
    #[expect(clippy::print_stdout, reason = "an example shows what it did")]
    {
        println!(
            "asked for {} times, sent over the wire {} times",
            count(&outside),
            count(&inside)
        );
    }
    Ok(())
}
