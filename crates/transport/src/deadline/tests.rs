use std::num::NonZeroU64;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::{Request, Response};
use tokio::time::{Instant, sleep};
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::*;
use crate::{Body, Deadline, Error, Phase};

/// Reads a body that comes in pieces of ten bytes, one each `pause`, by a reader that takes `think` for each. Gives the
/// bytes read, and the phase that timed out after how long.
async fn read(
    options: DeadlineOptions,
    own: Option<Duration>,
    pause: Duration,
    think: Duration,
) -> (u64, Option<Phase>, Duration) {
    let bottom = service_fn(move |_: Request<Body>| async move {
        let pieces = stream::iter(0..100).then(move |_| async move {
            sleep(pause).await;
            Ok(Bytes::from_static(b"0123456789"))
        });
        Ok::<_, Error>(Response::new(Body::one_shot(Box::pin(pieces), None)))
    });
    let start = Instant::now();
    let mut request = Request::get("https://r.example/")
        .body(Body::empty())
        .expect("parts are valid");
    if let Some(own) = own {
        request.extensions_mut().insert(Deadline(start + own));
    }
    let response = DeadlineLayer::new(options)
        .layer(bottom)
        .oneshot(request)
        .await
        .expect("an answer");
    let mut body = response.into_body().into_stream();
    let mut bytes = 0;
    while let Some(piece) = body.next().await {
        match piece {
            Ok(piece) => bytes += piece.len() as u64,
            Err(error) => {
                let Some(Error::Timeout { phase, .. }) = error.downcast_ref() else {
                    panic!("{error}");
                };
                return (bytes, Some(*phase), start.elapsed());
            }
        }
        sleep(think).await;
    }
    (bytes, None, start.elapsed())
}

fn rate(bytes_per_second: u64) -> DeadlineOptions {
    let rate = NonZeroU64::new(bytes_per_second).expect("a rate is not zero");
    DeadlineOptions::default().with_minimum_rate(MinimumRate::new(rate).with_window(Duration::from_secs(20)))
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn nothing_is_limited_unless_asked() {
    let (bytes, phase, elapsed) = read(DeadlineOptions::default(), None, 3600 * SECOND, SECOND).await;
    assert_eq!((bytes, phase), (1000, None));
    assert!(elapsed > 360_000 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn bodies_that_trickle_are_ended() {
    // 10 bytes in a second are enough for 10, but not for 11.
    assert_eq!(read(rate(9), None, SECOND, Duration::ZERO).await.0, 1000);
    let (bytes, phase, elapsed) = read(rate(11), None, SECOND, Duration::ZERO).await;
    assert_eq!((phase, elapsed.as_secs()), (Some(Phase::Rate), 20));
    assert!((190..=200).contains(&bytes), "{bytes}");
    let (bytes, phase, elapsed) = read(rate(1), None, 3600 * SECOND, Duration::ZERO).await;
    assert_eq!((bytes, phase, elapsed.as_secs()), (0, Some(Phase::Rate), 20));
}

#[tokio::test(start_paused = true)]
async fn slow_readers_are_no_slow_servers() {
    let (bytes, phase, _) = read(rate(9), None, SECOND, 60 * SECOND).await;
    assert_eq!((bytes, phase), (1000, None));
}

#[tokio::test(start_paused = true)]
async fn the_whole_request_has_to_be_in_time() {
    let options = DeadlineOptions::default().with_total(50 * SECOND);
    let (bytes, phase, elapsed) = read(options.clone(), None, SECOND, Duration::ZERO).await;
    assert_eq!((phase, elapsed.as_secs()), (Some(Phase::Whole), 50));
    assert!((480..=500).contains(&bytes), "{bytes}");
    // The request's own deadline counts.
    let (_, phase, elapsed) = read(options, Some(10 * SECOND), SECOND, Duration::ZERO).await;
    assert_eq!((phase, elapsed.as_secs()), (Some(Phase::Whole), 10));
}

/// A body of `count` pieces of ten bytes, whose source takes `think` for each.
fn pieces(count: usize, think: Duration) -> Body {
    let pieces = stream::iter(0..count).then(move |_| async move {
        sleep(think).await;
        Ok(Bytes::from_static(b"0123456789"))
    });
    Body::one_shot(Box::pin(pieces), Some(10 * count as u64))
}

/// Sends a body to a server that takes `pause` for each piece, reads no more than `most` of them, and answers an hour
/// later. Gives the phase that timed out after how long.
async fn write(
    options: DeadlineOptions,
    body: Body,
    pause: Duration,
    most: usize,
) -> (Option<Phase>, Duration) {
    let bottom = service_fn(move |request: Request<Body>| async move {
        let mut body = request.into_body().into_stream();
        let mut count = 0;
        while count < most && body.next().await.is_some() {
            count += 1;
            sleep(pause).await;
        }
        drop(body);
        sleep(3600 * SECOND).await;
        Ok::<_, Error>(Response::new(Body::empty()))
    });
    let start = Instant::now();
    let request = Request::put("https://r.example/")
        .body(body)
        .expect("parts are valid");
    let phase = match DeadlineLayer::new(options).layer(bottom).oneshot(request).await {
        Ok(_) => None,
        Err(Error::Timeout { phase, .. }) => Some(phase),
        Err(error) => panic!("{error}"),
    };
    (phase, start.elapsed())
}

const ALL: usize = usize::MAX;

#[tokio::test(start_paused = true)]
async fn uploads_that_trickle_are_ended() {
    let body = || pieces(100, Duration::ZERO);
    assert_eq!(write(rate(9), body(), SECOND, ALL).await.0, None);
    let (phase, elapsed) = write(rate(11), body(), SECOND, ALL).await;
    assert_eq!((phase, elapsed.as_secs()), (Some(Phase::SendRate), 20));
    // It took one piece, and then nothing.
    let (phase, elapsed) = write(rate(1), body(), 3600 * SECOND, ALL).await;
    assert_eq!((phase, elapsed.as_secs()), (Some(Phase::SendRate), 20));
    let (phase, _) = write(DeadlineOptions::default(), body(), 3600 * SECOND, ALL).await;
    assert_eq!(phase, None, "nothing is limited unless asked");
}

#[tokio::test(start_paused = true)]
async fn bytes_in_memory_are_watched_too() {
    let body = || Body::full(vec![0; 10 << 16]);
    // A piece has 64 KiB.
    assert_eq!(write(rate(60 << 10), body(), SECOND, ALL).await.0, None);
    let (phase, elapsed) = write(rate(1 << 10), body(), 100 * SECOND, ALL).await;
    assert_eq!(
        (phase, elapsed.as_secs()),
        (Some(Phase::SendRate), 80),
        "64 KiB are enough for three windows"
    );
}

#[tokio::test(start_paused = true)]
async fn slow_sources_are_no_slow_servers() {
    let (phase, elapsed) = write(rate(11), pieces(100, 60 * SECOND), Duration::ZERO, ALL).await;
    assert_eq!((phase, elapsed), (None, 9600 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_not_wanted_any_more_is_not_slow() {
    for most in [0, 1, 3] {
        let (phase, _) = write(rate(5), pieces(100, Duration::ZERO), Duration::ZERO, most).await;
        assert_eq!(phase, None);
    }
}
