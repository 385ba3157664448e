//! Authenticators whose answer is known beforehand.

use std::future::ready;

use futures_core::future::BoxFuture;

use crate::{Authenticator, Credential, Error, Secret};

/// No credential.
///
/// # Contract
///
/// Answers [`Credential::Anonymous`], always, and says so in `is_anonymous`.
///
/// ```
/// use wharf_authn::{Anonymous, Authenticator};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), wharf_authn::Error> {
/// assert!(Anonymous.credential().await?.is_anonymous());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to know about nobody")]
pub struct Anonymous;

impl Authenticator for Anonymous {
    fn credential(&self) -> BoxFuture<'_, Result<Credential, Error>> {
        Box::pin(ready(Ok(Credential::Anonymous)))
    }

    fn is_anonymous(&self) -> bool {
        true
    }
}

/// A user and a password.
///
/// # Contract
///
/// Answers the same [`Credential::Basic`], always.
///
/// ```
/// use wharf_authn::{Authenticator, Basic, Credential};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), wharf_authn::Error> {
/// let alice = Basic::new("alice", "wonderland");
/// assert_eq!(alice.credential().await?, Credential::basic("alice", "wonderland"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basic {
    username: String,
    password: Secret,
}

impl Basic {
    /// A user and a password.
    pub fn new(username: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self {
            username: username.into(),
            password: password.into(),
        }
    }
}

impl Authenticator for Basic {
    fn credential(&self) -> BoxFuture<'_, Result<Credential, Error>> {
        Box::pin(ready(Ok(Credential::basic(
            self.username.clone(),
            self.password.clone(),
        ))))
    }
}

/// A token that the registry takes as it is.
///
/// # Contract
///
/// Answers the same [`Credential::RegistryToken`], always.
///
/// ```
/// use wharf_authn::{Authenticator, Bearer, Credential};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), wharf_authn::Error> {
/// assert_eq!(Bearer::new("t0ken").credential().await?, Credential::registry_token("t0ken"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    token: Secret,
}

impl Bearer {
    /// A token for the registry itself.
    pub fn new(token: impl Into<Secret>) -> Self {
        Self { token: token.into() }
    }
}

impl Authenticator for Bearer {
    fn credential(&self) -> BoxFuture<'_, Result<Credential, Error>> {
        Box::pin(ready(Ok(Credential::registry_token(self.token.clone()))))
    }
}

/// A credential is its own authenticator: it answers itself, always.
impl Authenticator for Credential {
    fn credential(&self) -> BoxFuture<'_, Result<Credential, Error>> {
        Box::pin(ready(Ok(self.clone())))
    }

    fn is_anonymous(&self) -> bool {
        Self::is_anonymous(self)
    }
}
