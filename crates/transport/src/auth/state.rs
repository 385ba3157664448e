//! What an authenticating stack knows: challenges, credentials, tokens.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_core::future::BoxFuture;
use futures_util::FutureExt as _;
use futures_util::future::{Shared, WeakShared};
use tokio::time::Instant;
use wharf_authn::{Credential, CredentialId, Keychain, Resource, Secret};
use wharf_name::Registry;

use crate::origin::{Origin, Site, UnsafeUrl, UnsafeUrlReason, resolve_realm};
use crate::send::Inner;
use crate::settings::{AllSettings, PlainHttp};
use crate::{ChosenBy, Error, Scope};

use super::cache::{Freshness, Token, TokenCache, TokenKey};
use super::credentials::{Credentials, MAX_CREDENTIALS, User};
use super::exchange::{TokenRequest, bearer_header, refuses_credential};
use super::{AuthError, AuthFailure, AuthOptions, StaleCredentials};

/// How a registry wants to be authenticated to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It answered without asking.
    Open,
    /// By Basic.
    Basic,
    /// By a token of this server, for this service.
    Bearer { realm: String, service: String },
}

/// A token is the same if it is for the same scopes, in whatever order.
type FlightKey = (TokenKey, Vec<Scope>);
type Exchanging = BoxFuture<'static, Result<Arc<Token>, AuthError>>;

#[derive(Debug)]
pub(super) struct State {
    settings: Arc<AllSettings>,
    registries: Mutex<HashMap<Origin, Known>>,
    pub(super) credentials: Credentials,
    tokens: TokenCache,
    stale: StaleCredentials,
    /// What is read without the credential that the keychain has for it.
    refused: Mutex<HashSet<Resource>>,
    /// Refresh tokens that came with tokens. They are used before the identity token that they followed.
    refresh: Mutex<HashMap<TokenKey, Secret>>,
    flights: Flights,
}

/// The exchanges under way. They are held by those who wait for them: when the last one goes, so does the exchange.
#[derive(Default)]
struct Flights(Mutex<HashMap<FlightKey, WeakShared<Exchanging>>>);

/// Whom a token is for.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) registry: Origin,
    pub(super) resource: Resource,
    pub(super) user: User,
    pub(super) realm: String,
    pub(super) service: String,
    pub(super) scopes: Vec<Scope>,
}

impl State {
    pub(super) fn new(keychain: Arc<dyn Keychain>, settings: Arc<AllSettings>, options: AuthOptions) -> Self {
        Self {
            settings,
            registries: Mutex::default(),
            credentials: Credentials::new(keychain),
            tokens: options.tokens,
            stale: options.stale_credentials,
            refused: Mutex::default(),
            refresh: Mutex::default(),
            flights: Flights::default(),
        }
    }

    pub(super) fn known(&self, registry: &Origin) -> Option<Known> {
        lock(&self.registries).get(registry).cloned()
    }

    pub(super) fn learn(&self, registry: &Origin, known: Known) {
        lock(&self.registries).insert(registry.clone(), known);
    }

    /// Whether a registry may be spoken to without TLS, credentials included.
    pub(super) fn may_be_plain(&self, registry: &Registry) -> bool {
        self.settings.plain_http(registry) != PlainHttp::Never
    }

    /// Whether a request that only reads goes without a credential that is refused.
    pub(super) fn reads_anonymously(&self) -> bool {
        self.stale == StaleCredentials::PullAnonymously
    }

    /// Whether the stored credential for a resource was refused, so that it is read without.
    pub(super) fn is_refused(&self, resource: &Resource) -> bool {
        lock(&self.refused).contains(resource)
    }

    pub(super) fn refuse(&self, resource: &Resource) {
        lock(&self.refused).insert(resource.clone());
    }

    pub(super) fn forget_seeded(&self, registry: &Origin, token: &Token) {
        self.tokens.remove_seeded(registry, &token.header);
    }

    /// A token that the user put in.
    pub(super) fn seeded(
        &self,
        registry: &Origin,
        scopes: &[Scope],
        freshness: Freshness,
    ) -> Option<Arc<Token>> {
        self.tokens.seeded(registry, scopes, freshness, Instant::now())
    }

