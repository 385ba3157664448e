//! Why a `HEAD` failed: its answer has no body that says so.

use http::request::Parts;
use http::{Method, Request, StatusCode};

use crate::send::{Inner, send_next};
use crate::{Body, NeverRetry, RegistryError};

use super::BODY_LIMIT;

/// What to do when a `HEAD` fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadFailures {
    /// Nothing: its status is the answer.
    #[default]
    AsTheyAre,
    /// The same is asked for by `GET`, once, for the [diagnostics](RegistryError::errors) that it comes with.
    ///
    /// This costs a request for each `HEAD` that fails. It is done only for refusals that stay (4xx, but not 408 and
    /// 429); at most [`BODY_LIMIT`] bytes are read, and nothing at all if the `GET` is answered in another way.
    AskAgain,
}

/// Adds to the error of a `HEAD` what a `GET` is told.
pub(super) async fn ask_again(mut inner: impl Inner, mut parts: Parts, error: &mut RegistryError) {
    parts.method = Method::GET;
    parts.extensions.insert(NeverRetry);
    let request = Request::from_parts(parts, Body::empty());
    // Whatever happens here, the first answer stands.
    let Ok(response) = send_next(&mut inner, request).await else {
        return;
    };
    if response.status() != error.status {
        return;
    }
    if let Ok((body, complete)) = response.into_body().collect_prefix(BODY_LIMIT).await {
        error.set_body(body, !complete);
    }
}

/// Whether it is worth to ask why.
pub(super) fn is_refusal(status: StatusCode) -> bool {
    let is_temporary = matches!(
        status,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
    );
    status.is_client_error() && !is_temporary
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use http::Response;
    use tower::{Layer as _, ServiceExt as _, service_fn};

    use super::*;
    use crate::check::CheckLayer;
    use crate::{Accepted, Error};

    const DENIED: &str = r#"{"errors":[{"code":"DENIED","message":"not yours"}]}"#;

    /// Sends a request to a server that answers a `HEAD` with one status, and a `GET` with another and a body. Gives the
    /// methods that were asked, and the error.
    async fn fail(
        policy: HeadFailures,
        (head, get): (u16, u16),
        body: &'static str,
        request: http::request::Builder,
    ) -> (Vec<Method>, Result<(), RegistryError>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let server = service_fn(move |request: Request<Body>| {
            log.lock().expect("not poisoned").push(request.method().clone());
            assert_eq!(request.headers()["accept"], "application/json");
            let (status, body) = match *request.method() {
                Method::HEAD => (head, Body::empty()),
                _ => (get, Body::full(body)),
            };
            async move { Ok::<_, Error>(Response::builder().status(status).body(body).expect("valid")) }
        });
        let request = request
            .uri("https://registry.example/v2/")
            .header("accept", "application/json");
        let service = CheckLayer::new().with_head_failures(policy).layer(server);
        let result = service.oneshot(request.body(Body::empty()).expect("valid")).await;
        let result = result.map(drop).map_err(|error| match error {
            Error::Registry(error) => *error,
            other => panic!("{other:?}"),
        });
        let asked = asked.lock().expect("not poisoned").clone();
        (asked, result)
    }

    async fn check(policy: HeadFailures, statuses: (u16, u16), asked: &[Method], want: &str) {
        let (methods, result) = fail(policy, statuses, DENIED, Request::builder().method("HEAD")).await;
        let error = result.expect_err("refused");
        assert_eq!((methods.as_slice(), error.status.as_u16()), (asked, statuses.0));
        let want = format!("HEAD https://registry.example/v2/: {want}");
        assert_eq!(error.to_string(), want, "{statuses:?}");
    }

    #[tokio::test]
    async fn a_get_tells_why_a_head_failed() {
        use HeadFailures::{AsTheyAre, AskAgain};
        let (once, twice) = ([Method::HEAD], [Method::HEAD, Method::GET]);
        let bare = " (HEAD responses have no body, use GET for details)";
        let unknown = |status: &str| format!("unexpected status code {status}{bare}");
        check(AsTheyAre, (403, 403), &once, &unknown("403 Forbidden")).await;
        check(AskAgain, (403, 403), &twice, "DENIED: not yours").await;
        check(AskAgain, (404, 404), &twice, "DENIED: not yours").await;
        // Another answer says nothing about the first.
        check(AskAgain, (403, 200), &twice, &unknown("403 Forbidden")).await;
        check(AskAgain, (403, 500), &twice, &unknown("403 Forbidden")).await;
        // Who is busy is not asked for more.
        check(AskAgain, (429, 429), &once, &unknown("429 Too Many Requests")).await;
        check(AskAgain, (408, 408), &once, &unknown("408 Request Timeout")).await;
        check(AskAgain, (503, 503), &once, &unknown("503 Service Unavailable")).await;
    }

    #[tokio::test]
    async fn what_is_not_a_failed_head_is_asked_once() {
        let policy = HeadFailures::AskAgain;
        let accepting = Request::builder()
            .method("HEAD")
            .extension(Accepted(&[StatusCode::NOT_FOUND]));
        let (asked, result) = fail(policy, (404, 404), DENIED, accepting).await;
        assert!(result.is_ok());
        assert_eq!(asked, [Method::HEAD]);
        let (asked, result) = fail(policy, (404, 404), DENIED, Request::builder().method("GET")).await;
        assert!(result.is_err());
        assert_eq!(asked, [Method::GET]);
    }

    #[tokio::test]
    async fn no_more_is_read_than_of_any_error() {
        let long: &'static str = "x".repeat(BODY_LIMIT + 1).leak();
        let head = Request::builder().method("HEAD");
        let (_, result) = fail(HeadFailures::AskAgain, (404, 404), long, head).await;
        let error = result.expect_err("refused");
        assert_eq!((error.body.len(), error.truncated), (BODY_LIMIT, true));
    }
}
