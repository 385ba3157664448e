//! Two registries in memory, `a.test` and `b.test`, and a client whose transport ends in them: no sockets, no clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::{Request, Response};
use http_body::Body as _;
use tower::ServiceExt as _;
use wharf_name::{Reference, Repository};
use wharf_registry::Registry;
use wharf_remote::{Client, ClientBuilder, Event, Observer};
use wharf_transport::{Body, Transport};

pub(crate) struct Kit {
    pub(crate) a: Registry,
    pub(crate) b: Registry,
    pub(crate) client: Client,
    pub(crate) events: Arc<Events>,
}

impl Kit {
    pub(crate) fn new() -> Self {
        Self::with(recording(), recording(), |client| client)
    }

    pub(crate) fn with(
        a: Registry,
        b: Registry,
        configure: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Self {
        let events = Arc::new(Events::default());
        let listener = Arc::clone(&events);
        let client = fresh_client(&a, &b, |client| configure(client.observer(listener)));
        Self { a, b, client, events }
    }

    /// Another client, which knows nothing yet.
    pub(crate) fn fresh_client(&self) -> Client {
        fresh_client(&self.a, &self.b, |client| client)
    }

    /// Another client, each of whose requests takes a second of the paused clock: the seconds that an operation takes
    /// are the round trips that it waits for.
    pub(crate) fn distant_client(&self) -> Client {
        let delay = tower::layer::layer_fn(|inner: Transport| {
            tower::service_fn(move |request: Request<Body>| {
                let inner = inner.clone();
                async move {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    inner.send(request).await
                }
            })
        });
        fresh_client(&self.a, &self.b, |client| {
            client.configure(|transport| transport.layer_inside(delay))
        })
    }

    /// What the first registry was asked since this was last called.
    pub(crate) fn asked_a(&self) -> Vec<String> {
        asked(&self.a)
    }

    /// What the second registry was asked since this was last called.
    pub(crate) fn asked_b(&self) -> Vec<String> {
        asked(&self.b)
    }

    pub(crate) fn forget_requests(&self) {
        let _ = self.a.log().take();
        let _ = self.b.log().take();
        let _ = self.events.take();
    }
}

pub(crate) fn recording() -> Registry {
    Registry::builder().record().build()
}

fn fresh_client(
    a: &Registry,
    b: &Registry,
    configure: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Client {
    let (a, b) = (a.clone(), b.clone());
    let bottom = tower::service_fn(move |mut request: Request<Body>| {
        // As an HTTP library does.
        if let (Some(size), false) = (request.body().size_hint().exact(), request.method().is_safe()) {
            request.headers_mut().insert(CONTENT_LENGTH, size.into());
        }
        let registry = match request.uri().host() {
            Some("a.test") => a.clone(),
            // Also as a host inside the network.
            Some("b.test" | "127.0.0.1") => b.clone(),
            other => panic!("a request to {other:?}"),
        };
        async move {
            let Ok(response) = registry.oneshot(request).await;
            Ok::<Response<Body>, std::convert::Infallible>(response.map(Body::new))
        }
    });
    let client = Client::builder().configure(|transport| transport.bottom(bottom));
    configure(client).build().expect("a client")
}

/// Method, path with query, and status of each request, in the order in which they came.
fn asked(registry: &Registry) -> Vec<String> {
    registry
        .log()
        .take()
        .iter()
        .map(|request| {
            let status = request
                .status
                .map_or("-".to_owned(), |status| status.as_u16().to_string());
            let target = request.target();
            let target = target.strip_prefix("/v2/").unwrap_or(&target);
            format!("{} {} {status}", request.method, shorten(target))
        })
        .collect()
}

/// Digests and upload ids differ from run to run or say little: they become `D` and `U`.
pub(crate) fn shorten(target: &str) -> String {
    let target = match target.split_once("/blobs/uploads/") {
        Some((before, after)) => {
            let (id, query) = after
                .split_once('?')
                .map_or((after, None), |(id, query)| (id, Some(query)));
            let id = if id.is_empty() { "" } else { "U" };
            let query = query.map(|query| format!("?{query}")).unwrap_or_default();
            format!("{before}/blobs/uploads/{id}{query}")
        }
        None => target.to_owned(),
    };
    let mut short = String::new();
    let mut rest = target.as_str();
    while let Some(at) = ["sha256:", "sha256%3A"]
        .iter()
        .filter_map(|prefix| rest.find(prefix))
        .min()
    {
        short.push_str(&rest[..at]);
        short.push('D');
        let after = &rest[at..];
        let hex = if after.starts_with("sha256:") { 7 } else { 9 };
        rest = &after[hex + 64..];
    }
    short + rest
}

pub(crate) fn reference(text: &str) -> Reference {
    text.parse().expect("a reference")
}

pub(crate) fn repository(text: &str) -> Repository {
    text.parse().expect("a repository")
}

/// `lines` sorted: for requests that are made at the same time.
pub(crate) fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

/// An observer that writes down.
#[derive(Debug, Default)]
pub(crate) struct Events(Mutex<Vec<String>>);

impl Events {
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("no test panics while it writes"))
    }
}

impl Observer for Events {
    fn event(&self, event: Event<'_>) {
        let line = match event {
            Event::BlobExists { .. } => "existing blob".to_owned(),
            Event::BlobMounted { from, .. } => format!("mounted blob from {from}"),
            Event::MountRefused { from, .. } => format!("mount refused from {from}"),
            Event::BlobSkipped { .. } => "skipped blob".to_owned(),
            Event::BlobStarted { .. } | Event::BlobReceived { .. } => return,
            Event::BlobSent { bytes, .. } => format!("sent {bytes}"),
            Event::BlobRewound { bytes, .. } => format!("rewound {bytes}"),
            Event::BlobPushed { .. } => "pushed blob".to_owned(),
            Event::BlobResumed { offset, .. } => format!("resumed at {offset}"),
            Event::Retrying { .. } => "retrying".to_owned(),
            Event::ManifestExists { reference, .. } => {
                format!("existing manifest {}", shorten(reference.as_str()))
            }
            Event::ManifestPushed { reference, .. } => {
                format!("pushed manifest {}", shorten(reference.as_str()))
            }
            other => format!("{other:?}"),
        };
        self.0.lock().expect("no test panics while it writes").push(line);
    }
}
