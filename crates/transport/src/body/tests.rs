use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream;

use super::*;
use crate::Error;

fn pieces(pieces: &'static [&'static str]) -> BodyStream {
    Box::pin(stream::iter(
        pieces
            .iter()
            .map(|piece| Ok(Bytes::from_static(piece.as_bytes()))),
    ))
}

#[tokio::test]
async fn full_bodies_are_cloned_whole() {
    let body = Body::full("asdf");
    let copy = body.try_clone().expect("bytes can be cloned");
    assert_eq!(body.size_hint().exact(), Some(4));
    assert_eq!(body.collect(4).await.expect("reads"), "asdf");
    assert_eq!(copy.collect(4).await.expect("reads"), "asdf");
}

#[tokio::test]
async fn reopenable_bodies_are_opened_once_per_reading() {
    static OPENED: AtomicUsize = AtomicUsize::new(0);
    let open: Opener = Arc::new(|| {
        OPENED.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(pieces(&["as", "df"])) })
    });
    let body = Body::reopenable(Some(4), open);
    let copy = body.try_clone().expect("can be opened again");
    assert_eq!(body.collect(64).await.expect("reads"), "asdf");
    assert_eq!(copy.collect(64).await.expect("reads"), "asdf");
    assert_eq!(OPENED.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn one_shot_bodies_can_be_resent_only_while_unread() {
    let body = Body::one_shot(pieces(&["as", "df"]), None);
    assert!(body.try_clone().is_none());
    drop(body.resend());
    assert!(
        body.can_resend(),
        "a dropped attempt that read nothing took nothing"
    );
    let attempt = body.resend();
    assert_eq!(attempt.collect(64).await.expect("reads"), "asdf");
    assert!(!body.can_resend());
    let error = body.resend().collect(64).await.expect_err("the bytes are gone");
    assert!(error.to_string().contains("body"), "{error}");
}

#[tokio::test]
async fn a_stream_of_the_wrong_size_fails() {
    for size in [3, 5] {
        let body = Body::one_shot(pieces(&["as", "df"]), Some(size));
        let error = body.collect(64).await.expect_err("size is wrong");
        let cause = std::error::Error::source(&error)
            .map(ToString::to_string)
            .unwrap_or_default();
        assert!(cause.contains("bytes where"), "{error}: {cause}");
    }
}

#[tokio::test]
async fn collect_stops_at_its_limit() {
    let body = Body::one_shot(pieces(&["as", "df"]), None);
    assert!(matches!(
        body.collect(3).await,
        Err(Error::BodyTooLarge { limit: 3 })
    ));
    let body = Body::one_shot(pieces(&["as", "df"]), None);
    let (prefix, complete) = body.collect_prefix(3).await.expect("reads");
    assert_eq!((&prefix[..], complete), (&b"asd"[..], false));
    let body = Body::full("asdf");
    assert_eq!(
        body.collect_prefix(4).await.expect("reads"),
        (Bytes::from("asdf"), true)
    );
}
