//! The server, over a socket.

use std::time::Duration;

use futures_util::FutureExt as _;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use wharf_registry::hook::{Fault, Gate, Reaction};
use wharf_registry::server::{Server, ServerOptions};
use wharf_registry::{Body, Registry};

async fn serve(registry: &Registry) -> Server {
    Server::bind(registry.clone(), "127.0.0.1:0")
        .await
        .expect("a server")
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.addr()).await.expect("a connection")
}

/// Sends bytes and reads until the server closes.
async fn talk(server: &Server, request: impl AsRef<[u8]>) -> String {
    let mut stream = connect(server).await;
    stream.write_all(request.as_ref()).await.expect("sent");
    let mut answer = Vec::new();
    // A connection that is reset ends like one that is closed.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Reads one response with a `Content-Length`.
async fn response(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&answer).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        assert_ne!(
            stream.read_buf(&mut answer).await.expect("bytes"),
            0,
            "closed after {text}"
        );
    }
}

#[tokio::test]
async fn a_connection_survives_errors() {
    let registry = Registry::in_memory();
    let server = serve(&registry).await;
    let mut stream = connect(&server).await;
    for _ in 0..2 {
        for (request, want) in [
            ("GET /v2/a/tags/list HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404"),
            (
                "HEAD /v2/a/manifests/x HTTP/1.1\r\nHost: x\r\n\r\n",
                "HTTP/1.1 404",
            ),
            (
                "PATCH /v2/a/blobs/uploads/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nfoo",
                "HTTP/1.1 404",
            ),
            ("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200"),
        ] {
            stream.write_all(request.as_bytes()).await.expect("sent");
            // A response to HEAD has the length of what it does not have.
            let answer = if request.starts_with("HEAD") {
                head(&mut stream).await
            } else {
                response(&mut stream).await
            };
            assert!(answer.starts_with(want), "{request}: {answer}");
        }
    }
    drop(stream);
    server.shutdown().await;
}

