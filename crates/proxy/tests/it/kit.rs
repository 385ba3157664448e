//! An upstream, a cache of it, and a client of the cache: no sockets, no clock.

use std::convert::Infallible;
use std::sync::Arc;

use http::{Request, Response};
use tower::ServiceExt as _;
use wharf_name::Reference;
use wharf_proxy::{PullThrough, PullThroughOptions};
use wharf_registry::{MemoryStore, Registry};
use wharf_remote::Client;
use wharf_transport::Body;
use wharf_transport::retry::RetryOptions;

pub(crate) struct Kit {
    pub(crate) upstream: Registry,
    /// A client of the upstream.
    pub(crate) owner: Client,
    /// A client of the cache.
    pub(crate) client: Client,
}

impl Kit {
    pub(crate) fn new(options: PullThroughOptions) -> Self {
        let upstream = Registry::builder().record().build();
        let reader = client("up.test", &upstream);
        let name = reference("up.test/any").registry().clone();
        let store = PullThrough::new(reader, name, Arc::new(MemoryStore::new()), options);
        Self {
            owner: client("up.test", &upstream),
            client: client("cache.test", &store.into_registry()),
            upstream,
        }
    }

    /// What the upstream was asked since this was last called: method, status and the kind of thing.
    pub(crate) fn asked(&self) -> Vec<String> {
        let requests = self.upstream.log().take();
        let asked = requests.iter().map(|request| {
            let kind = ["manifests", "blobs", "tags", "referrers"]
                .into_iter()
                .find(|kind| request.path.contains(&format!("/{kind}/")));
            format!("{} {}", request.method, kind.unwrap_or("other"))
        });
        let mut asked: Vec<String> = asked.collect();
        asked.sort();
        asked
    }
}

/// A client for whom `registry` is at `host`.
pub(crate) fn client(host: &'static str, registry: &Registry) -> Client {
    let registry = registry.clone();
    let bottom = tower::service_fn(move |request: Request<Body>| {
        assert_eq!(request.uri().host(), Some(host));
        let registry = registry.clone();
        async move {
            let Ok(response) = registry.oneshot(request).await;
            Ok::<Response<Body>, Infallible>(response.map(Body::new))
        }
    });
    Client::builder()
        .configure(|transport| transport.bottom(bottom).retry(RetryOptions::never()))
        .resumes(0)
        .build()
        .expect("a client")
}

pub(crate) fn reference(text: &str) -> Reference {
    text.parse().expect("a reference")
}
