//! Servers in memory: a bottom service that answers by a function and remembers what it was asked.

use std::future::Future;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use tower::Service;
use tower::util::service_fn;
use wharf_authn::{Authenticator, Keychain, StaticKeychain};
use wharf_name::{Registry, Repository};
use wharf_transport::{
    Accepted, Actions, Body, BoxError, Error, RegistryContext, Scope, Transport, TransportBuilder,
};

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Result<Bytes, String>,
}

impl Asked {
    pub(crate) fn authorization(&self) -> Option<&str> {
        self.headers
            .get("authorization")
            .map(|header| header.to_str().expect("ASCII"))
    }

    pub(crate) fn host(&self) -> &str {
        self.uri.host().expect("absolute")
    }

    /// `METHOD URL [authorization]`.
    pub(crate) fn line(&self) -> String {
        format!(
            "{} {} {}",
            self.method,
            self.uri,
            self.authorization().unwrap_or_default()
        )
        .trim_end()
        .to_owned()
    }

    pub(crate) fn form(&self, field: &str) -> Option<String> {
        let body = self.body.as_ref().ok()?;
        url::form_urlencoded::parse(body)
            .find(|(key, _)| key == field)
            .map(|(_, value)| value.into_owned())
    }
}

type Answer = Arc<dyn Fn(&Asked) -> Response<Body> + Send + Sync>;

/// All servers of a test.
#[derive(Clone)]
pub(crate) struct Net {
    pub(crate) log: Arc<Mutex<Vec<Asked>>>,
    answer: Answer,
}

impl Net {
    pub(crate) fn new(answer: impl Fn(&Asked) -> Response<Body> + Send + Sync + 'static) -> Self {
        Self {
            log: Arc::default(),
            answer: Arc::new(answer),
        }
    }

    pub(crate) fn service(
        &self,
    ) -> impl Service<
        Request<Body>,
        Response = Response<Body>,
        Error = BoxError,
        Future = BoxFuture<'static, Result<Response<Body>, BoxError>>,
    > + Clone
    + Send
    + Sync
    + 'static {
        let net = self.clone();
        service_fn(move |request: Request<Body>| {
            let net = net.clone();
            let answered: BoxFuture<'static, _> = Box::pin(async move {
                let (parts, body) = request.into_parts();
                let body = body.collect(1 << 20).await.map_err(|error| error.to_string());
                let asked = Asked {
                    method: parts.method,
                    uri: parts.uri,
                    headers: parts.headers,
                    body,
                };
                // So that requests that run at the same time see each other.
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
                let response = (net.answer)(&asked);
                net.log.lock().expect("not poisoned").push(asked);
                Ok(response)
            });
            answered
        })
    }

    pub(crate) fn transport(&self, keychain: impl Keychain) -> Transport {
        self.builder(keychain).build().expect("settings are valid")
    }

    pub(crate) fn builder(&self, keychain: impl Keychain) -> TransportBuilder {
        Transport::builder()
            .keychain(Arc::new(keychain))
            .bottom(self.service())
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.log.lock().expect("not poisoned").clone()
    }

    /// What was asked since the last call, as lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.log
            .lock()
            .expect("not poisoned")
            .drain(..)
            .map(|asked| asked.line())
            .collect()
    }
}

pub(crate) const REGISTRY: &str = "registry.example";

pub(crate) fn keychain(authenticator: impl Authenticator) -> StaticKeychain {
    StaticKeychain::new(REGISTRY.parse().expect("a registry"), authenticator)
}

pub(crate) fn repository(path: &str) -> Repository {
    format!("{REGISTRY}/{path}").parse().expect("a repository")
}

/// A request to a repository of the registry that accepts every status.
pub(crate) fn request(method: &str, path: &str, actions: Actions, body: Body) -> Request<Body> {
    let repository = repository(path);
    let context = RegistryContext::of(&repository).with_scope(Scope::repository(&repository, actions));
    Request::builder()
        .method(method)
        .uri(format!("https://{REGISTRY}/v2/{path}/x"))
        .extension(context)
        .extension(Accepted(&[StatusCode::OK, StatusCode::CREATED]))
        .body(body)
        .expect("parts are valid")
}

pub(crate) fn pull(path: &str) -> Request<Body> {
    request("GET", path, Actions::Pull, Body::empty())
}

pub(crate) fn registry_request(registry: &str, url: &str) -> Request<Body> {
    let registry: Registry = registry.parse().expect("a registry");
    Request::get(url)
        .extension(RegistryContext::new(registry))
        .body(Body::empty())
        .expect("parts are valid")
}

pub(crate) fn respond(status: u16, body: impl Into<Body>) -> Response<Body> {
    Response::builder()
        .status(status)
        .body(body.into())
        .expect("parts are valid")
}

pub(crate) fn challenge(header: &str) -> Response<Body> {
    let mut response = respond(
        401,
        r#"{"errors":[{"code":"UNAUTHORIZED","message":"who are you"}]}"#,
    );
    response
        .headers_mut()
        .insert("www-authenticate", header.parse().expect("a header"));
    response
}

pub(crate) fn redirect(status: u16, location: &str) -> Response<Body> {
    let mut response = respond(status, "");
    response
        .headers_mut()
        .insert("location", location.parse().expect("a header"));
    response
}

/// A body that can be read once.
pub(crate) fn one_shot(bytes: &'static str, size: Option<u64>) -> Body {
    Body::one_shot(
        Box::pin(futures_util::stream::once(async move {
            Ok(Bytes::from_static(bytes.as_bytes()))
        })),
        size,
    )
}

/// A body of two pieces that can be opened again.
pub(crate) fn reopenable(size: Option<u64>) -> Body {
    let open = || -> BoxFuture<'static, _> {
        Box::pin(async {
            let pieces: [Result<Bytes, BoxError>; 2] = [Ok("as".into()), Ok("df".into())];
            let stream: wharf_transport::BodyStream = Box::pin(futures_util::stream::iter(pieces));
            Ok(stream)
        })
    };
    Body::reopenable(size, Arc::new(open))
}

pub(crate) async fn send(transport: &Transport, request: Request<Body>) -> Result<u16, Error> {
    transport
        .send(request)
        .await
        .map(|response| response.status().as_u16())
}

#[expect(dead_code, reason = "checks that the future can move between threads")]
fn send_is_send(transport: &Transport, request: Request<Body>) -> impl Future + Send {
    transport.send(request)
}
