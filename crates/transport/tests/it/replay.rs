//! Bodies over real connections, when the first answer is a 401.

use http::{Request, Response, Version};
use http_body_util::Full;
use wharf_authn::{Basic, StaticKeychain};
use wharf_transport::settings::{PlainHttp, RegistrySettings};
use wharf_transport::{Body, Error, RegistryContext, Transport};

use crate::fake::{one_shot, reopenable};
use crate::server::{Seen, Server};
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
use crate::tls;

/// How requests reach the server.
#[derive(Clone, Copy, Debug)]
enum Wire {
    /// By HTTP/1.1, over one connection.
    Kept,
    /// By HTTP/1.1, over a connection for each request.
    Closed,
    /// By HTTP/2.
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    Http2,
}

const WIRES: &[Wire] = &[
    Wire::Kept,
    Wire::Closed,
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    Wire::Http2,
];

/// A server that wants Basic authentication, and how to reach it.
async fn server(wire: Wire) -> (Server, RegistrySettings) {
    let answer = move |seen: &Seen| {
        let response = match seen.headers.get("authorization") {
            Some(_) => Response::builder().status(201),
            None => Response::builder()
                .status(401)
                .header("www-authenticate", "Basic realm=x"),
        };
        let response = match wire {
            Wire::Closed => response.header("connection", "close"),
            _ => response,
        };
        response
            .body(Full::from("body of the answer"))
            .expect("parts are valid")
    };
    match wire {
        Wire::Kept | Wire::Closed => {
            let settings = RegistrySettings::default().with_plain_http(PlainHttp::Only);
            (Server::start(answer).await, settings)
        }
        #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
        Wire::Http2 => {
            let authority = tls::Authority::new();
            let acceptor = tls::acceptor(&authority, &["h2"], None);
            let accept = move |stream| {
                let accepted = acceptor.accept(stream);
                async { accepted.await.ok() }
            };
            let server = Server::start_behind(accept, answer).await;
            let settings = RegistrySettings::default().with_tls(tls::trusting(&authority));
            (server, settings)
        }
    }
}

async fn upload(
    (server, settings): &(Server, RegistrySettings),
    method: &str,
    body: Body,
) -> Result<u16, Error> {
    let registry = server.registry();
    let keychain = StaticKeychain::new(registry.clone(), Basic::new("user", "password"));
    let transport = Transport::builder()
        .keychain(std::sync::Arc::new(keychain))
        .registry_settings(&registry, settings.clone())
        .build()?;
    let request = Request::builder()
        .method(method)
        .uri(transport.url(&registry, "/v2/app/blobs/uploads/1")?)
        .extension(RegistryContext::new(registry))
        .body(body)
        .expect("parts are valid");
    transport
        .send(request)
        .await
        .map(|response| response.status().as_u16())
}

/// What a body is to the client: how long it is, and how often it can be read.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Full,
    Reopenable(Option<u64>),
    OneShot(Option<u64>),
}

impl Kind {
    fn body(self) -> Body {
        match self {
            Self::Full => Body::full("asdf"),
            Self::Reopenable(size) => reopenable(size),
            Self::OneShot(size) => one_shot("asdf", size),
        }
    }

    fn is_chunked(self) -> bool {
        matches!(self, Self::Reopenable(None) | Self::OneShot(None))
    }
}

/// A 401 comes first: the upload arrives whole, with the credential, and nothing less than the whole is ever sent.
async fn check(wire: Wire, method: &str, kind: Kind) {
    let server = server(wire).await;
    let status = upload(&server, method, kind.body()).await;
    let name = format!("{wire:?} {method} {kind:?}");
    assert_eq!(status.expect(&name), 201, "{name}");
    let seen = server.0.seen();
    let methods: Vec<_> = seen.iter().map(|seen| seen.method.as_str()).collect();
    // What can be read once goes out when it is known how, by a question before.
    let first = if matches!(kind, Kind::OneShot(_)) {
        "GET"
    } else {
        method
    };
    assert_eq!(methods, [first, method], "{name}");
    for seen in seen.iter().filter(|seen| seen.method != "GET") {
        assert_eq!(seen.body, "asdf", "{name}");
        let length = seen
            .headers
            .get("content-length")
            .map(|length| length.to_str().expect("ASCII"));
        assert_eq!(length, (!kind.is_chunked()).then_some("4"), "{name}");
        let is_http2 = seen.version == Version::HTTP_2;
        let is_chunked = seen.headers.contains_key("transfer-encoding");
        assert_eq!(is_chunked, kind.is_chunked() && !is_http2, "{name}");
        #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
        assert_eq!(is_http2, matches!(wire, Wire::Http2), "{name}");
    }
}

#[tokio::test]
async fn uploads_arrive_whole_after_a_401_over_every_kind_of_connection() {
    for wire in WIRES {
        for (method, kind) in [
            ("PUT", Kind::Full),
            ("PUT", Kind::Reopenable(Some(4))),
            ("PUT", Kind::OneShot(Some(4))),
            ("PATCH", Kind::Reopenable(Some(4))),
            ("PATCH", Kind::Reopenable(None)),
            ("PATCH", Kind::OneShot(None)),
        ] {
            check(*wire, method, kind).await;
        }
    }
}

#[tokio::test]
async fn a_body_that_fails_fails_the_request() {
    let server = server(Wire::Kept).await;
    let broken =
        || -> futures_util::future::BoxFuture<'static, _> { Box::pin(async { Err("disk on fire".into()) }) };
    let body = Body::reopenable(Some(4), std::sync::Arc::new(broken));
    let error = upload(&server, "PUT", body).await.expect_err("nothing to send");
    let mut text = error.to_string();
    let mut next = std::error::Error::source(&error);
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    assert!(text.contains("disk on fire"), "{text}");
    assert!(!error.is_temporary());
    assert!(server.0.seen().iter().all(|seen| seen.body.is_empty()));
}
