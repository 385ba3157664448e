//! Any request gets an answer, and none of them is the registry's own fault.

#![no_main]

use std::sync::LazyLock;

use http::{HeaderName, HeaderValue, Method, Request};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;
use wharf_registry::{Body, Registry};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("runtime")
});
/// One for all runs, so that requests meet what others left.
static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::in_memory);

const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::PUT,
    Method::POST,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

fuzz_target!(|input: (u8, &str, Vec<(&str, &[u8])>, &[u8])| {
    let (method, path, headers, body) = input;
    let mut request = Request::new(Body::full(body.to_vec()));
    *request.method_mut() = METHODS[usize::from(method) % METHODS.len()].clone();
    // Whatever a client can send as a target: what is no URI never gets here.
    let Ok(uri) = format!("/v2/{path}").parse() else {
        return;
    };
    *request.uri_mut() = uri;
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(value)) {
            request.headers_mut().append(name, value);
        }
    }
    RUNTIME.block_on(async {
        let Ok(response) = REGISTRY.clone().oneshot(request).await;
        let status = response.status();
        assert!(!status.is_server_error(), "{status}");
    });
});
