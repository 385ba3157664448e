//! The token of a GitHub workflow.

use std::future::ready;
use std::sync::Arc;

use futures_core::future::BoxFuture;

use crate::keychain::anonymous;
use crate::{Absence, Authenticator, Environment, Error, Explanation, Finding, Found, Keychain};
use crate::{Credential, Resource};

/// The user, where `GITHUB_ACTOR` does not name one. GitHub wants some name and ignores it.
const NOBODY: &str = "unset";

/// The token that GitHub gives to workflows, for its own registry.
///
/// # Contract
///
/// Answers `GITHUB_TOKEN` as password of `GITHUB_ACTOR` (`unset` where that is not set) for `ghcr.io` on its
/// own port, and an anonymous authenticator for all others and where there is no token. The variables are
/// read when the keychain is made.
///
/// Go's takes any port of `ghcr.io` for GitHub's.
///
/// ```
/// use wharf_authn::{Authenticator, Credential, Environment, GithubKeychain, Keychain, Resource};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // In a program: GithubKeychain::from_env().
/// let environment = Environment::from_lookup(|name| (name == "GITHUB_TOKEN").then(|| "t0ken".into()));
/// let keychain = GithubKeychain::new(&environment);
/// let found = keychain.resolve(&Resource::new("ghcr.io".parse()?)).await?.credential().await?;
/// assert_eq!(found, Credential::basic("unset", "t0ken"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct GithubKeychain {
    found: Option<Credential>,
}

impl GithubKeychain {
    /// The keychain of this process, from its environment.
    pub fn from_env() -> Self {
        Self::new(&Environment::from_process())
    }

    /// The keychain that `environment` describes.
    pub fn new(environment: &Environment) -> Self {
        let user = environment.github_actor().unwrap_or(NOBODY);
        let token = environment.github_token();
        Self {
            found: token.map(|token| Credential::basic(user, token.clone())),
        }
    }
}

impl Keychain for GithubKeychain {
    fn resolve<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Result<Arc<dyn Authenticator>, Error>> {
        Box::pin(ready(Ok(match &self.found {
            Some(found) if is_github(resource) => Arc::new(found.clone()),
            _ => anonymous(),
        })))
    }

    fn explain<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Explanation> {
        let finding = match &self.found {
            Some(found) if is_github(resource) => Finding::used(Found::Itself, found),
            Some(_) => Finding::Nothing(Absence::NotConcerned),
            None => Finding::Nothing(Absence::NotSet),
        };
        let source = "environment variable GITHUB_TOKEN";
        Box::pin(ready(Explanation::default().with(source, finding)))
    }
}

fn is_github(resource: &Resource) -> bool {
    matches!(resource.registry().as_str(), "ghcr.io" | "ghcr.io:443")
}