async fn head(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        assert_ne!(stream.read_buf(&mut answer).await.expect("bytes"), 0, "closed");
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let registry = Registry::in_memory();
    registry
        .faults()
        .add(Fault::on(Method::PUT, "/").then(Reaction::status(StatusCode::UNAUTHORIZED)));
    let server = serve(&registry).await;
    let mut stream = connect(&server).await;
    let body = vec![0; 8 << 20];
    let head = format!(
        "PUT /v2/a/blobs/uploads/x HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream
        .write_all(&body)
        .await
        .expect("sent, though nobody wants it");
    assert!(response(&mut stream).await.starts_with("HTTP/1.1 401"));
    stream
        .write_all(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .expect("sent");
    assert!(response(&mut stream).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_client_that_waits_to_be_asked_is_not_asked_in_vain() {
    let registry = Registry::in_memory();
    let server = serve(&registry).await;
    let expect = |path: &str| {
        format!("PUT {path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    };
    let refused = talk(&server, expect("/v2/A/manifests/x")).await;
    assert!(refused.starts_with("HTTP/1.1 400"), "{refused}");
    let mut stream = connect(&server).await;
    stream
        .write_all(expect("/v2/a/manifests/x").as_bytes())
        .await
        .expect("sent");
    assert!(head(&mut stream).await.starts_with("HTTP/1.1 100"));
    stream.write_all(b"foo").await.expect("sent");
    assert!(response(&mut stream).await.starts_with("HTTP/1.1 201"));
}

#[tokio::test]
async fn connections_are_dropped_by_faults() {
    let registry = Registry::in_memory();
    let server = serve(&registry).await;
    let digest = wharf_v1::sha256("foobar");
    let post = format!(
        "POST /v2/a/blobs/uploads/?digest={digest} HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nfoobar"
    );
    let faults = registry.faults();
    faults.add(
        Fault::on(Method::POST, "/blobs/")
            .times(1)
            .then(Reaction::drop_connection()),
    );
    faults.add(
        Fault::on(Method::POST, "/blobs/")
            .after(1)
            .times(1)
            .then(Reaction::take_body(3))
            .then(Reaction::drop_connection()),
    );
    faults.add(
        Fault::on(Method::POST, "/blobs/")
            .after(2)
            .times(1)
            .then(Reaction::drop_response()),
    );
    for _ in 0..3 {
        assert_eq!(talk(&server, &post).await, "");
    }
    // The last one was acted on.
    let get = format!("GET /v2/a/blobs/{digest} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(talk(&server, &get).await.ends_with("foobar"));
    faults.add(Fault::on(Method::GET, "/blobs/").then(Reaction::cut_body(2)));
    let cut = talk(&server, &get).await;
    assert!(
        cut.contains("content-length: 6\r\n") && cut.ends_with("\r\n\r\nfo"),
        "{cut}"
    );
}

#[tokio::test]
async fn bad_requests_end_in_a_4xx_or_a_closed_connection() {
    let registry = Registry::in_memory();
    let server = serve(&registry).await;
    let long = format!("GET /v2/{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(100_000));
    let headers = format!(
        "GET /v2/ HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n",
        "a".repeat(100_000)
    );
    let many = format!("GET /v2/ HTTP/1.1\r\nHost: x\r\n{}\r\n", "x: y\r\n".repeat(200));
    let bad = [
        "\0\0\0\0\r\n\r\n",
        "GET\r\n\r\n",
        "GET /v2/ HTTP/9.9\r\n\r\n",
        "GET /v2/\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
        &long,
        &headers,
        &many,
    ];
    for request in bad {
        let answer = talk(&server, request).await;
        let fine = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
        // What is begun before the body turns out bad is not the body's fault.
        assert!(
            fine || answer.starts_with("HTTP/1.1 202"),
            "{request:.60}: {answer}"
        );
    }
    assert!(
        talk(
            &server,
            "GET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .await
        .starts_with("HTTP/1.1 200")
    );
}

#[tokio::test]
async fn slow_clients_are_not_waited_for() {
    let registry = Registry::in_memory();
    let quick = Duration::from_millis(50);
    let long = Duration::from_secs(600);
    let headers = ServerOptions::default()
        .with_header_timeout(quick)
        .with_idle_timeout(long);
    let server = Server::bind_with(registry.clone(), "127.0.0.1:0", headers)
        .await
        .expect("a server");
    let answer = talk(&server, "GET /v2/ HTTP/1.1\r\nHo").await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
        "{answer}"
    );

    let idle = ServerOptions::default()
        .with_header_timeout(long)
        .with_idle_timeout(quick);
    let server = Server::bind_with(registry.clone(), "127.0.0.1:0", idle)
        .await
        .expect("a server");
    talk(
        &server,
        "PUT /v2/a/manifests/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nfoo",
    )
    .await;
    let answer = talk(&server, "GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(
        answer.starts_with("HTTP/1.1 200"),
        "answered, then closed: {answer}"
    );
}

#[tokio::test]
async fn shutting_down_lets_requests_end() {
    let registry = Registry::in_memory();
    let gate = Gate::new();
    registry
        .faults()
        .add(Fault::on(Method::GET, "/v2/").then(Reaction::hold(&gate)));
    let server = serve(&registry).await;
    let addr = server.addr();
    let _idle = connect(&server).await;
    let mut held = connect(&server).await;
    held.write_all(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .expect("sent");
    gate.reached_by(1).await;
    let mut stopping = std::pin::pin!(server.shutdown());
    assert!(
        stopping.as_mut().now_or_never().is_none(),
        "it waits for the request"
    );
    gate.open();
    let answer = response(&mut held).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    stopping.await;
    assert!(TcpStream::connect(addr).await.is_err(), "nobody listens");
}

#[tokio::test]
async fn http2_without_tls() {
    let registry = Registry::in_memory();
    let server = serve(&registry).await;
    let stream = TokioIo::new(connect(&server).await);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream)
        .await
        .expect("a handshake");
    tokio::spawn(connection);
    let content = vec![7; 3 << 20];
    let digest = wharf_v1::sha256(&content);
    let host = server.host();
    let post = Request::post(format!("http://{host}/v2/a/blobs/uploads/?digest={digest}"));
    let response = sender
        .send_request(post.body(Body::full(content.clone())).expect("a request"))
        .await;
    assert_eq!(response.expect("a response").status(), StatusCode::CREATED);
    let get = Request::get(format!("http://{host}/v2/a/blobs/{digest}"));
    let response = sender
        .send_request(get.body(Body::empty()).expect("a request"))
        .await
        .expect("a response");
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    assert!(body == content);
}

#[tokio::test]
async fn the_host_is_one_that_can_be_reached() {
    let server = Server::bind(Registry::default(), "0.0.0.0:0")
        .await
        .expect("a server");
    assert_eq!(server.host(), format!("127.0.0.1:{}", server.addr().port()));
    let taken = Server::bind(Registry::default(), server.addr()).await;
    assert!(taken.is_err());
}
