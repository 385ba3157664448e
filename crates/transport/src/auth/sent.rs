//! What requests are sent with.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use wharf_authn::CredentialId;

use crate::Body;
use crate::context::ChallengeError;

use super::cache::Token;
use super::refusal::is_refusal;
use super::{Challenge, Shown};

/// What was sent as authorization.
pub(super) enum Sent {
    Nothing,
    Basic(HeaderValue, CredentialId),
    Token(Arc<Token>),
}

impl Sent {
    pub(super) fn header(&self) -> Option<&HeaderValue> {
        match self {
            Self::Nothing => None,
            Self::Basic(header, _) => Some(header),
            Self::Token(token) => Some(&token.header),
        }
    }

    /// The credential that it shows, or was made for. A token that was put in was made for none.
    pub(super) fn credential(&self) -> Option<CredentialId> {
        match self {
            Self::Nothing => None,
            Self::Basic(_, credential) => Some(*credential),
            Self::Token(token) => token.credential,
        }
    }

    /// Whether there is something to show that has not been seen.
    pub(super) fn adds_to(&self, last: &Self) -> bool {
        self.header().is_some() && self.header() != last.header()
    }
}

/// A request with it.
pub(super) fn with_header(parts: &Parts, body: &Body, shown: &Sent) -> Request<Body> {
    let mut request = Request::from_parts(parts.clone(), body.resend());
    if let Some(header) = shown.header() {
        request.headers_mut().insert(AUTHORIZATION, header.clone());
    }
    request
}

/// Notes on a refusal what the registry says is wrong, and what was shown to it.
pub(super) fn annotated(mut response: Response<Body>, sent: &Sent) -> Response<Body> {
    if !is_refusal(response.status()) {
        return response;
    }
    let error = Challenge::of(response.headers())
        .iter()
        .find_map(Challenge::error);
    if let Some(error) = error {
        response.extensions_mut().insert(ChallengeError(error));
    }
    response.extensions_mut().insert(match sent {
        Sent::Nothing => Shown::Nothing,
        Sent::Basic(..) => Shown::Basic,
        Sent::Token(token) => Shown::Token {
            asked: token.scopes.clone(),
            granted: token.granted(),
        },
    });
    response
}
