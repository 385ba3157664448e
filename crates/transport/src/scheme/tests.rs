use std::sync::{Arc, Mutex};

use http::{Request, Response};
use tower::{Layer as _, ServiceExt as _};
use wharf_name::Registry;

use super::*;
use crate::origin::Origin;
use crate::settings::{PlainHttp, RegistrySettings};
use crate::{Body, Error, RegistryContext};

/// Which schemes a server answers.
#[derive(Clone, Copy)]
struct Server {
    https: fn(&Origin) -> Option<Error>,
    http: fn(&Origin) -> Option<Error>,
}

fn works(_: &Origin) -> Option<Error> {
    None
}

fn refuses(origin: &Origin) -> Option<Error> {
    Some(Error::Connect {
        origin: origin.clone(),
        source: "refused".into(),
    })
}

fn no_tls(origin: &Origin) -> Option<Error> {
    Some(Error::NotTls {
        origin: origin.clone(),
        source: "no TLS".into(),
    })
}

fn bad_certificate(origin: &Origin) -> Option<Error> {
    Some(Error::Tls {
        failure: crate::TlsFailure::UnknownAuthority,
        origin: origin.clone(),
        source: "bad certificate".into(),
    })
}

/// Sends `count` requests to `registry`; gives what went out and the last result.
async fn run(
    plain_http: PlainHttp,
    registry: &str,
    url: &str,
    server: Server,
    count: usize,
) -> (Vec<String>, Result<Response<Body>, Error>) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&log);
    let bottom = tower::service_fn(move |request: Request<Body>| {
        seen.lock().expect("not poisoned").push(request.uri().to_string());
        let origin = Origin::of(request.uri()).expect("an origin");
        let failure = if origin.is_secure() {
            (server.https)(&origin)
        } else {
            (server.http)(&origin)
        };
        async move { failure.map_or_else(|| Ok(Response::new(Body::empty())), Err) }
    });
    let settings = RegistrySettings::default().with_plain_http(plain_http);
    let service = SchemeLayer::new(settings, []).layer(bottom);
    let registry: Registry = registry.parse().expect("a registry");
    let mut last = None;
    for _ in 0..count {
        let request = Request::get(url)
            .extension(RegistryContext::new(registry.clone()))
            .body(Body::empty())
            .expect("parts are valid");
        last = Some(service.clone().oneshot(request).await);
    }
    let log = log.lock().expect("not poisoned").clone();
    (log, last.expect("at least one request"))
}

#[tokio::test]
async fn the_scheme_that_works_is_remembered() {
    for https in [refuses, no_tls] {
        let server = Server { https, http: works };
        let (log, result) = run(
            PlainHttp::ByName,
            "localhost:5000",
            "https://localhost:5000/v2/",
            server,
            2,
        )
        .await;
        result.expect("http works");
        assert_eq!(
            log,
            [
                "https://localhost:5000/v2/",
                "http://localhost:5000/v2/",
                "http://localhost:5000/v2/"
            ]
        );
    }
    let server = Server {
        https: works,
        http: works,
    };
    let (log, _) = run(
        PlainHttp::ByName,
        "localhost:5000",
        "http://localhost:5000/v2/",
        server,
        2,
    )
    .await;
    assert_eq!(
        log, ["https://localhost:5000/v2/"; 2],
        "https is preferred where it works"
    );
}

#[tokio::test]
async fn registries_are_asked_without_tls_only_where_that_is_allowed() {
    let server = Server {
        https: no_tls,
        http: works,
    };
    let (log, result) = run(PlainHttp::ByName, "gcr.io", "https://gcr.io/v2/", server, 1).await;
    assert!(matches!(result, Err(Error::NotTls { .. })));
    assert_eq!(log, ["https://gcr.io/v2/"]);

    let (log, result) = run(PlainHttp::ByName, "gcr.io", "http://gcr.io/v2/", server, 1).await;
    assert!(
        matches!(result, Err(Error::UnsafeUrl(_))),
        "a URL does not overrule the settings"
    );
    assert!(log.is_empty());

    let (log, _) = run(
        PlainHttp::Never,
        "localhost:5000",
        "https://localhost:5000/v2/",
        server,
        1,
    )
    .await;
    assert_eq!(log, ["https://localhost:5000/v2/"]);

    let (log, _) = run(PlainHttp::Allowed, "gcr.io", "https://gcr.io/v2/", server, 1).await;
    assert_eq!(log, ["https://gcr.io/v2/", "http://gcr.io/v2/"]);

    let (log, _) = run(PlainHttp::Only, "gcr.io", "https://gcr.io/v2/", server, 1).await;
    assert_eq!(log, ["http://gcr.io/v2/"]);
}

