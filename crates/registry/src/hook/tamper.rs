//! Spoiling responses.

use std::io;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{Response, StatusCode};

use crate::body::{Body, BoxError};
use crate::hook::flush::Flushes;

/// Marks a response that is not to be sent: the connection breaks instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dropped;

/// A response that breaks the connection. A server that does not know the mark breaks it after the head.
pub(super) fn dropped() -> Response<Body> {
    let broken = stream::iter([Err::<Bytes, BoxError>(broken_off())]);
    let mut response = Response::new(Body::stream(broken, 1));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.extensions_mut().insert(Dropped);
    response
}

/// Ends a body with an error after some bytes, once these have left for the client.
pub(super) fn cut(response: Response<Body>, after: u64, flushes: Option<&Flushes>) -> Response<Body> {
    if after >= response.body().length() {
        return response;
    }
    let flushes = flushes.cloned();
    response.map(|body| {
        let length = body.length();
        let mut left = after;
        let kept = body.into_stream().map(move |piece| {
            let mut piece = piece?;
            piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            left -= piece.len() as u64;
            Ok(piece)
        });
        let kept = kept.take_while(|piece| {
            let over = matches!(piece, Ok(bytes) if bytes.is_empty());
            std::future::ready(!over)
        });
        let end = stream::once(async move {
            match flushes {
                Some(flushes) => flushes.next().await,
                None => tokio::task::yield_now().await,
            }
            Err(broken_off())
        });
        Body::stream(kept.chain(end), length)
    })
}

/// Flips the bits of one byte.
pub(super) fn corrupt(response: Response<Body>, at: u64) -> Response<Body> {
    response.map(|body| {
        let length = body.length();
        let mut passed = 0_u64;
        let corrupted = body.into_stream().map(move |piece| {
            let piece = piece?;
            let (start, end) = (passed, passed + piece.len() as u64);
            passed = end;
            if !(start..end).contains(&at) {
                return Ok(piece);
            }
            let mut bytes = BytesMut::from(&piece[..]);
            bytes[usize::try_from(at - start).expect("an offset into this piece")] ^= 0xff;
            Ok::<_, BoxError>(bytes.freeze())
        });
        Body::stream(corrupted, length)
    })
}

/// Sends other bytes.
pub(super) fn replace(mut response: Response<Body>, bytes: &Bytes) -> Response<Body> {
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    response.map(|_| Body::full(bytes.clone()))
}

fn broken_off() -> BoxError {
    io::Error::from(io::ErrorKind::ConnectionAborted).into()
}
