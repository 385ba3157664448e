//! Short-lived credentials.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_core::future::BoxFuture;

use crate::flight::Flight;
use crate::{Authenticator, Credential, CredentialId, Error, Explanation, Keychain, Resource};

/// How long nobody tries again after a renewal has failed, while the old credential is still good.
const PAUSE: Duration = Duration::from_secs(10);

/// Asks another keychain again before what it answered goes bad.
///
/// # Contract
///
/// Answers what the other keychain answers. If that is a credential, its authenticator asks the other
/// keychain again once the answer is older than the time given, and at once if the registry refuses it.
/// All who need the new credential wait for one renewal.
///
/// A renewal that fails fails the request: what is older than its time is not used. Where credentials are
/// good for longer than that, [`with_grace`](Self::with_grace) says for how much, and in that time the old
/// one is used, with a warning, and renewing is tried again every 10 s. A refused one is never used again.
///
/// As in Go, nothing is renewed where the first answer was anonymous or a failure: ask the keychain again.
///
/// ```
/// use std::time::Duration;
/// use wharf_authn::{Bearer, Keychain, RefreshingKeychain, Resource, StaticKeychain};
/// use wharf_name::Registry;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let registry: Registry = "registry.example.com".parse()?;
/// # let minting = StaticKeychain::new(registry.clone(), Bearer::new("t0ken"));
/// // Tokens that are good for an hour: a new one from the 50th minute on.
/// let keychain = RefreshingKeychain::new(minting, Duration::from_secs(50 * 60))
///     .with_grace(Duration::from_secs(9 * 60));
/// assert!(!keychain.resolve(&Resource::new(registry)).await?.is_anonymous());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RefreshingKeychain {
    keychain: Arc<dyn Keychain>,
    times: Times,
}

#[derive(Clone)]
struct Times {
    life: Duration,
    grace: Duration,
    now: Arc<dyn Fn() -> Instant + Send + Sync>,
}

impl RefreshingKeychain {
    /// Asks `keychain` again when an answer is older than `life`; also takes an `Arc<dyn Keychain>`.
    pub fn new(keychain: impl Keychain, life: Duration) -> Self {
        Self {
            keychain: Arc::new(keychain),
            times: Times {
                life,
                grace: Duration::ZERO,
                now: Arc::new(Instant::now),
            },
        }
    }

    /// How much longer a credential is good if it cannot be renewed. Default: not at all.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.times.grace = grace;
        self
    }

    /// Takes the time from `now`. Default: [`Instant::now`].
    #[must_use]
    pub fn with_clock(mut self, now: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        self.times.now = Arc::new(now);
        self
    }
}

impl Keychain for RefreshingKeychain {
    fn resolve<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Result<Arc<dyn Authenticator>, Error>> {
        Box::pin(async move {
            let since = (self.times.now)();
            let authenticator = self.keychain.resolve(resource).await?;
            if authenticator.is_anonymous() {
                return Ok(authenticator);
            }
            let found: Arc<dyn Authenticator> = Arc::new(Refreshing(Arc::new(State {
                keychain: Arc::clone(&self.keychain),
                resource: resource.clone(),
                times: self.times.clone(),
                renewal: Flight::default(),
                last: Mutex::new(Last {
                    authenticator,
                    since,
                    given: None,
                    is_refused: false,
                    failed: None,
                }),
            })));
            Ok(found)
        })
    }

    fn explain<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Explanation> {
        self.keychain.explain(resource)
    }
}

#[derive(Clone, Debug)]
struct Refreshing(Arc<State>);

#[derive(Debug)]
struct State {
    keychain: Arc<dyn Keychain>,
    resource: Resource,
    times: Times,
    renewal: Flight<Credential>,
    last: Mutex<Last>,
}

/// What the keychain answered last.
#[derive(Clone, Debug)]
struct Last {
    authenticator: Arc<dyn Authenticator>,
    /// When it was asked.
    since: Instant,
    /// What was handed out last.
    given: Option<CredentialId>,
    is_refused: bool,
    /// When a renewal failed.
    failed: Option<Instant>,
}

impl Authenticator for Refreshing {
    fn credential(&self) -> BoxFuture<'_, Result<Credential, Error>> {
        Box::pin(async {
            let (state, last) = (&self.0, self.0.last().clone());
            let now = (state.times.now)();
            let age = now.saturating_duration_since(last.since);
            let is_good = |life| !last.is_refused && age <= life;
            let is_usable = is_good(state.times.life.saturating_add(state.times.grace));
            let is_pausing = |failed| now.saturating_duration_since(failed) < PAUSE;
            let may_rest = is_usable && last.failed.is_some_and(is_pausing);
            if is_good(state.times.life) || may_rest {
                return state.give(&last.authenticator).await;
            }
            match state.renewal.join(|| Arc::clone(state).renew()).await {
                Err(error) if is_usable => {
                    tracing::warn!(error = %error, cause = ?error, "cannot renew the credential, using the old one");
                    state.give(&last.authenticator).await
                }
                renewed => renewed,
            }
        })
    }

    fn rejected(&self, credential: &CredentialId) -> bool {
        let now = (self.0.times.now)();
        let mut last = self.0.last();
        if last.authenticator.rejected(credential) {
            return true;
        }
        // A new one is not renewed: the keychain has no other, and who is refused again and again should
        // not ask for one each time.
        let is_old = now.saturating_duration_since(last.since) >= PAUSE;
        if last.given != Some(*credential) || last.is_refused || !is_old {
            return false;
        }
        last.is_refused = true;
        true
    }
}

impl State {
    async fn give(&self, authenticator: &Arc<dyn Authenticator>) -> Result<Credential, Error> {
        let credential = authenticator.credential().await?;
        self.last().given = Some(credential.identity());
        Ok(credential)
    }

    fn renew(self: Arc<Self>) -> BoxFuture<'static, Result<Credential, Error>> {
        Box::pin(async move {
            let since = (self.times.now)();
            let renewed = async {
                let authenticator = self.keychain.resolve(&self.resource).await?;
                let credential = authenticator.credential().await?;
                Ok((authenticator, credential))
            };
            match renewed.await {
                Ok((authenticator, credential)) => {
                    *self.last() = Last {
                        authenticator,
                        since,
                        given: Some(credential.identity()),
                        is_refused: false,
                        failed: None,
                    };
                    Ok(credential)
                }
                Err(error) => {
                    self.last().failed = Some(since);
                    Err(error)
                }
            }
        })
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        // A panic while holding the lock leaves the old value or the new one, and both are whole.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Times")
            .field("life", &self.life)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}
