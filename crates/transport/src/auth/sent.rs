//! What a request is sent with.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderValue, Request};
use wharf_authn::CredentialId;

use crate::{Body, Scope};

use super::Shown;
use super::cache::Token;

/// What was sent as authorization.
pub(super) enum Sent {
    Nothing,
    Basic {
        header: HeaderValue,
        credential: CredentialId,
    },
    Token {
        token: Arc<Token>,
        /// The one that it was exchanged for; none if it was put in.
        credential: Option<CredentialId>,
    },
}

impl Sent {
    fn header(&self) -> Option<&HeaderValue> {
        match self {
            Self::Nothing => None,
            Self::Basic { header, .. } => Some(header),
            Self::Token { token, .. } => Some(&token.header),
        }
    }

    pub(super) fn token(&self) -> Option<&Token> {
        match self {
            Self::Token { token, .. } => Some(token),
            _ => None,
        }
    }

    /// What is refused when this is.
    pub(super) fn credential(&self) -> Option<CredentialId> {
        match self {
            Self::Nothing => None,
            Self::Basic { credential, .. } => Some(*credential),
            Self::Token { credential, .. } => *credential,
        }
    }

    /// What a token that was sent was asked for.
    pub(super) fn scopes(&self) -> &[Scope] {
        self.token().map_or(&[], |token| &token.scopes)
    }

    /// Whether there is something to show that has not been seen.
    pub(super) fn adds_to(&self, last: &Self) -> bool {
        self.header().is_some() && self.header() != last.header()
    }

    /// A request that shows it.
    pub(super) fn request(&self, parts: &Parts, body: &Body) -> Request<Body> {
        let mut request = Request::from_parts(parts.clone(), body.resend());
        if let Some(header) = self.header() {
            request.headers_mut().insert(AUTHORIZATION, header.clone());
        }
        request
    }
}

impl From<&Sent> for Shown {
    fn from(sent: &Sent) -> Self {
        match sent {
            Sent::Nothing => Self::Nothing,
            Sent::Basic { .. } => Self::Basic,
            Sent::Token { token, .. } => Self::Token {
                asked: token.scopes.clone(),
                granted: token.granted(),
            },
        }
    }
}
