use std::sync::{Arc, Mutex};

use http::{Method, Request, Response, StatusCode};
use tower::{Layer as _, ServiceExt as _};

use super::*;
use crate::{AnsweredBy, Body, Error, RedirectLimit};

#[track_caller]
fn check_follow(method: &str, status: u16, want: Next) {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let status = StatusCode::from_u16(status).expect("a status");
    assert_eq!(follow(&method, status), want, "{method} {status}");
}

#[test]
fn methods() {
    for status in [307, 308] {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
            check_follow(method, status, Next::Same);
        }
    }
    for status in [301, 302] {
        check_follow("POST", status, Next::Bodiless(Method::GET));
        for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE"] {
            check_follow(method, status, Next::Same);
        }
    }
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        check_follow(method, 303, Next::Bodiless(Method::GET));
    }
    check_follow("HEAD", 303, Next::Same);
    check_follow("GET", 303, Next::Same);
    for status in [200, 201, 300, 304, 305, 306, 401] {
        check_follow("GET", status, Next::Nothing);
    }
}

type Log = Arc<Mutex<Vec<String>>>;

/// Follows redirects that `answer` gives by URL: status and location. The log has a line for each request.
async fn run(
    request: Request<Body>,
    answer: fn(&str) -> (u16, &'static str),
) -> (Result<Response<Body>, Error>, Vec<String>) {
    let log = Log::default();
    let lines = Arc::clone(&log);
    let bottom = tower::service_fn(move |request: Request<Body>| {
        let lines = Arc::clone(&lines);
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect(64).await?;
            let headers: Vec<String> = parts
                .headers
                .iter()
                .map(|(name, value)| format!("{name}={}", value.to_str().expect("ASCII")))
                .collect();
            let url = parts.uri.to_string();
            let line = format!(
                "{} {url} {} {}",
                parts.method,
                headers.join(","),
                String::from_utf8_lossy(&body)
            );
            lines
                .lock()
                .expect("not poisoned")
                .push(line.trim_end().to_owned());
            let (status, location) = answer(&url);
            let response = Response::builder().status(status);
            let response = if location.is_empty() {
                response
            } else {
                response.header("location", location)
            };
            Ok::<_, Error>(response.body(Body::empty()).expect("parts are valid"))
        }
    });
    let result = RedirectLayer::new().layer(bottom).oneshot(request).await;
    let lines = log.lock().expect("not poisoned").clone();
    (result, lines)
}

fn request(method: &str, url: &str) -> http::request::Builder {
    Request::builder().method(method).uri(url)
}

#[tokio::test]
async fn other_origins_get_no_credentials_and_do_not_give_them_back() {
    let request = request("GET", "https://a.example/1")
        .header("authorization", "secret")
        .header("cookie", "secret")
        .header("range", "bytes=1-")
        .body(Body::empty())
        .expect("parts are valid");
    let (result, log) = run(request, |url| match url {
        "https://a.example/1" => (302, "/2"),
        "https://a.example/2" => (307, "https://a.example:444/3?sig=x%2F"),
        "https://a.example:444/3?sig=x%2F" => (301, "https://a.example/4"),
        _ => (200, ""),
    })
    .await;
    assert_eq!(
        log,
        [
            "GET https://a.example/1 authorization=secret,cookie=secret,range=bytes=1-",
            "GET https://a.example/2 authorization=secret,cookie=secret,range=bytes=1-",
            "GET https://a.example:444/3?sig=x%2F range=bytes=1-",
            "GET https://a.example/4 range=bytes=1-",
        ]
    );
    let response = result.expect("an answer");
    let answered = response.extensions().get::<AnsweredBy>();
    assert_eq!(
        answered,
        Some(&AnsweredBy("https://a.example/4".parse().expect("URL")))
    );
}

#[tokio::test]
async fn bodies_go_along_or_not_at_all() {
    let put = || {
        request("PUT", "https://a.example/1")
            .header("content-length", "4")
            .header("content-type", "x/y")
            .body(Body::full("asdf"))
            .expect("parts are valid")
    };
    let (result, log) = run(put(), |url| {
        if url.ends_with('1') {
            (307, "/2")
        } else {
            (201, "")
        }
    })
    .await;
    assert_eq!(result.expect("an answer").status(), 201);
    assert_eq!(
        log[1],
        "PUT https://a.example/2 content-length=4,content-type=x/y asdf"
    );

    let (_, log) = run(put(), |url| {
        if url.ends_with('1') {
            (303, "/2")
        } else {
            (200, "")
        }
    })
    .await;
    assert_eq!(log[1], "GET https://a.example/2");

    let stream = Box::pin(futures_util::stream::once(async { Ok("asdf".into()) }));
    let one_shot = put().map(|_| Body::one_shot(stream, Some(4)));
    let (result, log) = run(one_shot, |_| (307, "/2")).await;
    assert!(
        matches!(
            result,
            Err(Error::NotReplayable {
                status: StatusCode::TEMPORARY_REDIRECT,
                ..
            })
        ),
        "{result:?}"
    );
    assert_eq!(log.len(), 1);
}

#[tokio::test]
async fn redirects_end() {
    let get = || {
        request("GET", "https://a.example/")
            .body(Body::empty())
            .expect("parts are valid")
    };
    let (result, log) = run(get(), |url| {
        if url.ends_with('b') {
            (302, "/")
        } else {
            (302, "/b")
        }
    })
    .await;
    assert!(
        matches!(
            result,
            Err(Error::Redirect {
                reason: RedirectLimit::Cycle,
                ..
            })
        ),
        "{result:?}"
    );
    assert_eq!(log.len(), 2);

    let (result, log) = run(get(), |url| {
        (302, LOCATIONS[url.len() - "https://a.example/".len()])
    })
    .await;
    assert!(
        matches!(
            result,
            Err(Error::Redirect {
                reason: RedirectLimit::TooMany(10),
                ..
            })
        ),
        "{result:?}"
    );
    assert_eq!(log.len(), 11);
}

const LOCATIONS: [&str; 12] = [
    "/x",
    "/xx",
    "/xxx",
    "/xxxx",
    "/xxxxx",
    "/xxxxxx",
    "/xxxxxxx",
    "/xxxxxxxx",
    "/xxxxxxxxx",
    "/xxxxxxxxxx",
    "/xxxxxxxxxxx",
    "/xxxxxxxxxxxx",
];

#[tokio::test]
async fn unsafe_targets_are_not_requested() {
    let get = || {
        request("GET", "https://a.example/")
            .body(Body::empty())
            .expect("parts are valid")
    };
    for (answer, name) in [
        (
            (|_| (302, "http://b.example/")) as fn(&str) -> (u16, &'static str),
            "downgrade",
        ),
        (|_| (302, "https://127.0.0.1/"), "loopback"),
        (|_| (302, "https://2130706433/"), "loopback, as a number"),
        (|_| (302, "https://user:pw@b.example/"), "user info"),
        (|_| (302, "file:///etc/passwd"), "file"),
    ] {
        let (result, log) = run(get(), answer).await;
        assert!(matches!(result, Err(Error::UnsafeUrl(_))), "{name}: {result:?}");
        assert_eq!(log.len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_redirect_without_target_is_an_answer() {
    let get = request("GET", "https://a.example/")
        .body(Body::empty())
        .expect("parts are valid");
    let (result, _) = run(get, |_| (302, "")).await;
    assert_eq!(result.expect("an answer").status(), 302);
}
