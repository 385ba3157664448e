//! Why there are no credentials or no token.

use std::sync::Arc;

use http::StatusCode;
use wharf_authn::Explanation;

use crate::origin::Origin;
use crate::{Error, RegistryError, Scope};

/// No credentials or no token for a registry.
#[derive(Clone, Debug, thiserror::Error)]
#[error("authenticating to {registry}{}{}", asked_for(.scopes), looked_for(.credentials.as_ref()))]
#[non_exhaustive]
pub struct AuthError {
    /// The registry that asked for authentication.
    pub registry: Origin,
    /// What a token was asked for.
    pub scopes: Vec<Scope>,
    /// What failed.
    #[source]
    pub failure: AuthFailure,
    /// Where credentials were looked for, if the token server refused.
    pub credentials: Option<Explanation>,
}

/// What failed in getting credentials or a token. Several requests may wait for one token, so it can be cloned.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthFailure {
    /// The keychain could not say what the credentials are.
    #[error("looking up credentials")]
    Credentials(#[source] Arc<wharf_authn::Error>),
    /// The registry's challenge names no token server.
    #[error("malformed www-authenticate, missing realm")]
    MissingRealm,
    /// The registry wants Basic authentication, but the stored credential is an identity token, which only token
    /// servers take.
    #[error("the registry takes user and password only, but the stored credential is an identity token")]
    IdentityTokenForBasic,
    /// The token server is not one that credentials may be sent to, or it could not be reached, or refused.
    #[error("asking for a token")]
    Exchange(#[source] Arc<Error>),
    /// The token server's answer is not JSON of the specification. It is not shown, since it may hold a token.
    #[error("the token server's answer cannot be read: {0}")]
    MalformedToken(&'static str),
}

impl AuthError {
    /// The token server's answer, if it refused.
    #[must_use]
    pub fn registry_error(&self) -> Option<&RegistryError> {
        match &self.failure {
            AuthFailure::Exchange(error) => error.registry_error(),
            _ => None,
        }
    }

    /// Whether the same request may work a little later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(&self.failure, AuthFailure::Exchange(error) if error.is_temporary())
    }

    /// Whether the token server says that credentials are missing or wrong.
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        matches!(&self.failure, AuthFailure::Exchange(error) if error.is_unauthorized())
    }
}

impl AuthFailure {
    pub(super) const NOT_A_HEADER: Self =
        Self::MalformedToken("the token has characters that no header can have");

    /// Whether the token server does not take the credential. Some say so with a `403`.
    pub(super) fn refuses_credential(&self) -> bool {
        self.status() == Some(StatusCode::FORBIDDEN) || self.refuses_grant()
    }

    /// Whether what was exchanged is not valid, or not any more
    /// ([RFC 6749, section 5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2)).
    pub(super) fn refuses_grant(&self) -> bool {
        let is_invalid =
            |answer: &RegistryError| answer.body.windows(13).any(|word| word == b"invalid_grant");
        match (self, self.status()) {
            (_, Some(StatusCode::UNAUTHORIZED)) => true,
            (Self::Exchange(error), Some(StatusCode::BAD_REQUEST)) => {
                error.registry_error().is_some_and(is_invalid)
            }
            _ => false,
        }
    }

    /// Whether less may be granted where all of it was refused.
    pub(super) fn may_be_for_a_part(&self) -> bool {
        matches!(
            self.status(),
            Some(StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
        )
    }

    fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Exchange(error) => error.status(),
            _ => None,
        }
    }
}

/// Which credentials there are, for the message about a refusal.
pub(crate) fn looked_for(credentials: Option<&Explanation>) -> String {
    match credentials.map(Explanation::used) {
        Some(Some(step)) => format!(" (credentials from {step})"),
        Some(None) => " (there are no credentials for it)".to_owned(),
        None => String::new(),
    }
}

fn asked_for(scopes: &[Scope]) -> String {
    if scopes.is_empty() {
        return String::new();
    }
    let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
    format!(" for {}", scopes.join(" "))
}
