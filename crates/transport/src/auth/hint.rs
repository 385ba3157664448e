//! What people can do about a refusal.

use wharf_authn::Explanation;

use crate::error::printable;
use crate::{Error, RegistryError, Scope};

use super::{AuthError, Shown};

impl Error {
    /// For people, one line on a request that was refused for want of the right credentials: what a token was asked for
    /// and grants, where it can be read, and what the usual causes are. `None` for all other errors. The error's own text
    /// says which credential was used. No secret is in it.
    ///
    /// ```
    /// # use wharf_transport::{Error, RegistryError};
    /// # let url: http::Uri = "https://registry.example/v2/app/manifests/v1".parse()?;
    /// let refused = RegistryError::new(http::Method::GET, &url, http::StatusCode::UNAUTHORIZED);
    /// assert_eq!(
    ///     Error::Registry(Box::new(refused)).hint().as_deref(),
    ///     Some("the registry may want a login, or there is no such repository"),
    /// );
    /// # Ok::<(), http::uri::InvalidUri>(())
    /// ```
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Auth(error) if error.failure.refuses_credential() => Some(of_token_server(error)),
            Self::Registry(error) if error.is_unauthorized() || error.is_denied() => Some(of_registry(error)),
            Self::NoScheme { http, .. } => http.hint(),
            _ => None,
        }
    }
}

const NO_CREDENTIALS: &str = "the registry may want a login, or there is no such repository";
const BAD_CREDENTIALS: &str = "the credentials may be wrong, have expired, or be for another registry";
const NOT_ALLOWED: &str = "the user may not be allowed to do this, or there is no such repository";

fn of_token_server(error: &AuthError) -> String {
    // What was asked for is in the error's own text.
    match has_credentials(error.credentials.as_ref()) {
        true => BAD_CREDENTIALS.to_owned(),
        false => NO_CREDENTIALS.to_owned(),
    }
}

fn of_registry(error: &RegistryError) -> String {
    let is_known = has_credentials(error.credentials.as_ref());
    let cause = match &error.shown {
        Some(Shown::Basic) if error.is_unauthorized() => BAD_CREDENTIALS,
        _ if is_known => NOT_ALLOWED,
        _ => NO_CREDENTIALS,
    };
    let Some(Shown::Token { asked, granted }) = &error.shown else {
        return cause.to_owned();
    };
    let granted = match granted.as_deref() {
        None => String::new(),
        Some([]) => ", the token grants nothing".to_owned(),
        Some(granted) => format!(", the token grants {}", list(granted)),
    };
    printable(&format!("asked for {}{granted}: {cause}", list(asked)))
}

fn has_credentials(credentials: Option<&Explanation>) -> bool {
    credentials.and_then(Explanation::used).is_some()
}

fn list(scopes: &[Scope]) -> String {
    let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
    scopes.join(" ")
}
