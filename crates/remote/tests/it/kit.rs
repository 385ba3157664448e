//! Two registries in memory, `a.test` and `b.test`, and a client whose transport ends in them: no sockets, no clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use http::header::CONTENT_LENGTH;
use http::{Method, Request};
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
    pub(crate) cuts: Cuts,
}

/// Connections that will break while a body is sent: by method, after so many bytes.
pub(crate) type Cuts = Arc<Mutex<Vec<(Method, u64)>>>;

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
        let cuts = Cuts::default();
        let client = client(&a, &b, &cuts, |client| configure(client.observer(listener)));
        Self {
            a,
            b,
            client,
            events,
            cuts,
        }
    }

    /// Breaks the connection of the next request with this method after so many bytes of its body, which the registry
    /// gets. Several are met one after the other.
    pub(crate) fn cut(&self, method: Method, after: u64) {
        self.cuts.lock().expect("no panic under it").push((method, after));
    }

    /// Another client, which knows nothing yet.
    pub(crate) fn fresh_client(&self) -> Client {
        self.other_client(|client| client)
    }

    /// Another client, with settings of its own.
    pub(crate) fn other_client(&self, configure: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Client {
        client(&self.a, &self.b, &self.cuts, configure)
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
        client(&self.a, &self.b, &Cuts::default(), |client| {
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

fn client(
    a: &Registry,
    b: &Registry,
    cuts: &Cuts,
    configure: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Client {
    let (a, b, cuts) = (a.clone(), b.clone(), Arc::clone(cuts));
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
        let cut = {
            let mut cuts = cuts.lock().expect("no panic under it");
            let at = cuts.iter().position(|(method, _)| method == request.method());
            at.map(|at| cuts.remove(at).1)
        };
        async move {
            let Some(after) = cut else {
                let Ok(response) = registry.oneshot(request).await;
                return Ok(response.map(Body::new));
            };
            let Ok(_) = registry.oneshot(request.map(|body| cut_off(body, after))).await;
            Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
        }
    });
    let client = Client::builder().configure(|transport| transport.bottom(bottom));
    configure(client).build().expect("a client")
}

/// A body that breaks off after so many bytes.
fn cut_off(body: Body, after: u64) -> Body {
    let size = body.size_hint().exact();
    let pieces = body.into_stream().scan(after, |left, piece| {
        let piece = piece.and_then(|piece| {
            let length = usize::try_from(*left).unwrap_or(usize::MAX).min(piece.len());
            *left -= length as u64;
            if length == 0 {
                return Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into());
            }
            Ok(piece.slice(..length))
        });
        std::future::ready(Some(piece))
    });
    Body::one_shot(Box::pin(pieces), size)
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
            Event::BlobPlanned { .. }
            | Event::BlobStarted { .. }
            | Event::BlobReceived { .. }
            | Event::BlobVerified { .. }
            | Event::Waiting { .. } => return,
            Event::BlobSent { bytes, .. } => format!("sent {bytes}"),
            Event::BlobRewound { bytes, .. } => format!("rewound {bytes}"),
            Event::BlobPushed { .. } => "pushed blob".to_owned(),
            Event::BlobResumed { offset, .. } => format!("resumed at {offset}"),
            Event::UploadResumed { offset, .. } => format!("upload resumed at {offset}"),
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
