//! Bodies over real connections, when the first answer is a 401.

use http::{Request, Response};
use http_body_util::Full;
use wharf_authn::{Basic, StaticKeychain};
use wharf_transport::settings::{PlainHttp, RegistrySettings};
use wharf_transport::{Body, Error, RegistryContext, Transport};

use crate::fake::{one_shot, reopenable};
use crate::server::Server;

/// A server that wants Basic authentication, and closes each connection if it should.
async fn server(close: bool) -> Server {
    Server::start(move |seen| {
        let response = match seen.headers.get("authorization") {
            Some(_) => Response::builder().status(201),
            None => Response::builder()
                .status(401)
                .header("www-authenticate", "Basic realm=x"),
        };
        let response = if close {
            response.header("connection", "close")
        } else {
            response
        };
        response
            .body(Full::from("body of the answer"))
            .expect("parts are valid")
    })
    .await
}

async fn upload(server: &Server, method: &str, body: Body) -> Result<u16, Error> {
    let registry = server.registry();
    let keychain = StaticKeychain::new(registry.clone(), Basic::new("user", "password"));
    let settings = RegistrySettings::default().with_plain_http(PlainHttp::Only);
    let transport = Transport::builder()
        .keychain(std::sync::Arc::new(keychain))
        .registry_settings(&registry, settings)
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

#[tokio::test]
async fn bodies_that_can_be_opened_again_arrive_whole() {
    for close in [false, true] {
        for (method, body, chunked) in [
            ("PUT", Body::full("asdf"), false),
            ("PUT", reopenable(Some(4)), false),
            ("PATCH", reopenable(None), true),
        ] {
            let server = server(close).await;
            assert_eq!(upload(&server, method, body).await.expect("authenticated"), 201);
            let seen = server.seen();
            assert_eq!(seen.len(), 2);
            for seen in seen {
                assert_eq!(seen.body, "asdf", "{method} {close}");
                assert_eq!(seen.headers.contains_key("transfer-encoding"), chunked);
                assert_eq!(seen.headers.contains_key("content-length"), !chunked);
            }
        }
    }
}

#[tokio::test]
async fn bodies_that_can_be_read_once_are_sent_once_after_asking() {
    for (close, size) in [(false, Some(4)), (true, None)] {
        let server = server(close).await;
        assert_eq!(
            upload(&server, "PUT", one_shot("asdf", size))
                .await
                .expect("authenticated"),
            201
        );
        let seen = server.seen();
        let bodies: Vec<_> = seen
            .iter()
            .map(|seen| (seen.method.as_str(), &seen.body[..]))
            .collect();
        assert_eq!(bodies, [("GET", &b""[..]), ("PUT", b"asdf")]);
    }
}

#[tokio::test]
async fn a_body_that_fails_fails_the_request() {
    let server = server(false).await;
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
    assert!(server.seen().iter().all(|seen| seen.body.is_empty()));
}