    /// A token for what is wanted: one that is there and fresh, else a new one. However many ask for the same at the
    /// same time, the token server is asked once. `rejected` is a token that the registry did not take.
    pub(super) async fn token<S: Inner>(
        self: &Arc<Self>,
        inner: &S,
        wanted: &Wanted,
        freshness: Freshness,
        rejected: Option<&Token>,
    ) -> Result<Arc<Token>, AuthError> {
        let mut tried = 1;
        loop {
            let (key, credential) = match self.find(wanted, freshness, rejected).await? {
                Found::Token(token) => return Ok(token),
                Found::Credential(key, credential) => (key, credential),
            };
            let id = credential.identity();
            let result = self.join(inner, key, credential, wanted).await;
            let is_refused = matches!(
                &result,
                Err(AuthError { failure: AuthFailure::Exchange(error), .. }) if refuses_credential(error)
            );
            if !is_refused || tried == MAX_CREDENTIALS || !self.has_another(wanted, id).await? {
                return result;
            }
            tried += 1;
        }
    }

    /// Tells that a credential was not taken, and asks whether there is another one by now.
    async fn has_another(&self, wanted: &Wanted, refused: CredentialId) -> Result<bool, AuthError> {
        self.credentials
            .has_another(&wanted.resource, wanted.user, refused)
            .await
            .map_err(|failure| wanted.error(failure))
    }

    /// A token for what is wanted, or else the credential to get one with.
    async fn find(
        &self,
        wanted: &Wanted,
        freshness: Freshness,
        rejected: Option<&Token>,
    ) -> Result<Found, AuthError> {
        let (resource, user) = (&wanted.resource, wanted.user);
        let ask = async || {
            self.credentials
                .get(resource, user)
                .await
                .map_err(|failure| wanted.error(failure))
        };
        let mut credential = None;
        let id = match self.credentials.last(resource, user) {
            Some(id) => id,
            None => credential.insert(ask().await?).identity(),
        };
        let mut key = wanted.key(id);
        if let Some(rejected) = rejected {
            self.tokens.remove(&key, &rejected.header);
        }
        let find = |key: &TokenKey| self.tokens.find(key, &wanted.scopes, freshness, Instant::now());
        if let Some(token) = find(&key) {
            return Ok(Found::Token(token));
        }
        let credential = match credential {
            Some(credential) => credential,
            // The credential may have changed since the last exchange.
            None => ask().await?,
        };
        if credential.identity() != id {
            key = wanted.key(credential.identity());
            if let Some(token) = find(&key) {
                return Ok(Found::Token(token));
            }
        }
        if let Credential::RegistryToken(token) = &credential {
            let header = bearer_header(token).ok_or_else(|| wanted.error(AuthFailure::UNSENDABLE_TOKEN))?;
            let token = Token::lasting(header, wanted.scopes.clone()).with_credential(credential.identity());
            return Ok(Found::Token(Arc::new(token)));
        }
        Ok(Found::Credential(key, credential))
    }

    /// Joins the exchange that is under way for the same token, or starts it.
    async fn join<S: Inner>(
        self: &Arc<Self>,
        inner: &S,
        key: TokenKey,
        credential: Credential,
        wanted: &Wanted,
    ) -> Result<Arc<Token>, AuthError> {
        let mut scopes = wanted.scopes.clone();
        scopes.sort();
        let flight_key = (key.clone(), scopes);
        let flight: Shared<Exchanging> = {
            let mut flights = lock(&self.flights.0);
            match flights.get(&flight_key).and_then(WeakShared::upgrade) {
                Some(flight) => flight,
                None => {
                    let (state, inner, wanted) = (Arc::clone(self), inner.clone(), wanted.clone());
                    let landed = flight_key.clone();
                    let exchange = async move {
                        let result = state.exchange(inner, key, &credential, &wanted).await;
                        lock(&state.flights.0).remove(&landed);
                        result
                    };
                    let flight = exchange.boxed().shared();
                    flights.extend(flight.downgrade().map(|weak| (flight_key, weak)));
                    flight
                }
            }
        };
        // If whoever started the exchange goes away, the others carry it on: each of them drives it.
        flight.await
    }

