//! Several keychains as one.

use std::sync::Arc;

use futures_core::future::BoxFuture;

use crate::keychain::anonymous;
use crate::{Authenticator, Error, Explanation, Finding, Keychain, Resource};

/// Keychains that are asked one after the other.
///
/// # Contract
///
/// Answers what the first keychain answers that has something for the resource. What the failure of one
/// means was said when it was added: [`OnFailure`].
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
    keychains: Vec<(Arc<dyn Keychain>, OnFailure)>,
}

/// What it means that a keychain fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnFailure {
    /// The search ends with the failure: what could not be read may be what was meant, and going on could
    /// show the registry another identity. The default, as in Go.
    #[default]
    Stop,
    /// The search goes on, with a warning, and ends with the failure only if nothing else is found: for
    /// what happens to be around and need not concern the resource.
    Continue,
}

impl MultiKeychain {
    /// Adds a keychain, to be asked after those that are here, whose failure ends the search; also takes an
    /// `Arc<dyn Keychain>`.
    #[must_use]
    pub fn with(self, keychain: impl Keychain) -> Self {
        self.with_policy(keychain, OnFailure::default())
    }

    /// Adds a keychain, to be asked after those that are here.
    #[must_use]
    pub fn with_policy(mut self, keychain: impl Keychain, on_failure: OnFailure) -> Self {
        self.keychains.push((Arc::new(keychain), on_failure));
        self
    }
}

/// Their failures end the search.
impl FromIterator<Arc<dyn Keychain>> for MultiKeychain {
    fn from_iter<T: IntoIterator<Item = Arc<dyn Keychain>>>(keychains: T) -> Self {
        let with_default = |keychain| (keychain, OnFailure::default());
        Self {
            keychains: keychains.into_iter().map(with_default).collect(),
        }
    }
}

impl Keychain for MultiKeychain {
    fn resolve<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Result<Arc<dyn Authenticator>, Error>> {
        Box::pin(async move {
            let mut failure = None;
            for (keychain, on_failure) in &self.keychains {
                match (keychain.resolve(resource).await, on_failure) {
                    (Ok(found), _) if found.is_anonymous() => {}
                    (Ok(found), _) => return Ok(found),
                    (Err(error), OnFailure::Stop) => return Err(failure.unwrap_or(error)),
                    (Err(error), OnFailure::Continue) => {
                        tracing::warn!(error = %error, cause = ?error, "keychain failed, asking the next one");
                        failure = failure.or(Some(error));
                    }
                }
            }
            failure.map_or_else(|| Ok(anonymous()), Err)
        })
    }

    fn explain<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Explanation> {
        Box::pin(async move {
            let mut all = Explanation::default();
            let mut is_over = false;
            for (i, (keychain, on_failure)) in self.keychains.iter().enumerate() {
                if is_over {
                    all = all.with(format!("keychain {}", i + 1), Finding::NotAsked);
                    continue;
                }
                let explained = keychain.explain(resource).await;
                let has_failed = explained.failure().is_some() && *on_failure == OnFailure::Stop;
                is_over = explained.used().is_some() || has_failed;
                all.append(explained);
            }
            all
        })
    }
}
