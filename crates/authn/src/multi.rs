//! Several keychains as one.

use std::sync::Arc;

use futures_core::future::BoxFuture;

use crate::keychain::anonymous;
use crate::{Authenticator, Error, Keychain, Resource};

/// Keychains that are asked one after the other.
///
/// # Contract
///
/// Answers what the first keychain answers that has something for the resource. A failure ends the search
/// and is the answer: what a keychain could not read may be what was meant, and going on could show the
/// registry another identity.
///
/// ```
/// use wharf_authn::{Authenticator, Basic, Bearer, Credential, Keychain, MultiKeychain, Resource, StaticKeychain};
/// use wharf_name::Registry;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry: Registry = "registry.example.com".parse()?;
/// let keychain = MultiKeychain::default()
///     .with(StaticKeychain::new("other.example.com".parse()?, Basic::new("alice", "wonderland")))
///     .with(StaticKeychain::new(registry.clone(), Bearer::new("first")))
///     .with(StaticKeychain::new(registry.clone(), Bearer::new("second")));
/// let found = keychain.resolve(&Resource::new(registry)).await?;
/// assert_eq!(found.credential().await?, Credential::registry_token("first"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct MultiKeychain {
    keychains: Vec<Arc<dyn Keychain>>,
}

impl MultiKeychain {
    /// Adds a keychain, to be asked after those that are here; also takes an `Arc<dyn Keychain>`.
    #[must_use]
    pub fn with(mut self, keychain: impl Keychain) -> Self {
        self.keychains.push(Arc::new(keychain));
        self
    }
}

impl FromIterator<Arc<dyn Keychain>> for MultiKeychain {
    fn from_iter<T: IntoIterator<Item = Arc<dyn Keychain>>>(keychains: T) -> Self {
        Self {
            keychains: keychains.into_iter().collect(),
        }
    }
}

impl Keychain for MultiKeychain {
    fn resolve<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Result<Arc<dyn Authenticator>, Error>> {
        Box::pin(async move {
            for keychain in &self.keychains {
                let found = keychain.resolve(resource).await?;
                if !found.is_anonymous() {
                    return Ok(found);
                }
            }
            Ok(anonymous())
        })
    }
}
