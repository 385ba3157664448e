//! Credentials in environment variables.

use std::ffi::OsString;
use std::fmt;
use std::future::ready;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use wharf_name::Registry;

use crate::keychain::{anonymous, is_same};
use crate::{Absence, Authenticator, Credential, Error, Explanation, Finding, Found, Keychain, Resource};
use crate::{Secret, VariableFault, env};

/// Credentials for one registry that are in environment variables, as CI systems provide them.
///
/// # Contract
///
/// Answers for every repository of exactly its registry, port included; the names of Docker Hub count as
/// one registry. The variables are read each time. Unset and empty are the same; if one of a pair is set
/// and the other is not, that is a failure, and so is what is not UTF-8.
///
/// ```
/// use wharf_authn::{Authenticator, Credential, EnvironmentKeychain, Keychain, Resource};
/// use wharf_name::Registry;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry: Registry = "registry.gitlab.com".parse()?;
/// let keychain = EnvironmentKeychain::basic(registry.clone(), "CI_REGISTRY_USER", "CI_REGISTRY_PASSWORD")
/// #   .with_lookup(|name| Some(if name == "CI_REGISTRY_USER" { "ci" } else { "s" }.into()));
/// # let found = keychain.resolve(&Resource::new(registry)).await?.credential().await?;
/// # assert_eq!(found, Credential::basic("ci", "s"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct EnvironmentKeychain {
    registry: Registry,
    names: Names,
    lookup: Arc<Lookup>,
}

type Lookup = dyn Fn(&str) -> Option<OsString> + Send + Sync;

#[derive(Clone, Debug)]
enum Names {
    Basic { username: String, password: String },
    IdentityToken(String),
    RegistryToken(String),
}

impl EnvironmentKeychain {
    /// The user and the password are in the variables of these names.
    pub fn basic(registry: Registry, username: impl Into<String>, password: impl Into<String>) -> Self {
        let (username, password) = (username.into(), password.into());
        Self::of(registry, Names::Basic { username, password })
    }

    /// An OAuth2 refresh token is in the variable of this name.
    pub fn identity_token(registry: Registry, token: impl Into<String>) -> Self {
        Self::of(registry, Names::IdentityToken(token.into()))
    }

    /// A token for the registry itself is in the variable of this name.
    pub fn registry_token(registry: Registry, token: impl Into<String>) -> Self {
        Self::of(registry, Names::RegistryToken(token.into()))
    }

    /// Asks `lookup` for the variables. Default: the environment of this process.
    #[must_use]
    pub fn with_lookup(mut self, lookup: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static) -> Self {
        self.lookup = Arc::new(lookup);
        self
    }

    fn of(registry: Registry, names: Names) -> Self {
        Self {
            registry,
            names,
            lookup: Arc::new(env::variable),
        }
    }

    fn read(&self) -> Result<Credential, Error> {
        Ok(match &self.names {
            Names::Basic { username, password } => {
                match (self.variable(username)?, self.variable(password)?) {
                    (Some(username), Some(password)) => Credential::Basic {
                        username: username.expose().to_owned(),
                        password,
                    },
                    (None, None) => Credential::Anonymous,
                    (Some(_), None) => return Err(Error::variable(password, VariableFault::NotSet)),
                    (None, Some(_)) => return Err(Error::variable(username, VariableFault::NotSet)),
                }
            }
            Names::IdentityToken(token) => self
                .variable(token)?
                .map_or(Credential::Anonymous, Credential::identity_token),
            Names::RegistryToken(token) => self
                .variable(token)?
                .map_or(Credential::Anonymous, Credential::registry_token),
        })
    }

    fn variable(&self, name: &str) -> Result<Option<Secret>, Error> {
        let value = (self.lookup)(name).filter(|value| !value.is_empty());
        let text = value.map(OsString::into_string).transpose();
        // What is not UTF-8 is dropped unseen.
        let text = text.map_err(|_| Error::variable(name, VariableFault::NotUtf8))?;
        Ok(text.map(Secret::from))
    }
}

impl Keychain for EnvironmentKeychain {
    fn resolve<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Result<Arc<dyn Authenticator>, Error>> {
        Box::pin(ready(if is_same(&self.registry, resource.registry()) {
            self.read().map(|found| Arc::new(found) as Arc<dyn Authenticator>)
        } else {
            Ok(anonymous())
        }))
    }

    fn explain<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Explanation> {
        let finding = if is_same(&self.registry, resource.registry()) {
            match self.read() {
                Ok(Credential::Anonymous) => Finding::Nothing(Absence::NotSet),
                Ok(credential) => Finding::used(Found::Itself, &credential),
                Err(error) => Finding::Failed(error),
            }
        } else {
            Finding::Nothing(Absence::NotConcerned)
        };
        Box::pin(ready(
            Explanation::default().with(self.names.to_string(), finding),
        ))
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Basic { username, password } => {
                write!(f, "environment variables {username} and {password}")
            }
            Self::IdentityToken(token) | Self::RegistryToken(token) => {
                write!(f, "environment variable {token}")
            }
        }
    }
}

impl fmt::Debug for EnvironmentKeychain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvironmentKeychain")
            .field("registry", &self.registry)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}
