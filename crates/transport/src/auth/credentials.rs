//! The credentials that a keychain gave, and which of them were refused.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wharf_authn::{Authenticator, Credential, CredentialId, Explanation, Finding, Found, Keychain, Resource};

use super::AuthFailure;
use super::state::MAX_CREDENTIALS;

/// For so long a keychain may take to explain itself.
const EXPLAIN_TIME: Duration = Duration::from_secs(2);
/// For so many resources it is remembered what was given.
const MAX_RESOURCES: usize = 4096;

/// Asks a keychain, and tells it what was refused.
#[derive(Debug)]
pub(super) struct Credentials {
    keychain: Arc<dyn Keychain>,
    given: Mutex<HashMap<Resource, Given>>,
}

/// What was given for a resource last.
#[derive(Debug)]
struct Given {
    authenticator: Arc<dyn Authenticator>,
    /// The key of the tokens that were made with it; none when it was refused and another one is to come.
    id: Option<CredentialId>,
    /// What was given is and whose, for people, the last ones last.
    descriptions: Vec<(CredentialId, Finding)>,
    /// Whether the authenticator is the one to ask: it knows what was refused, which one that the keychain makes anew
    /// does not.
    is_kept: bool,
}

impl Credentials {
    pub(super) fn new(keychain: Arc<dyn Keychain>) -> Self {
        Self {
            keychain,
            given: Mutex::default(),
        }
    }

    /// The identity of what was given last for a resource.
    pub(super) fn last(&self, resource: &Resource) -> Option<CredentialId> {
        self.given().get(resource)?.id
    }

    /// The credential for a resource.
    pub(super) async fn ask(&self, resource: &Resource) -> Result<Credential, AuthFailure> {
        let failed = |error| AuthFailure::Credentials(Arc::new(error));
        let kept = self.kept(resource);
        let authenticator = match kept {
            Some(authenticator) => authenticator,
            None => self.keychain.resolve(resource).await.map_err(failed)?,
        };
        let credential = authenticator.credential().await.map_err(failed)?;
        let id = credential.identity();
        let mut given = self.given();
        if given.len() >= MAX_RESOURCES && !given.contains_key(resource) {
            given.clear();
        }
        let given = given.entry(resource.clone()).or_insert_with(|| Given {
            authenticator: Arc::clone(&authenticator),
            id: None,
            descriptions: Vec::new(),
            is_kept: false,
        });
        // Meanwhile another task may have been refused, and what it keeps knows more.
        if !given.is_kept {
            given.authenticator = authenticator;
        }
        given.id = Some(id);
        given.describe(id, &credential);
        Ok(credential)
    }

    /// Tells that a credential was refused. Says whether there may be another one now, which is for the caller to
    /// compare with those that he has seen refused.
    pub(super) fn refused(&self, resource: &Resource, id: &CredentialId) -> bool {
        let mut given = self.given();
        let Some(given) = given.get_mut(resource) else {
            return false;
        };
        if given.id != Some(*id) {
            // Who was refused before has told it.
            return true;
        }
        let has_another = if given.authenticator.rejected(id) {
            given.is_kept = true;
            true
        } else {
            // The last of its credentials: the keychain may have changed in the meantime.
            mem::take(&mut given.is_kept)
        };
        if has_another {
            given.id = None;
        }
        has_another
    }

    /// Where credentials for a resource come from, for messages.
    pub(super) async fn explain_all(&self, resource: &Resource) -> Explanation {
        // What is slow to explain is not worth the wait.
        let explained = tokio::time::timeout(EXPLAIN_TIME, self.keychain.explain(resource)).await;
        explained.unwrap_or_default()
    }

    /// Where a credential that was given comes from, for messages.
    pub(super) async fn explain(&self, resource: &Resource, id: &CredentialId) -> Explanation {
        let explained = self.explain_all(resource).await;
        let described = self.described(resource, id);
        match (explained.used(), described) {
            // One of several is another one than the keychain begins with.
            (Some(step), Some(what)) if !is_of_one_credential(&step.finding, &what) => {
                Explanation::default().with("the next of several", what)
            }
            // It was not explained in time.
            (None, Some(what)) => explained.with("keychain", what),
            _ => explained,
        }
    }

    fn described(&self, resource: &Resource, id: &CredentialId) -> Option<Finding> {
        let given = self.given();
        let mut known = given.get(resource)?.descriptions.iter();
        known.find(|(known, _)| known == id).map(|(_, what)| what.clone())
    }

    fn kept(&self, resource: &Resource) -> Option<Arc<dyn Authenticator>> {
        let given = self.given();
        let kept = given.get(resource).filter(|given| given.is_kept)?;
        Some(Arc::clone(&kept.authenticator))
    }

    fn given(&self) -> MutexGuard<'_, HashMap<Resource, Given>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Given {
    fn describe(&mut self, id: CredentialId, credential: &Credential) {
        if *credential == Credential::Anonymous || self.descriptions.iter().any(|(known, _)| *known == id) {
            return;
        }
        if self.descriptions.len() >= MAX_CREDENTIALS {
            self.descriptions.remove(0);
        }
        self.descriptions
            .push((id, Finding::used(Found::Itself, credential)));
    }
}

/// Whether two findings say the same of the credential itself, whatever led to it.
fn is_of_one_credential(one: &Finding, other: &Finding) -> bool {
    let credential = |finding: &Finding| match finding {
        Finding::Used { kind, username, .. } => Some((*kind, username.clone())),
        _ => None,
    };
    credential(one) == credential(other)
}
