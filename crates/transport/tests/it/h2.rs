//! HTTP/2 servers that refuse a request or go away.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ::h2::Reason;
use ::h2::server::SendResponse;
use bytes::Bytes;
use http::{Request, Response};
use tokio::net::TcpListener;
use wharf_name::Registry;
use wharf_transport::retry::RetryOptions;
use wharf_transport::settings::RegistrySettings;
use wharf_transport::{Body, Error, RegistryContext, Transport};

use crate::tls::{Authority, acceptor, trusting};

/// What the server does with its first request.
#[derive(Clone, Copy, Debug)]
enum First {
    Reset(Reason),
    GoAway(Reason),
    AnswerAndGo,
}

/// Does as told with the first request of all, and answers every other; counts them.
async fn server(authority: &Authority, first: First) -> (Registry, Arc<AtomicUsize>) {
    let acceptor = acceptor(authority, &["h2"], None);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let registry = listener
        .local_addr()
        .expect("bound")
        .to_string()
        .parse()
        .expect("a registry");
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, counted) = (acceptor.clone(), Arc::clone(&counted));
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let mut connection = ::h2::server::handshake(stream).await.expect("HTTP/2");
                while let Some(Ok((_, mut respond))) = connection.accept().await {
                    match (counted.fetch_add(1, Ordering::Relaxed), first) {
                        (0, First::Reset(reason)) => respond.send_reset(reason),
                        (0, First::GoAway(reason)) => connection.abrupt_shutdown(reason),
                        (0, First::AnswerAndGo) => {
                            answer(&mut respond);
                            connection.graceful_shutdown();
                        }
                        _ => answer(&mut respond),
                    }
                }
            });
        }
    });
    (registry, count)
}

fn answer(respond: &mut SendResponse<Bytes>) {
    // A client that went away is no failure of the server.
    let _ = respond.send_response(Response::new(()), true);
}

async fn send(transport: &Transport, registry: &Registry, method: &str) -> Result<u16, Error> {
    let request = Request::builder()
        .method(method)
        .uri(transport.url(registry, "/v2/")?)
        .extension(RegistryContext::new(registry.clone()))
        .body(Body::full("asdf"))
        .expect("parts are valid");
    transport
        .send(request)
        .await
        .map(|response| response.status().as_u16())
}

async fn run(first: First, method: &str) -> (Result<u16, Error>, usize) {
    let authority = Authority::new();
    let (registry, count) = server(&authority, first).await;
    let settings = RegistrySettings::default().with_tls(trusting(&authority));
    let transport = Transport::builder()
        .registry_settings(&registry, settings)
        .retry(RetryOptions::default().with_backoff(Duration::from_millis(1), 1))
        .build()
        .expect("settings are valid");
    let result = send(&transport, &registry, method).await;
    (result, count.load(Ordering::Relaxed))
}

#[tokio::test]
async fn a_refused_stream_is_sent_again_whatever_it_is() {
    for method in ["GET", "PUT", "PATCH", "POST"] {
        let (result, count) = run(First::Reset(Reason::REFUSED_STREAM), method).await;
        assert_eq!((result.expect(method), count), (200, 2), "{method}");
    }
}

#[tokio::test]
async fn a_stream_that_broke_is_sent_again_if_that_is_harmless() {
    for first in [
        First::Reset(Reason::INTERNAL_ERROR),
        First::GoAway(Reason::NO_ERROR),
        First::GoAway(Reason::ENHANCE_YOUR_CALM),
    ] {
        let (result, count) = run(first, "PUT").await;
        assert_eq!((result.expect("the second works"), count), (200, 2), "{first:?}");
        let (result, count) = run(first, "PATCH").await;
        let error = result.expect_err("the server may have taken it");
        assert!(error.is_temporary(), "{first:?}: {error:?}");
        assert_eq!(count, 1, "{first:?}");
    }
}

#[tokio::test]
async fn a_server_that_goes_in_good_order_costs_nothing() {
    let authority = Authority::new();
    let (registry, count) = server(&authority, First::AnswerAndGo).await;
    let settings = RegistrySettings::default().with_tls(trusting(&authority));
    let transport = Transport::builder()
        .registry_settings(&registry, settings)
        .retry(RetryOptions::never())
        .build()
        .expect("settings are valid");
    for _ in 0..3 {
        assert_eq!(send(&transport, &registry, "GET").await.expect("answered"), 200);
    }
    assert_eq!(count.load(Ordering::Relaxed), 3);
}