    async fn exchange<S: Inner>(
        &self,
        mut inner: S,
        key: TokenKey,
        credential: &Credential,
        wanted: &Wanted,
    ) -> Result<Arc<Token>, AuthError> {
        let error = |failure| wanted.error(failure);
        let realm = self.judge(wanted, credential).map_err(error)?;
        let refresh = lock(&self.refresh).get(&key).cloned();
        let mut request = TokenRequest {
            chosen_by: self.chosen_by(wanted, &realm),
            realm,
            service: wanted.service.clone(),
            scopes: wanted.scopes.clone(),
        };
        let mut granted = request.exchange(&mut inner, credential, refresh.as_ref()).await;
        if request.scopes.len() > 1 && granted.as_ref().is_err_and(is_refusal) {
            // Some servers refuse the whole where they could allow a part, as a push without a mount.
            request.scopes.truncate(1);
            granted = request.exchange(&mut inner, credential, refresh.as_ref()).await;
        }
        let granted = granted.map_err(error)?;
        let header = bearer_header(&granted.token).ok_or_else(|| error(AuthFailure::UNSENDABLE_TOKEN))?;
        if let Some(refresh) = granted.refresh
            && matches!(credential, Credential::IdentityToken { .. })
        {
            lock(&self.refresh).insert(key.clone(), refresh);
        }
        let now = Instant::now();
        let token = Token::new(header, wanted.scopes.clone(), granted.life, now);
        let token = Arc::new(token.with_credential(credential.identity()));
        self.tokens.insert(key, Arc::clone(&token), now);
        Ok(token)
    }

    /// Who chose the URL of a token server, unless the user trusts it.
    fn chosen_by(&self, wanted: &Wanted, realm: &http::Uri) -> Option<ChosenBy> {
        let trusted = &self.settings.of(wanted.resource.registry()).trusted_realms;
        let is_trusted = Origin::of(realm).is_ok_and(|realm| trusted.contains(&realm));
        (!is_trusted).then(|| ChosenBy(wanted.registry.clone()))
    }

    /// The URL of the token server, if the credential may be sent there.
    fn judge(&self, wanted: &Wanted, credential: &Credential) -> Result<http::Uri, AuthFailure> {
        let failed = |error| AuthFailure::Exchange(Arc::new(error));
        let trusted = &self.settings.of(wanted.resource.registry()).trusted_realms;
        let realm = resolve_realm(&wanted.registry, &wanted.realm, trusted).map_err(failed)?;
        let foreign = |error| failed(Error::UnsafeUrl(Box::new(error)));
        let origin = Origin::of(&realm).map_err(foreign)?;
        let lasting = matches!(credential, Credential::IdentityToken { .. });
        if lasting && !trusted.contains(&origin) && !wanted.registry.is_same_site(&origin) {
            // A password has to go where the registry says, by the protocol. What outlives a password need not.
            return Err(foreign(UnsafeUrl::new(
                &realm,
                Site::Realm,
                UnsafeUrlReason::ForeignSite,
            )));
        }
        Ok(realm)
    }
}

/// What there is to get on with.
enum Found {
    Token(Arc<Token>),
    Credential(TokenKey, Credential),
}

impl Wanted {
    fn error(&self, failure: AuthFailure) -> AuthError {
        AuthError {
            registry: self.registry.clone(),
            scopes: self.scopes.clone(),
            failure,
            credentials: None,
        }
    }

    fn key(&self, credential: CredentialId) -> TokenKey {
        TokenKey {
            registry: self.registry.clone(),
            realm: self.realm.clone(),
            service: self.service.clone(),
            credential,
        }
    }
}

impl std::fmt::Debug for Flights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flights")
            .field("under_way", &lock(&self.0).len())
            .finish()
    }
}

fn is_refusal(failure: &AuthFailure) -> bool {
    match failure {
        AuthFailure::Exchange(error) => {
            matches!(
                error.status().map(|status| status.as_u16()),
                Some(400 | 401 | 403)
            )
        }
        _ => false,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
