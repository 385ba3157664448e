//! Servers that go silent or away.

use std::time::Duration;

use http::Request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use wharf_name::Registry;
use wharf_transport::retry::RetryOptions;
use wharf_transport::settings::{PlainHttp, RegistrySettings, Timeouts};
use wharf_transport::{Body, Error, Phase, RegistryContext, Transport};

/// A server that writes `answer` to each connection, and then closes it or stays silent.
async fn server(answer: &'static str, close: bool) -> Registry {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let registry = listener
        .local_addr()
        .expect("bound")
        .to_string()
        .parse()
        .expect("a registry");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                if !close {
                    // Reads nothing more until the client goes.
                    while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
                }
            });
        }
    });
    registry
}

async fn get(registry: &Registry, timeouts: Timeouts, retry: RetryOptions) -> Result<bytes::Bytes, Error> {
    let settings = RegistrySettings::default().with_plain_http(PlainHttp::Only);
    let transport = Transport::builder()
        .registry_settings(registry, settings)
        .timeouts(timeouts)
        .retry(retry)
        .build()?;
    let request = Request::get(transport.url(registry, "/v2/")?)
        .extension(RegistryContext::new(registry.clone()))
        .body(Body::empty())
        .expect("parts are valid");
    transport.send(request).await?.into_body().collect(1024).await
}

const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_server_that_does_not_answer() {
    let registry = server("", false).await;
    let timeouts = Timeouts::default().with_response_header(Some(SHORT));
    let error = get(&registry, timeouts, RetryOptions::never())
        .await
        .expect_err("silence");
    assert!(
        matches!(
            error,
            Error::Timeout {
                phase: Phase::ResponseHeader,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.is_temporary());
    assert!(
        error
            .to_string()
            .ends_with("waiting for the response timed out after 0.05 s"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_stops_in_the_middle() {
    let registry = server("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nasdf", false).await;
    let timeouts = Timeouts::default().with_idle(Some(SHORT));
    let error = get(&registry, timeouts, RetryOptions::never())
        .await
        .expect_err("silence");
    assert!(
        matches!(
            error,
            Error::Timeout {
                phase: Phase::Idle,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_server_that_hangs_up() {
    let registry = server("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nasdf", true).await;
    let error = get(&registry, Timeouts::default(), RetryOptions::never())
        .await
        .expect_err("half a body");
    assert!(matches!(error, Error::Exchange { .. }), "{error:?}");
    assert!(error.is_temporary());

    let registry = server("", true).await;
    let retry = RetryOptions::default().with_backoff(Duration::from_millis(1), 1);
    let error = get(&registry, Timeouts::default(), retry)
        .await
        .expect_err("no answer");
    assert!(error.is_temporary(), "{error:?}");
}

#[tokio::test]
async fn a_server_that_speaks_something_else() {
    let registry = server("SSH-2.0-OpenSSH_9.9\r\n", false).await;
    let error = get(&registry, Timeouts::default(), RetryOptions::never())
        .await
        .expect_err("no HTTP");
    assert!(matches!(error, Error::Exchange { .. }), "{error:?}");
    assert!(!error.is_temporary());
}