#[tokio::test]
async fn a_bad_certificate_is_no_reason_to_do_without() {
    let server = Server {
        https: bad_certificate,
        http: works,
    };
    let (log, result) = run(PlainHttp::Allowed, "gcr.io", "https://gcr.io/v2/", server, 1).await;
    assert!(matches!(result, Err(Error::Tls { .. })));
    assert_eq!(log, ["https://gcr.io/v2/"]);
}

#[tokio::test]
async fn when_neither_works_both_are_named() {
    let server = Server {
        https: refuses,
        http: refuses,
    };
    let (_, result) = run(
        PlainHttp::Allowed,
        "us.gcr.io",
        "https://us.gcr.io/v2/",
        server,
        1,
    )
    .await;
    let error = result.expect_err("nobody listens");
    assert_eq!(
        error.to_string(),
        "connecting to https://us.gcr.io: refused; without TLS"
    );
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    assert_eq!(cause.as_deref(), Some("connecting to http://us.gcr.io"));
    assert!(error.is_temporary());
}

#[tokio::test]
async fn other_places_are_left_alone() {
    let server = Server {
        https: works,
        http: works,
    };
    let (log, _) = run(
        PlainHttp::Only,
        "example.com",
        "https://token.example.com/",
        server,
        1,
    )
    .await;
    assert_eq!(log, ["https://token.example.com/"]);
    let (log, _) = run(
        PlainHttp::Only,
        "example.com",
        "https://example.com:5000/",
        server,
        1,
    )
    .await;
    assert_eq!(log, ["https://example.com:5000/"]);
}

/// A server that says nothing to who speaks TLS, and `status` to who does not.
async fn run_silent(status: u16) -> (Vec<String>, Option<u16>) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&log);
    let bottom = tower::service_fn(move |request: Request<Body>| {
        seen.lock().expect("not poisoned").push(request.uri().to_string());
        let secure = request.uri().scheme_str() == Some("https");
        async move {
            if secure {
                std::future::pending::<()>().await;
            }
            Ok::<_, Error>(
                Response::builder()
                    .status(status)
                    .body(Body::empty())
                    .expect("parts are valid"),
            )
        }
    });
    let request = Request::get("https://localhost:5000/v2/a")
        .extension(RegistryContext::new(
            "localhost:5000".parse().expect("a registry"),
        ))
        .body(Body::empty())
        .expect("parts are valid");
    let answer = SchemeLayer::new(RegistrySettings::default(), [])
        .layer(bottom)
        .oneshot(request);
    let answer = tokio::time::timeout(std::time::Duration::from_secs(5), answer)
        .await
        .ok();
    let log = log.lock().expect("not poisoned").clone();
    (
        log,
        answer.map(|answer| answer.expect("an answer").status().as_u16()),
    )
}

#[tokio::test(start_paused = true)]
async fn a_server_that_waits_for_the_rest_of_a_handshake_is_asked_by_http() {
    let urls = [
        "https://localhost:5000/v2/a",
        "http://localhost:5000/v2/",
        "http://localhost:5000/v2/a",
    ];
    for status in [200, 401] {
        assert_eq!(
            run_silent(status).await,
            (urls.map(ToOwned::to_owned).to_vec(), Some(status))
        );
    }
    // A TLS server that is slow says this to who speaks no TLS.
    assert_eq!(
        run_silent(400).await,
        (urls[..2].iter().map(ToString::to_string).collect(), None)
    );
}
