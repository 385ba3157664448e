use std::num::{NonZeroU32, NonZeroUsize};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{join_all, poll_immediate};
use futures_util::stream::{self, StreamExt as _};
use http::{Method, Request, Response};
use tokio::time::{Instant, sleep, timeout};
use tower::{Layer as _, Service, ServiceExt as _};

use super::*;
use crate::origin::Origin;
use crate::retry::{RetryLayer, RetryOptions};
use crate::{Body, Error, OnWait, Wait, WaitReason};

const SECOND: Duration = Duration::from_secs(1);

/// A host: how many requests are at it and have been at most, and when each one came.
#[derive(Clone, Debug, Default)]
struct Server {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    came: Arc<Mutex<Vec<Instant>>>,
}

impl Server {
    /// Answers each request after a second by its number.
    fn service(
        &self,
        answer: impl Fn(usize) -> Response<Body> + Clone + Send + 'static,
    ) -> impl Service<Request<Body>, Response = Response<Body>, Error = Error, Future: Send> + Clone + Send + 'static
    {
        let server = self.clone();
        tower::service_fn(move |_: Request<Body>| {
            let (server, answer) = (server.clone(), answer.clone());
            async move {
                let number = {
                    let mut came = server.came.lock().expect("not poisoned");
                    came.push(Instant::now());
                    came.len()
                };
                let now = server.now.fetch_add(1, Ordering::Relaxed) + 1;
                server.most.fetch_max(now, Ordering::Relaxed);
                sleep(SECOND).await;
                server.now.fetch_sub(1, Ordering::Relaxed);
                Ok(answer(number))
            }
        })
    }

    fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    fn came(&self) -> Vec<Instant> {
        self.came.lock().expect("not poisoned").clone()
    }
}

fn limits(reads: usize, writes: usize) -> HostLimits {
    let size = |size| NonZeroUsize::new(size).expect("not zero");
    HostLimits::default().with_concurrency(size(reads), size(writes))
}

fn layer(limits: HostLimits) -> LimitLayer {
    LimitLayer::new(LimitOptions::default().with_default(limits))
}

fn request(method: Method, url: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(url)
        .body(Body::empty())
        .expect("parts are valid")
}

fn get() -> Request<Body> {
    request(Method::GET, "https://r.example/blob")
}

fn ok(_: usize) -> Response<Body> {
    Response::new(Body::empty())
}

/// An answer whose body has no known end.
fn large(_: usize) -> Response<Body> {
    let pieces = stream::iter(0..3).map(|_| Ok(Bytes::from_static(b"asdf")));
    Response::new(Body::one_shot(Box::pin(pieces), None))
}

fn status(status: u16, retry_after: Option<&str>) -> Response<Body> {
    let mut response = Response::builder().status(status);
    if let Some(value) = retry_after {
        response = response.header("retry-after", value);
    }
    response.body(Body::empty()).expect("parts are valid")
}

