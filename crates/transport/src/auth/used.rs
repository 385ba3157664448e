//! What a request was sent with, for those who want to know.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use wharf_authn::Secret;

use crate::Scope;

use super::cache::Token;
use super::sent::Sent;

/// On a response: the credentials that the request was sent with. On one to a request that got none there is no such
/// extension.
///
/// Other programs may need the token that a registry wants:
///
/// ```no_run
/// use http::Request;
/// use wharf_name::Repository;
/// use wharf_transport::auth::Used;
/// use wharf_transport::{Actions, Body, RegistryContext, Scope, Transport};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let repository: Repository = "ghcr.io/org/app".parse()?;
/// let transport = Transport::builder().build()?;
/// let context = RegistryContext::of(&repository).with_scope(Scope::repository(&repository, Actions::Pull));
/// let request = Request::get(transport.url(repository.registry(), "/v2/")?)
///     .extension(context)
///     .body(Body::empty())?;
/// let response = transport.send(request).await?;
/// if let Some(Used::Token(token)) = response.extensions().get() {
///     println!("Authorization: Bearer {}", token.secret().expose());
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Used {
    /// User and password.
    Basic,
    /// A token.
    Token(UsedToken),
}

impl Used {
    pub(super) fn of(sent: &Sent) -> Option<Self> {
        match sent {
            Sent::Nothing => None,
            Sent::Basic { .. } => Some(Self::Basic),
            Sent::Token { token, .. } => Some(Self::Token(UsedToken(Arc::clone(token)))),
        }
    }
}

/// A token that a registry was shown.
#[derive(Clone, Debug)]
pub struct UsedToken(Arc<Token>);

impl UsedToken {
    /// The token itself.
    #[must_use]
    pub fn secret(&self) -> Secret {
        let header = self.0.header.to_str().unwrap_or_default();
        Secret::from(header.strip_prefix("Bearer ").unwrap_or_default())
    }

    /// What it was asked for.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.0.scopes
    }

    /// How long it is good for from now on, as far as its server said; 60 s if it did not.
    #[must_use]
    pub fn expires_in(&self) -> Duration {
        self.0.expires.saturating_duration_since(Instant::now())
    }
}
