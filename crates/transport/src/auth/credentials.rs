//! Which credential is used for what.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wharf_authn::{Authenticator, Credential, CredentialId, Explanation, Keychain, Resource};

use super::AuthFailure;

/// After so many refusals in a row no other credential is tried.
pub(super) const MAX_CREDENTIALS: usize = 8;

/// In whose name a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum User {
    /// Of whomever the keychain names.
    OfKeychain,
    /// Of nobody, whatever the keychain says.
    Nobody,
}

/// The keychain, and what it last said about each resource.
#[derive(Debug)]
pub(super) struct Credentials {
    keychain: Arc<dyn Keychain>,
    held: Mutex<HashMap<Resource, Held>>,
}

/// The keychain's answer for a resource.
#[derive(Debug)]
struct Held {
    authenticator: Arc<dyn Authenticator>,
    /// The credential that it gave last; `None` when that has been refused and it has another.
    given: Option<CredentialId>,
    /// Whether it has left a refused credential behind. The keychain is then not asked anew: it would begin with the
    /// refused one.
    has_moved_on: bool,
}

impl Credentials {
    pub(super) fn new(keychain: Arc<dyn Keychain>) -> Self {
        Self {
            keychain,
            held: Mutex::default(),
        }
    }

    /// Which credential was last used for a resource.
    pub(super) fn last(&self, resource: &Resource, user: User) -> Option<CredentialId> {
        match user {
            User::Nobody => Some(Credential::Anonymous.identity()),
            User::OfKeychain => self.lock().get(resource)?.given,
        }
    }

    /// The credential to use now.
    pub(super) async fn get(&self, resource: &Resource, user: User) -> Result<Credential, AuthFailure> {
        if user == User::Nobody {
            return Ok(Credential::Anonymous);
        }
        let failed = |error| AuthFailure::Credentials(Arc::new(error));
        let moved_on = self
            .lock()
            .get(resource)
            .filter(|held| held.has_moved_on)
            .map(|held| Arc::clone(&held.authenticator));
        let has_moved_on = moved_on.is_some();
        let authenticator = match moved_on {
            Some(authenticator) => authenticator,
            None => self.keychain.resolve(resource).await.map_err(failed)?,
        };
        let credential = authenticator.credential().await.map_err(failed)?;
        let mut held = self.lock();
        let others = held
            .get(resource)
            .is_some_and(|held| held.has_moved_on && !Arc::ptr_eq(&held.authenticator, &authenticator));
        if !others {
            let answer = Held {
                authenticator,
                given: Some(credential.identity()),
                has_moved_on,
            };
            held.insert(resource.clone(), answer);
        }
        Ok(credential)
    }

    /// Tells that `refused` was not taken, and asks whether there is another credential by now.
    pub(super) async fn has_another(
        &self,
        resource: &Resource,
        user: User,
        refused: CredentialId,
    ) -> Result<bool, AuthFailure> {
        if user == User::Nobody || !self.tell(resource, refused) {
            return Ok(false);
        }
        let credential = self.get(resource, user).await?;
        Ok(credential.identity() != refused)
    }

    /// Where credentials for a resource come from, for messages.
    pub(super) async fn explain(&self, resource: &Resource) -> Explanation {
        self.keychain.explain(resource).await
    }

    /// Tells that a credential was not taken; whether its authenticator has another.
    fn tell(&self, resource: &Resource, refused: CredentialId) -> bool {
        let held = self
            .lock()
            .get(resource)
            .map(|held| Arc::clone(&held.authenticator));
        let Some(authenticator) = held else {
            return false;
        };
        let has_another = authenticator.rejected(&refused);
        let mut held = self.lock();
        if let Some(held) = held
            .get_mut(resource)
            .filter(|held| Arc::ptr_eq(&held.authenticator, &authenticator))
        {
            held.has_moved_on = has_another;
            held.given = held.given.filter(|given| *given != refused);
        }
        has_another
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Resource, Held>> {
        // A panic while holding the lock leaves the old value or the new one, and both are whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
