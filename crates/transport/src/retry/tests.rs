use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use tokio::time::Instant;
use tower::{Layer as _, Service as _, ServiceExt as _};

use super::*;
use crate::deadline::{DeadlineLayer, DeadlineOptions};
use crate::{
    Attempts, Body, BoxError, Deadline, Error, NeverRetry, OnWait, Phase, RedactedUrl, Wait, WaitReason,
};

fn connect() -> Error {
    let origin = crate::origin::Origin::of(&"https://r.example/".parse().expect("URL")).expect("origin");
    Error::Connect {
        origin,
        source: "refused".into(),
    }
}

fn broken(source: impl Into<BoxError>) -> Error {
    let url = RedactedUrl::of_text("https://r.example/");
    Error::Exchange {
        method: Method::GET,
        url,
        source: source.into(),
    }
}

fn reset() -> Error {
    broken(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
}

fn status(status: u16) -> Outcome<'static> {
    let status = StatusCode::from_u16(status).expect("a status");
    Outcome::Response {
        status,
        retry_after: None,
        refused: false,
    }
}

#[track_caller]
fn check(method: &str, has_body: bool, outcome: &Outcome<'_>, want: Verdict) {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    assert_eq!(
        decide(&method, has_body, true, outcome),
        want,
        "{method} {outcome:?}"
    );
    assert_eq!(
        decide(&method, has_body, false, outcome),
        Verdict::Stop,
        "{method} {outcome:?}, body is gone"
    );
}

#[test]
fn what_is_repeated() {
    let (connect, reset, other) = (connect(), reset(), broken("something else"));
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        for code in [408, 429, 499, 500, 502, 503, 504, 522] {
            check(method, false, &status(code), Verdict::Retry);
        }
        check(method, false, &Outcome::Failure(&connect), Verdict::Retry);
        check(method, false, &Outcome::Failure(&reset), Verdict::Retry);
        check(method, false, &Outcome::Failure(&other), Verdict::Stop);
    }
    for code in [200, 206, 301, 400, 401, 403, 404, 405, 416, 501, 505] {
        check("GET", false, &status(code), Verdict::Stop);
    }
    check("POST", false, &status(502), Verdict::Retry);
    check("POST", false, &Outcome::Failure(&reset), Verdict::Retry);
    for (method, has_body) in [("POST", true), ("PATCH", true), ("PATCH", false)] {
        for code in [408, 429, 503] {
            check(method, has_body, &status(code), Verdict::Retry);
        }
        for code in [499, 500, 502, 504, 522] {
            check(method, has_body, &status(code), Verdict::Stop);
        }
        check(method, has_body, &Outcome::Failure(&connect), Verdict::Retry);
        check(method, has_body, &Outcome::Failure(&reset), Verdict::Stop);
    }
    let refused = Outcome::Response {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        retry_after: None,
        refused: true,
    };
    check("GET", false, &refused, Verdict::Stop);
    let wait = Some(Duration::from_secs(7));
    let told = Outcome::Response {
        status: StatusCode::TOO_MANY_REQUESTS,
        retry_after: wait,
        refused: false,
    };
    check("GET", false, &told, Verdict::RetryAfter(Duration::from_secs(7)));
}

#[track_caller]
fn check_retry_after(value: &str, want: Option<u64>) {
    let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").expect("a date");
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, HeaderValue::from_str(value).expect("a header"));
    assert_eq!(
        retry_after(&headers, now),
        want.map(Duration::from_secs),
        "{value}"
    );
}

#[test]
fn retry_after_has_two_forms() {
    check_retry_after("120", Some(120));
    check_retry_after(" 0 ", Some(0));
    check_retry_after("99999999999999999999999", Some(u64::MAX));
    check_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", Some(60));
    check_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", Some(0));
    check_retry_after("-1", None);
    check_retry_after("1.5", None);
    check_retry_after("soon", None);
    check_retry_after("", None);
    assert_eq!(retry_after(&HeaderMap::new(), SystemTime::now()), None);
}

#[test]
fn ceilings_grow_to_the_cap() {
    let options = RetryOptions::default()
        .with_backoff(Duration::from_secs(1), 10)
        .with_cap(Duration::from_secs(20));
    let ceilings: Vec<u64> = (1..=4)
        .map(|attempt| options.ceiling(attempt).as_secs())
        .collect();
    assert_eq!(ceilings, [1, 10, 20, 20]);
    assert_eq!(options.ceiling(u32::MAX), Duration::from_secs(20));
}

type Answer = Arc<dyn Fn(u32) -> Result<Response<Body>, Error> + Send + Sync>;

