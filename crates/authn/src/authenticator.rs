//! The answer of a keychain.

use std::fmt::Debug;
use std::sync::Arc;

use futures_core::future::BoxFuture;

use crate::{Credential, CredentialId, Error};

/// Hands out a credential each time one is needed, so that it can be short-lived.
///
/// # Contract
///
/// - `credential` is asked before each exchange with a token server, and before each request where no
///   token is used. It may be asked from many tasks at once. What is dear to make is cached inside.
/// - Each answer is good at the time it is given. An authenticator does not hand out what it knows to have
///   expired; it renews it, or fails.
/// - A failure fails the request: "no credential" is [`Credential::Anonymous`] and never an error.
/// - It knows nothing of requests. Where a credential may be sent is decided by who sends it, who must not
///   show it to any but the registry that the keychain was asked about, and its token server.
/// - Dropping the future stops the work; the next call starts it anew.
/// - [`Debug`] shows no secret.
///
/// ```
/// use futures_core::future::BoxFuture;
/// use wharf_authn::{Authenticator, Credential, Error};
///
/// /// Mints a token for each exchange.
/// #[derive(Debug)]
/// struct Minted;
///
/// impl Authenticator for Minted {
///     fn credential(&self) -> BoxFuture<'_, Result<Credential, Error>> {
///         Box::pin(async { Ok(Credential::identity_token(mint().await?)) })
///     }
/// }
///
/// async fn mint() -> Result<String, Error> {
///     std::fs::read_to_string("/nowhere/token").map_err(Error::other)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert!(Minted.credential().await.is_err());
/// # }
/// ```
pub trait Authenticator: Debug + Send + Sync + 'static {
    /// The credential to use now.
    ///
    /// # Errors
    ///
    /// If there should be a credential but it cannot be had.
    fn credential(&self) -> BoxFuture<'_, Result<Credential, Error>>;

    /// Told that the registry, or its token server, did not take `credential`. Says whether
    /// [`credential`](Self::credential) may now answer another one: a renewed one, or the next of several.
    ///
    /// Who asks again compares what it gets with what was refused, and gives up when it knows it already.
    /// Refusals are told as they come, from many tasks; the answer is "no" for a credential that was not
    /// given by this authenticator, and does not stay "yes" for ever.
    ///
    /// Default: no.
    fn rejected(&self, credential: &CredentialId) -> bool {
        let _ = credential;
        false
    }

    /// Whether the answer is and stays [`Credential::Anonymous`]: the keychain has nothing for the
    /// resource, and another one may be asked.
    ///
    /// Default: no.
    fn is_anonymous(&self) -> bool {
        false
    }
}

const _: fn(&dyn Authenticator) = |_| {}; // stays usable as `dyn`

#[deny(clippy::missing_trait_methods)]
impl<T: Authenticator + ?Sized> Authenticator for Arc<T> {
    fn credential(&self) -> BoxFuture<'_, Result<Credential, Error>> {
        (**self).credential()
    }

    fn rejected(&self, credential: &CredentialId) -> bool {
        (**self).rejected(credential)
    }

    fn is_anonymous(&self) -> bool {
        (**self).is_anonymous()
    }
}

#[deny(clippy::missing_trait_methods)]
impl<T: Authenticator + ?Sized> Authenticator for Box<T> {
    fn credential(&self) -> BoxFuture<'_, Result<Credential, Error>> {
        (**self).credential()
    }

    fn rejected(&self, credential: &CredentialId) -> bool {
        (**self).rejected(credential)
    }

    fn is_anonymous(&self) -> bool {
        (**self).is_anonymous()
    }
}
