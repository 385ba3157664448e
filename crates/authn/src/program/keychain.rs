//! One helper for everything.

use std::sync::Arc;

use futures_core::future::BoxFuture;

use super::Helpers;
use crate::docker::key;
use crate::keychain::anonymous;
use crate::{Absence, Authenticator, Credential, Error, Explanation, Finding, Found, Keychain, Resource};

/// What one credential helper has, whatever files may say.
///
/// # Contract
///
/// Asks its helper, each time through [`Helpers`], for the registry of the resource; Docker Hub is
/// `https://index.docker.io/v1/`, as `docker login` calls it. A helper that has nothing is an anonymous
/// authenticator, and one that fails a failure. The authenticator asks again when an answer is old.
///
/// Go's `NewKeychainFromHelper` takes any failure for "anonymous".
///
/// ```no_run
/// use wharf_authn::{HelperKeychain, Keychain, Resource};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Runs `docker-credential-ecr-login get`.
/// let keychain = HelperKeychain::new("ecr-login");
/// let registry = Resource::new("123456789012.dkr.ecr.eu-west-1.amazonaws.com".parse()?);
/// let authenticator = keychain.resolve(&registry).await?;
/// # drop(authenticator);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct HelperKeychain {
    helper: String,
    helpers: Arc<Helpers>,
}

impl HelperKeychain {
    /// `helper` is named without its `docker-credential-`.
    pub fn new(helper: impl Into<String>) -> Self {
        Self {
            helper: helper.into(),
            helpers: Arc::default(),
        }
    }

    /// The helper is found and run by `helpers`, and shares its cache. Default: [`Helpers::default`].
    #[must_use]
    pub fn with_helpers(mut self, helpers: Arc<Helpers>) -> Self {
        self.helpers = helpers;
        self
    }

    async fn find(&self, resource: &Resource) -> Result<(Credential, Arc<dyn Authenticator>), Error> {
        self.helpers
            .find(&self.helper, key::server(resource.registry()))
            .await
    }
}

impl Keychain for HelperKeychain {
    fn resolve<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Result<Arc<dyn Authenticator>, Error>> {
        Box::pin(async move {
            Ok(match self.find(resource).await? {
                (Credential::Anonymous, _) => anonymous(),
                (_, found) => found,
            })
        })
    }

    fn explain<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Explanation> {
        Box::pin(async move {
            let finding = match self.find(resource).await {
                Ok((Credential::Anonymous, _)) => Finding::Nothing(Absence::Helper(self.helper.clone())),
                Ok((credential, _)) => Finding::used(Found::Helper(self.helper.clone()), &credential),
                Err(error) => Finding::Failed(error),
            };
            Explanation::default().with("credential helper", finding)
        })
    }
}