/// Sends one request over retry to a bottom that answers by attempt; gives the result, the number of attempts and the
/// time that passed.
async fn run(
    options: RetryOptions,
    request: Request<Body>,
    answer: impl Fn(u32) -> Result<Response<Body>, Error> + Send + Sync + 'static,
) -> (Result<Response<Body>, Error>, u32, Duration) {
    let (sent, answer): (Arc<AtomicU32>, Answer) = (Arc::default(), Arc::new(answer));
    let count = Arc::clone(&sent);
    let bottom = tower::service_fn(move |request: Request<Body>| {
        let attempt = count.fetch_add(1, Ordering::Relaxed) + 1;
        let answer = Arc::clone(&answer);
        async move {
            let _ = request.into_body().collect(1 << 20).await?;
            answer(attempt)
        }
    });
    let start = Instant::now();
    let result = RetryLayer::new(options).layer(bottom).oneshot(request).await;
    (result, sent.load(Ordering::Relaxed), start.elapsed())
}

fn respond(status: u16, body: &'static str) -> Result<Response<Body>, Error> {
    Ok(Response::builder()
        .status(status)
        .body(Body::full(body))
        .expect("parts are valid"))
}

fn get() -> Request<Body> {
    Request::get("https://r.example/v2/")
        .body(Body::empty())
        .expect("parts are valid")
}

