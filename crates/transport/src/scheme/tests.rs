use std::sync::{Arc, Mutex};

use http::{Request, Response, StatusCode};
use tower::{Layer as _, ServiceExt as _};
use wharf_name::Registry;

use super::*;
use crate::origin::Origin;
use crate::proxy::ProxyFailure;
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

fn no_way(origin: &Origin) -> Option<Error> {
    Some(Error::Proxy {
        origin: origin.clone(),
        proxy: "http://proxy.example:3128".to_owned(),
        source: ProxyFailure::Status(StatusCode::FORBIDDEN),
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
    for https in [refuses, no_tls, no_way] {
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
async fn a_proxy_that_gives_no_way_at_all_is_named_twice() {
    let server = Server {
        https: no_way,
        http: no_way,
    };
    let (log, result) = run(PlainHttp::Allowed, "gcr.io", "https://gcr.io/v2/", server, 1).await;
    assert_eq!(log, ["https://gcr.io/v2/", "http://gcr.io/v2/"]);
    let error = result.expect_err("no way");
    assert!(matches!(error, Error::NoScheme { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "connecting to https://gcr.io through http://proxy.example:3128: the proxy answered 403 Forbidden; without TLS"
    );
    let (log, result) = run(PlainHttp::Never, "gcr.io", "https://gcr.io/v2/", server, 1).await;
    assert!(matches!(result, Err(Error::Proxy { .. })));
    assert_eq!(log, ["https://gcr.io/v2/"]);
}

/// Whether a registry that answers by `http` with `status` is asked by `https` again.
async fn is_asked_again(status: u16) -> bool {
    let log = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&log);
    let bottom = tower::service_fn(move |request: Request<Body>| {
        let origin = Origin::of(request.uri()).expect("an origin");
        seen.lock().expect("not poisoned").push(origin.is_secure());
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        async move {
            refuses(&origin)
                .filter(|_| origin.is_secure())
                .map_or(Ok(response), Err)
        }
    });
    let service = SchemeLayer::new(RegistrySettings::default(), []).layer(bottom);
    for _ in 0..2 {
        let request = Request::get("https://localhost:5000/v2/")
            .extension(RegistryContext::new(
                "localhost:5000".parse().expect("a registry"),
            ))
            .body(Body::empty())
            .expect("parts are valid");
        service.clone().oneshot(request).await.expect("an answer");
    }
    let log = log.lock().expect("not poisoned").clone();
    log == [true, false, true, false]
}

#[tokio::test]
async fn what_a_proxy_may_have_said_proves_nothing() {
    for (status, again) in [
        (200, false),
        (401, false),
        (404, false),
        (429, false),
        (500, false),
        (400, true),
        (502, true),
        (503, true),
        (504, true),
    ] {
        assert_eq!(is_asked_again(status).await, again, "{status}");
    }
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