#[tokio::test(start_paused = true)]
async fn clones_share_the_slots_of_a_host() {
    let server = Server::default();
    let service = layer(limits(3, 2)).layer(server.service(ok));
    let start = Instant::now();
    join_all((0..9).map(|_| service.clone().oneshot(get()))).await;
    assert_eq!((server.most(), start.elapsed().as_secs()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn reads_writes_and_hosts_have_slots_of_their_own() {
    let server = Server::default();
    let service = layer(limits(1, 2)).layer(server.service(ok));
    let start = Instant::now();
    let requests = [
        request(Method::GET, "https://r.example/a"),
        request(Method::PUT, "https://r.example/a"),
        request(Method::PATCH, "https://r.example/a"),
        request(Method::HEAD, "https://r.example:8443/a"),
        request(Method::GET, "https://cdn.example/a"),
    ];
    join_all(requests.map(|request| service.clone().oneshot(request))).await;
    assert_eq!((server.most(), start.elapsed()), (5, SECOND));
}

#[tokio::test(start_paused = true)]
async fn hosts_may_have_limits_of_their_own() {
    let server = Server::default();
    let origin = Origin::of(&"https://small.example/".parse().expect("URL")).expect("origin");
    let options = LimitOptions::default().with_host(origin, limits(1, 1));
    let service = LimitLayer::new(options).layer(server.service(ok));
    let small = || request(Method::GET, "https://small.example/");
    join_all((0..3).map(|_| service.clone().oneshot(small()))).await;
    assert_eq!(server.most(), 1);
    join_all((0..5).map(|_| service.clone().oneshot(get()))).await;
    assert_eq!(server.most(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_slot_is_held_until_the_end_of_the_body() {
    let server = Server::default();
    let service = layer(limits(1, 1)).layer(server.service(large));
    let first = service.clone().oneshot(get()).await.expect("an answer");
    let mut second = pin!(service.clone().oneshot(get()));
    assert!(
        timeout(2 * SECOND, &mut second).await.is_err(),
        "the slot is taken"
    );
    assert_eq!(server.came().len(), 1);
    first.into_body().collect(64).await.expect("reads");
    let start = Instant::now();
    second.await.expect("an answer");
    assert_eq!(start.elapsed(), SECOND, "the slot came back with the last byte");
}

#[tokio::test(start_paused = true)]
async fn answers_without_much_to_read_give_their_slot_back_at_once() {
    let small = |_| Response::new(Body::full("small"));
    let failed = |number| {
        let mut response = large(number);
        *response.status_mut() = http::StatusCode::UNAUTHORIZED;
        response
    };
    let server = Server::default();
    let service = layer(limits(1, 1)).layer(server.service(small));
    let start = Instant::now();
    let held = service.clone().oneshot(get()).await;
    service.clone().oneshot(get()).await.expect("an answer");
    let service = layer(limits(1, 1)).layer(server.service(failed));
    let also_held = service.clone().oneshot(get()).await;
    service.clone().oneshot(get()).await.expect("an answer");
    assert_eq!(start.elapsed(), 4 * SECOND);
    drop((held, also_held));
}

#[tokio::test(start_paused = true)]
async fn callers_that_hold_bodies_do_not_wait_for_themselves() {
    let server = Server::default();
    let service = layer(limits(1, 1)).layer(server.service(large));
    let start = Instant::now();
    let mut held = Vec::new();
    for _ in 0..5 {
        // Each is kept open, unread, while the next is asked for.
        held.push(service.clone().oneshot(get()).await.expect("an answer"));
    }
    assert_eq!(start.elapsed(), 5 * SECOND + 4 * limits(1, 1).lend_after);
    for response in held {
        let body = response
            .into_body()
            .collect(64)
            .await
            .expect("what was lent goes on");
        assert_eq!(body, "asdfasdfasdf");
    }
    service.oneshot(get()).await.expect("and all slots are back");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_slow_but_reads_keeps_its_slot() {
    let server = Server::default();
    let service = layer(limits(1, 1)).layer(server.service(large));
    let mut body = service
        .clone()
        .oneshot(get())
        .await
        .expect("an answer")
        .into_body()
        .into_stream();
    let reading = async {
        while body.next().await.is_some() {
            sleep(4 * SECOND).await;
        }
        Instant::now()
    };
    let asking = async {
        service.clone().oneshot(get()).await.expect("an answer");
        Instant::now() - SECOND
    };
    let (read, asked) = tokio::join!(reading, asking);
    assert_eq!(read, asked);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_nobody_drives_lends_its_slot() {
    let server = Server::default();
    let service = layer(limits(1, 1)).layer(server.service(ok));
    let mut forgotten = pin!(service.clone().oneshot(get()));
    assert!(poll_immediate(&mut forgotten).await.is_none(), "it is under way");
    service.clone().oneshot(get()).await.expect("an answer");
    forgotten.await.expect("an answer");
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_given_up_takes_no_slot() {
    let server = Server::default();
    let service = layer(limits(1, 1)).layer(server.service(large));
    let first = service.clone().oneshot(get()).await;
    assert!(timeout(SECOND, service.clone().oneshot(get())).await.is_err());
    drop(first);
    let start = Instant::now();
    service.clone().oneshot(get()).await.expect("an answer");
    assert_eq!(start.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn requests_leave_evenly_spaced() {
    let server = Server::default();
    let ten = NonZeroU32::new(10).expect("ten is not zero");
    let service = layer(HostLimits::default().with_requests_per_second(ten)).layer(server.service(ok));
    join_all((0..21).map(|_| service.clone().oneshot(get()))).await;
    let came = server.came();
    assert!(
        came.windows(2)
            .all(|pair| pair[1] - pair[0] >= Duration::from_millis(99)),
        "{came:?}"
    );
    assert_eq!((came[20] - came[0]).as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn all_requests_to_a_host_cool_down_together() {
    let server = Server::default();
    let answer = |number| match number {
        1 => status(429, Some("30")),
        _ => ok(number),
    };
    let service = layer(HostLimits::default()).layer(server.service(answer));
    let refused = service.clone().oneshot(get()).await.expect("an answer");
    assert_eq!(refused.status(), 429);
    let told = Instant::now();
    let waits: Arc<Mutex<Vec<Wait>>> = Arc::default();
    let others = (0..10).map(|_| {
        let waits = Arc::clone(&waits);
        let mut request = get();
        request.extensions_mut().insert(OnWait::new(move |wait| {
            waits.lock().expect("not poisoned").push(wait.clone())
        }));
        service.clone().oneshot(request)
    });
    let elsewhere = service
        .clone()
        .oneshot(request(Method::GET, "https://other.example/"));
    let (_, elsewhere) = tokio::join!(join_all(others), async {
        elsewhere.await.expect("an answer");
        Instant::now()
    });
    assert_eq!(elsewhere - told, SECOND, "others are not held back");
    let came: Vec<_> = server.came()[2..].iter().map(|came| *came - told).collect();
    assert!(
        came.iter().all(|came| (30 * SECOND..=33 * SECOND).contains(came)),
        "{came:?}"
    );
    assert!(
        came.iter().any(|other| *other != came[0]),
        "not all at once: {came:?}"
    );
    let waits = waits.lock().expect("not poisoned");
    assert_eq!(waits.len(), 10);
    assert!(
        waits
            .iter()
            .all(|wait| wait.reason == WaitReason::CoolDown && wait.duration >= 30 * SECOND)
    );
}

#[tokio::test(start_paused = true)]
async fn dates_count_and_long_waits_are_capped() {
    for (value, least, most) in [
        ("7200", 60, 66),
        ("Fri, 31 Dec 2100 23:59:59 GMT", 60, 66),
        ("0", 0, 0),
    ] {
        let server = Server::default();
        let answer = move |number| match number {
            1 => status(503, Some(value)),
            _ => ok(number),
        };
        let service = layer(HostLimits::default()).layer(server.service(answer));
        service.clone().oneshot(get()).await.expect("an answer");
        let told = Instant::now();
        service.clone().oneshot(get()).await.expect("an answer");
        let waited = server.came()[1] - told;
        assert!(
            (least * SECOND..=most * SECOND).contains(&waited),
            "{value}: {waited:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_that_do_not_say_how_long_double_the_wait() {
    let server = Server::default();
    let answer = |number| match number {
        1..=4 => status(429, None),
        _ => ok(number),
    };
    let service = layer(HostLimits::default()).layer(server.service(answer));
    for _ in 0..6 {
        service.clone().oneshot(get()).await.expect("an answer");
    }
    let waits: Vec<_> = server
        .came()
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_secs_f64() - 1.0)
        .collect();
    let wanted = [1.0, 2.0, 4.0, 8.0, 0.0];
    for (wait, want) in waits.iter().zip(wanted) {
        assert!((want..=want * 1.1 + 0.01).contains(wait), "{waits:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_of_requests_that_left_together_count_once() {
    let server = Server::default();
    let answer = |number| match number {
        1..=10 => status(429, None),
        _ => ok(number),
    };
    let service = layer(HostLimits::default()).layer(server.service(answer));
    join_all((0..10).map(|_| service.clone().oneshot(get()))).await;
    let told = Instant::now();
    service.clone().oneshot(get()).await.expect("an answer");
    let waited = (server.came()[10] - told).as_secs_f64();
    assert!((1.0..1.2).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_without_a_time_holds_nobody_back() {
    let server = Server::default();
    let service = layer(HostLimits::default()).layer(server.service(|_| status(503, None)));
    service.clone().oneshot(get()).await.expect("an answer");
    service.clone().oneshot(get()).await.expect("an answer");
    let came = server.came();
    assert_eq!(came[1] - came[0], SECOND);
}

#[tokio::test(start_paused = true)]
async fn fifty_jobs_get_through_a_busy_registry() {
    // Takes ten requests in each window of ten seconds, and says so to the others.
    let windows: Arc<Mutex<std::collections::HashMap<u64, u32>>> = Arc::default();
    let start = Instant::now();
    let busy = tower::service_fn(move |_: Request<Body>| {
        let windows = Arc::clone(&windows);
        async move {
            let elapsed = start.elapsed().as_secs();
            let mut windows = windows.lock().expect("not poisoned");
            let taken = windows.entry(elapsed / 10).or_default();
            *taken += 1;
            let left = (10 - elapsed % 10).to_string();
            Ok::<_, Error>(if *taken > 10 {
                status(429, Some(&left))
            } else {
                ok(0)
            })
        }
    });
    let attempts = NonZeroU32::new(20).expect("not zero");
    let service = tower::ServiceBuilder::new()
        .layer(RetryLayer::new(RetryOptions::default().with_attempts(attempts)))
        .layer(layer(HostLimits::default()))
        .service(busy);
    let answers = join_all((0..50).map(|_| service.clone().oneshot(get()))).await;
    for answer in answers {
        assert_eq!(answer.expect("an answer").status(), 200);
    }
    assert!(start.elapsed() < 120 * SECOND, "{:?}", start.elapsed());
}
