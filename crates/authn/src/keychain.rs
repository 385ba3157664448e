//! Who knows the credentials.

use std::fmt::Debug;
use std::future::ready;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use wharf_name::Registry;

use crate::{Anonymous, Authenticator, Error, Explanation, Resource};

/// Finds the credentials for a resource.
///
/// # Contract
///
/// - The answer is for the resource that was asked about and nothing else: a keychain never answers with
///   the credentials of a sibling, a parent domain, or whatever else looks alike.
/// - Nothing found is an [anonymous](Authenticator::is_anonymous) authenticator and not an error. An error
///   says that there may be credentials which could not be read; nobody should go on without them.
/// - It may be asked often and from many tasks at once, and notices changes of what it reads (files) in
///   reasonable time. What is dear to find is cached inside.
/// - Dropping the future stops the work.
/// - [`Debug`] shows no secret.
///
/// ```
/// use std::sync::Arc;
/// use futures_core::future::BoxFuture;
/// use wharf_authn::{Anonymous, Authenticator, Bearer, Error, Keychain, Resource};
///
/// /// One token for all repositories of a team.
/// #[derive(Debug)]
/// struct Team;
///
/// impl Keychain for Team {
///     fn resolve<'a>(
///         &'a self,
///         resource: &'a Resource,
///     ) -> BoxFuture<'a, Result<Arc<dyn Authenticator>, Error>> {
///         let ours = resource.registry().as_str() == "registry.example.com"
///             && resource.path().is_some_and(|path| path.starts_with("team/"));
///         let found: Arc<dyn Authenticator> =
///             if ours { Arc::new(Bearer::new("t0ken")) } else { Arc::new(Anonymous) };
///         Box::pin(async { Ok(found) })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let repository: wharf_name::Repository = "registry.example.com/other/app".parse()?;
/// assert!(Team.resolve(&Resource::from(&repository)).await?.is_anonymous());
/// # Ok(())
/// # }
/// ```
pub trait Keychain: Debug + Send + Sync + 'static {
    /// Finds the credentials for `resource`.
    ///
    /// # Errors
    ///
    /// If credentials may exist but cannot be read.
    fn resolve<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Result<Arc<dyn Authenticator>, Error>>;

    /// Does what [`resolve`](Self::resolve) does, and tells what was looked at and why it was used or not,
    /// for people: no secret is in it.
    ///
    /// Default: the outcome alone, under the name of the type.
    fn explain<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Explanation> {
        Box::pin(async move {
            let name = std::any::type_name::<Self>();
            let name = name.rsplit("::").next().unwrap_or(name);
            Explanation::of_outcome(name, self.resolve(resource).await).await
        })
    }
}

const _: fn(&dyn Keychain) = |_| {}; // stays usable as `dyn`

#[deny(clippy::missing_trait_methods)]
impl<T: Keychain + ?Sized> Keychain for Arc<T> {
    fn resolve<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Result<Arc<dyn Authenticator>, Error>> {
        (**self).resolve(resource)
    }

    fn explain<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Explanation> {
        (**self).explain(resource)
    }
}

#[deny(clippy::missing_trait_methods)]
impl<T: Keychain + ?Sized> Keychain for Box<T> {
    fn resolve<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Result<Arc<dyn Authenticator>, Error>> {
        (**self).resolve(resource)
    }

    fn explain<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Explanation> {
        (**self).explain(resource)
    }
}

/// No credentials for anything: the choice where references come from strangers.
///
/// # Contract
///
/// Answers with an anonymous authenticator, always, and reads nothing.
///
/// ```
/// use wharf_authn::{AnonymousKeychain, Authenticator, Keychain, Resource};
/// use wharf_name::Registry;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), wharf_authn::Error> {
/// let resource = Resource::new(Registry::docker_hub());
/// assert!(AnonymousKeychain.resolve(&resource).await?.is_anonymous());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to know about nobody")]
pub struct AnonymousKeychain;

impl Keychain for AnonymousKeychain {
    fn resolve<'a>(
        &'a self,
        _resource: &'a Resource,
    ) -> BoxFuture<'a, Result<Arc<dyn Authenticator>, Error>> {
        Box::pin(ready(Ok(anonymous())))
    }
}

/// One authenticator for one registry.
///
/// # Contract
///
/// Answers with its authenticator for every repository of exactly its registry, port included, and with an
/// anonymous one for all others. The names of Docker Hub count as one registry.
///
/// ```
/// use wharf_authn::{Authenticator, Bearer, Keychain, Resource, StaticKeychain};
/// use wharf_name::Registry;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let keychain = StaticKeychain::new("localhost:5000".parse()?, Bearer::new("t0ken"));
/// let ask = async |registry: &str| -> Result<_, Box<dyn std::error::Error>> {
///     Ok(keychain.resolve(&Resource::new(registry.parse::<Registry>()?)).await?.is_anonymous())
/// };
/// assert!(!ask("localhost:5000").await?);
/// assert!(ask("localhost:5001").await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct StaticKeychain {
    registry: Registry,
    authenticator: Arc<dyn Authenticator>,
}

impl StaticKeychain {
    /// `authenticator` for `registry`; also takes an `Arc<dyn Authenticator>`.
    pub fn new(registry: Registry, authenticator: impl Authenticator) -> Self {
        Self {
            registry,
            authenticator: Arc::new(authenticator),
        }
    }
}

impl Keychain for StaticKeychain {
    fn resolve<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Result<Arc<dyn Authenticator>, Error>> {
        let found = if is_same(&self.registry, resource.registry()) {
            Arc::clone(&self.authenticator)
        } else {
            anonymous()
        };
        Box::pin(ready(Ok(found)))
    }
}

/// What a keychain answers when it has nothing.
pub(crate) fn anonymous() -> Arc<dyn Authenticator> {
    Arc::new(Anonymous)
}

/// Whether credentials for the one are good for the other: the names of Docker Hub are one.
pub(crate) fn is_same(a: &Registry, b: &Registry) -> bool {
    a == b || a.is_docker_hub() && b.is_docker_hub()
}
