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
