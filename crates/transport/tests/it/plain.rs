//! Plain HTTP without authentication.

use http::{Request, Response, StatusCode};
use http_body_util::Full;
use wharf_transport::settings::{PlainHttp, RegistrySettings};
use wharf_transport::{Accepted, Body, Error, RegistryContext, Transport};

use crate::server::Server;

fn plain(server: &Server) -> Transport {
    let settings = RegistrySettings::default().with_plain_http(PlainHttp::Only);
    Transport::builder()
        .registry_settings(&server.registry(), settings)
        .build()
        .expect("settings are valid")
}

fn request(transport: &Transport, server: &Server, method: &str, path: &str, body: Body) -> Request<Body> {
    let registry = server.registry();
    Request::builder()
        .method(method)
        .uri(transport.url(&registry, path).expect("path is valid"))
        .extension(RegistryContext::new(registry))
        .body(body)
        .expect("request is valid")
}

#[tokio::test]
async fn bodies_go_both_ways() {
    let server = Server::start(|seen| Response::new(Full::new(seen.body.clone()))).await;
    let transport = plain(&server);
    let request = request(&transport, &server, "PUT", "/v2/a?x=1", Body::full("asdf"));
    let response = transport.send(request).await.expect("echo");
    assert_eq!(response.into_body().collect(4).await.expect("reads"), "asdf");
    let seen = &server.seen()[0];
    assert_eq!(
        (seen.method.as_str(), seen.version),
        ("PUT", http::Version::HTTP_11)
    );
    assert_eq!(seen.uri, "/v2/a?x=1");
    assert_eq!(seen.headers["content-length"], "4");
    assert_eq!(seen.headers["host"], server.addr.to_string());
    assert!(
        !seen.headers.contains_key("accept-encoding"),
        "digests are over bytes as they are stored"
    );
}

#[tokio::test]
async fn statuses_that_are_not_accepted_are_errors() {
    let server = Server::start(|_| {
        let body = Full::from(r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no"}]}"#);
        Response::builder()
            .status(404)
            .header("x-request-id", "r1")
            .body(body)
            .expect("valid")
    })
    .await;
    let transport = plain(&server);
    let error = transport
        .send(request(
            &transport,
            &server,
            "GET",
            "/v2/a/manifests/b",
            Body::empty(),
        ))
        .await
        .expect_err("404 is not accepted");
    assert!(error.is_not_found());
    assert_eq!(
        error
            .registry_error()
            .and_then(|error| error.request_id.as_deref()),
        Some("r1")
    );

    let mut accepting = request(&transport, &server, "GET", "/v2/a/manifests/b", Body::empty());
    accepting
        .extensions_mut()
        .insert(Accepted(&[StatusCode::NOT_FOUND]));
    assert_eq!(transport.send(accepting).await.expect("accepted").status(), 404);
}

#[tokio::test]
async fn a_refused_connection_names_the_origin() {
    let server = Server::start(|_| Response::default()).await;
    let transport = plain(&server);
    let request = request(&transport, &server, "GET", "/v2/", Body::empty());
    let addr = server.addr;
    drop(server);
    tokio::task::yield_now().await;
    let error = transport.send(request).await.expect_err("nobody listens");
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("connecting to http://{addr}"));
    assert!(error.is_temporary());
}

#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
#[tokio::test]
async fn without_tls_https_says_so() {
    let transport = Transport::builder().build().expect("settings are valid");
    let request = Request::get("https://registry.example/v2/")
        .body(Body::empty())
        .expect("request is valid");
    let error = transport.send(request).await.expect_err("no TLS");
    assert!(matches!(error, Error::NoTls { .. }), "{error:?}");
    assert!(error.to_string().contains("aws-lc-rs or ring"), "{error}");
}