#[tokio::test(start_paused = true)]
async fn the_last_answer_is_returned_intact() {
    let (result, sent, elapsed) = run(RetryOptions::default(), get(), |_| respond(429, "slow down")).await;
    let response = result.expect("an answer is no error here");
    assert_eq!((response.status().as_u16(), sent), (429, 3));
    assert_eq!(response.extensions().get(), Some(&Attempts(3)));
    assert_eq!(
        response.into_body().collect(64).await.expect("reads"),
        "slow down"
    );
    assert!(elapsed <= Duration::from_millis(500 + 1500), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_is_tried_again() {
    let (result, sent, _) = run(RetryOptions::default(), get(), |attempt| {
        if attempt < 3 {
            Err(reset())
        } else {
            respond(200, "")
        }
    })
    .await;
    assert_eq!(
        (result.expect("the third works").status().as_u16(), sent),
        (200, 3)
    );
    let (result, sent, _) = run(RetryOptions::default(), get(), |_| Err(connect())).await;
    assert!(matches!(result, Err(Error::Connect { .. })));
    assert_eq!(sent, 3);
}

/// What becomes of one attempt.
#[derive(Clone, Copy, Debug)]
enum Step {
    Status(u16),
    Reset,
    Permanent,
}

#[tokio::test(start_paused = true)]
async fn how_often_a_request_is_sent() {
    use Step::{Permanent, Reset, Status};
    for (steps, want) in [
        (&[Status(200)][..], 1),
        (&[Status(404)], 1),
        (&[Permanent], 1),
        (&[Reset, Permanent], 2),
        (&[Reset, Status(404)], 2),
        (&[Status(503), Status(200)], 2),
        (&[Reset], 3),
        (&[Status(408), Status(500), Reset], 3),
        (&[Status(429), Status(522), Status(499), Status(200)], 3),
    ] {
        let answer = move |attempt: u32| {
            let step = steps.get(attempt as usize - 1).or(steps.last()).expect("a step");
            match *step {
                Status(status) => respond(status, ""),
                Reset => Err(reset()),
                Permanent => Err(broken("something else")),
            }
        };
        assert_eq!(
            run(RetryOptions::default(), get(), answer).await.1,
            want,
            "{steps:?}"
        );
        let mut never = get();
        never.extensions_mut().insert(NeverRetry);
        let (_, sent, elapsed) = run(RetryOptions::default(), never, answer).await;
        assert_eq!((sent, elapsed), (1, Duration::ZERO), "{steps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_cap_takes_no_attempt_away() {
    let options = RetryOptions::default()
        .with_attempts(NonZeroU32::new(6).expect("six is not zero"))
        .with_backoff(Duration::from_secs(1), 10)
        .with_cap(Duration::from_secs(20));
    let (_, sent, elapsed) = run(options, get(), |_| Err(reset())).await;
    assert_eq!(sent, 6);
    assert!(elapsed <= Duration::from_secs(1 + 10 + 3 * 20), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn those_that_failed_together_do_not_come_back_together() {
    let mut waits = Vec::new();
    for _ in 0..10 {
        let answer = |attempt| {
            if attempt == 1 {
                Err(reset())
            } else {
                respond(200, "")
            }
        };
        waits.push(run(RetryOptions::default(), get(), answer).await.2);
    }
    let most = Duration::from_millis(501);
    assert!(waits.iter().all(|wait| *wait <= most), "{waits:?}");
    assert!(waits.iter().any(|wait| *wait != waits[0]), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_a_request_that_hangs_and_its_repetitions() {
    let limit = Duration::from_millis(20);
    let hanging =
        tower::service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, Error>>());
    let retry = RetryLayer::new(RetryOptions::default()).layer(hanging);
    let start = Instant::now();
    let error = DeadlineLayer::new(DeadlineOptions::default().with_total(limit))
        .layer(retry)
        .oneshot(get())
        .await
        .expect_err("it hangs");
    assert!(
        matches!(
            error,
            Error::Timeout {
                phase: Phase::Whole,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(start.elapsed() < 2 * limit, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_the_server_asks_for_is_waited() {
    let told = |attempt, value: &str| match attempt {
        1 => respond(503, "").map(|mut response| {
            response
                .headers_mut()
                .insert(RETRY_AFTER, value.parse().expect("a header"));
            response
        }),
        _ => respond(200, ""),
    };
    let (_, sent, elapsed) = run(RetryOptions::default(), get(), move |attempt| told(attempt, "17")).await;
    assert_eq!(sent, 2);
    assert!(
        (17.0..18.8).contains(&elapsed.as_secs_f64()),
        "{elapsed:?}: what was asked for, and a little more"
    );

    let (result, sent, elapsed) = run(RetryOptions::default(), get(), move |attempt| {
        told(attempt, "3600")
    })
    .await;
    assert_eq!((result.expect("an answer").status().as_u16(), sent), (503, 1));
    assert!(
        elapsed.is_zero(),
        "an hour is more than a request is worth waiting for"
    );
}

#[tokio::test(start_paused = true)]
async fn some_requests_are_sent_once() {
    let mut never = get();
    never.extensions_mut().insert(NeverRetry);
    assert_eq!(
        run(RetryOptions::default(), never, |_| respond(503, "")).await.1,
        1
    );
    assert_eq!(run(RetryOptions::never(), get(), |_| respond(503, "")).await.1, 1);
    assert_eq!(
        run(RetryOptions::default(), get(), |_| respond(404, "")).await.1,
        1
    );

    let stream = Box::pin(futures_util::stream::once(async { Ok("asdf".into()) }));
    let one_shot = get().map(|_| Body::one_shot(stream, Some(4)));
    assert_eq!(
        run(RetryOptions::default(), one_shot, |_| respond(503, ""))
            .await
            .1,
        1
    );

    let denied = r#"{"errors":[{"code":"DENIED"}]}"#;
    let (result, sent, _) = run(RetryOptions::default(), get(), move |_| respond(500, denied)).await;
    let body = result
        .expect("an answer")
        .into_body()
        .collect(64)
        .await
        .expect("reads");
    assert_eq!(
        (sent, &body[..]),
        (1, denied.as_bytes()),
        "a refusal stays one, and its body is put back"
    );
}

#[tokio::test(start_paused = true)]
async fn bodies_are_sent_whole_each_time() {
    let four = NonZeroU32::new(4).expect("four is not zero");
    let bodies = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&bodies);
    let bottom = tower::service_fn(move |request: Request<Body>| {
        let seen = Arc::clone(&seen);
        async move {
            let body = request.into_body().collect(64).await?;
            seen.lock().expect("not poisoned").push(body);
            respond(503, "")
        }
    });
    let request = Request::put("https://r.example/")
        .body(Body::full("asdf"))
        .expect("parts are valid");
    let service = RetryLayer::new(RetryOptions::default().with_attempts(four)).layer(bottom);
    service.oneshot(request).await.expect("an answer");
    assert_eq!(*bodies.lock().expect("not poisoned"), ["asdf"; 4]);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_request_ends_the_wait() {
    let patient = RetryOptions::default()
        .with_retry_after_limit(Duration::MAX)
        .with_total_wait(Duration::MAX);
    let start = Instant::now();
    let run = run(patient, get(), |_| {
        let mut response = respond(503, "")?;
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from_static("1000"));
        Ok(response)
    });
    assert!(tokio::time::timeout(Duration::from_secs(5), run).await.is_err());
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn readiness_is_awaited_before_each_attempt() {
    let (service, mut handle) = tower_test::mock::pair::<Request<Body>, Response<Body>>();
    handle.allow(1);
    let mut service = RetryLayer::new(RetryOptions::default()).layer(service);
    let answer = tokio::spawn(async move { service.ready().await?.call(get()).await });
    let (_, first) = handle.next_request().await.expect("the first attempt");
    first.send_response(
        Response::builder()
            .status(502)
            .body(Body::empty())
            .expect("parts are valid"),
    );
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(
        !answer.is_finished(),
        "the inner service is not ready for a second attempt"
    );
    handle.allow(1);
    let (_, second) = handle.next_request().await.expect("the second attempt");
    second.send_response(Response::new(Body::empty()));
    let response = answer.await.expect("no panic").expect("an answer");
    assert_eq!(response.extensions().get(), Some(&Attempts(2)));
}

#[tokio::test(start_paused = true)]
async fn waits_are_limited_in_all() {
    let wants = |seconds: &'static str| {
        move |_| {
            let mut response = respond(503, "")?;
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static(seconds));
            Ok(response)
        }
    };
    let ten = NonZeroU32::new(10).expect("ten is not zero");
    let options = RetryOptions::default()
        .with_attempts(ten)
        .with_total_wait(Duration::from_secs(100));
    let (result, sent, elapsed) = run(options.clone(), get(), wants("30")).await;
    assert_eq!((result.expect("an answer").status().as_u16(), sent), (503, 4));
    assert!((90..100).contains(&elapsed.as_secs()), "{elapsed:?}");

    // What would end behind the deadline does not begin.
    let mut request = get();
    request
        .extensions_mut()
        .insert(Deadline(Instant::now() + Duration::from_secs(50)));
    let (result, sent, elapsed) = run(options, request, wants("30")).await;
    assert_eq!((result.expect("an answer").status().as_u16(), sent), (503, 2));
    assert!((30..34).contains(&elapsed.as_secs()), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_down_uses_up_its_budget() {
    let sent: Arc<AtomicU32> = Arc::default();
    let down = Arc::new(AtomicU32::new(503));
    let (count, answer) = (Arc::clone(&sent), Arc::clone(&down));
    let bottom = tower::service_fn(move |_: Request<Body>| {
        count.fetch_add(1, Ordering::Relaxed);
        let status = answer.load(Ordering::Relaxed);
        async move { respond(u16::try_from(status).expect("a status"), "") }
    });
    let service = RetryLayer::new(RetryOptions::default().with_budget(NonZeroU32::new(3))).layer(bottom);
    let mut counts = Vec::new();
    let mut ask = async |status, url: &str| {
        down.store(status, Ordering::Relaxed);
        sent.store(0, Ordering::Relaxed);
        let request = Request::get(url).body(Body::empty()).expect("parts are valid");
        service.clone().oneshot(request).await.expect("an answer");
        counts.push(sent.load(Ordering::Relaxed));
    };
    let (here, there) = ("https://r.example/", "https://other.example/");
    for _ in 0..3 {
        ask(503, here).await;
    }
    ask(503, there).await;
    // What the server asks for is free.
    ask(429, here).await;
    for _ in 0..10 {
        ask(200, here).await;
    }
    ask(503, here).await;
    assert_eq!(counts[..5], [3, 2, 1, 3, 3]);
    assert_eq!(counts[15], 2, "ten successes earn one repetition");
}

#[tokio::test(start_paused = true)]
async fn waits_are_told() {
    let waits: Arc<std::sync::Mutex<Vec<Wait>>> = Arc::default();
    let heard = Arc::clone(&waits);
    let mut request = get();
    request.extensions_mut().insert(OnWait::new(move |wait| {
        heard.lock().expect("not poisoned").push(wait.clone());
    }));
    let (_, sent, _) = run(RetryOptions::default(), request, |attempt| match attempt {
        1 => respond(502, ""),
        2 => Err(reset()),
        _ => respond(200, ""),
    })
    .await;
    assert_eq!(sent, 3);
    let waits = waits.lock().expect("not poisoned");
    let reasons: Vec<_> = waits.iter().map(|wait| wait.reason).collect();
    let retry = |attempt, status| WaitReason::Retry { attempt, status };
    assert_eq!(reasons, [retry(1, Some(StatusCode::BAD_GATEWAY)), retry(2, None)]);
    let origin = waits[0].origin.as_ref().expect("an origin");
    assert_eq!(origin.to_string(), "https://r.example");
}

#[tokio::test(start_paused = true)]
async fn a_body_too_long_to_look_into_is_retried_and_kept() {
    let long = "x".repeat((64 << 10) + 1);
    let (result, sent, _) = run(RetryOptions::default(), get(), move |_| {
        Ok(respond(503, "")?.map(|_| Body::full(long.clone())))
    })
    .await;
    let body = result.expect("an answer").into_body().collect(1 << 20).await;
    assert_eq!((sent, body.expect("reads").len()), (3, (64 << 10) + 1));
}
