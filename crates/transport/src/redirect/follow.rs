use http::{Method, StatusCode};

/// What is sent to the target of a redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// Nothing: the status is no redirect.
    Nothing,
    /// The same method, with the same body if there was one.
    Same,
    /// Another method, without a body.
    Bodiless(Method),
}

/// What a redirect makes of a request
/// ([RFC 9110, section 15.4](https://www.rfc-editor.org/rfc/rfc9110#section-15.4)).
///
/// | status | POST | HEAD | other methods |
/// |---|---|---|---|
/// | 301, 302 | GET | same | same |
/// | 303 | GET | same | GET |
/// | 307, 308 | same | same | same |
///
/// A PUT that becomes a GET by a 301, as in some clients, would look like an upload that worked.
#[must_use]
pub fn follow(method: &Method, status: StatusCode) -> Next {
    match (status, method) {
        (StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND, &Method::POST) => Next::Bodiless(Method::GET),
        (StatusCode::SEE_OTHER, &Method::GET | &Method::HEAD) => Next::Same,
        (StatusCode::SEE_OTHER, _) => Next::Bodiless(Method::GET),
        (
            StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT,
            _,
        ) => Next::Same,
        _ => Next::Nothing,
    }
}
