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
use super::credentials::Credentials;
use super::exchange::{TokenRequest, bearer_header};
use super::sent::Sent;
use super::token::Granted;
use super::{AuthError, AuthFailure, AuthOptions, StaleCredentials};

/// So many credentials are shown for one request, or in asking for one token, where each is refused.
pub(super) const MAX_CREDENTIALS: usize = 8;
/// More refresh tokens are not kept.
const MAX_REFRESH_TOKENS: usize = 1024;

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
    pub(super) credentials: Credentials,
    settings: Arc<AllSettings>,
    registries: Mutex<HashMap<Origin, Known>>,
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

/// In whose name a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum User {
    /// Of whomever the keychain names.
    OfKeychain,
    /// Of nobody, whatever the keychain says.
    Nobody,
}

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
            credentials: Credentials::new(keychain),
            settings,
            registries: Mutex::default(),
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

    /// The credential for a resource.
    pub(super) async fn credential(
        &self,
        resource: &Resource,
        user: User,
    ) -> Result<Credential, AuthFailure> {
        match user {
            User::Nobody => Ok(Credential::Anonymous),
            User::OfKeychain => self.credentials.ask(resource).await,
        }
    }

    /// A token for what is wanted: one that is there and fresh, else a new one. However many ask for the same at the
    /// same time, the token server is asked once. Where it refuses the credential and there is another, it is asked
    /// with that. `rejected` is a token that the registry did not take.
    pub(super) async fn token(
        self: &Arc<Self>,
        inner: &impl Inner,
        wanted: &Wanted,
        freshness: Freshness,
        rejected: Option<&Token>,
    ) -> Result<Sent, AuthError> {
        let mut refused = Vec::new();
        loop {
            let (id, result) = self.token_of_one(inner, wanted, freshness, rejected).await?;
            let error = match result {
                Ok(token) => {
                    let credential = (wanted.user == User::OfKeychain).then_some(id);
                    return Ok(Sent::Token { token, credential });
                }
                Err(error) => error,
            };
            if wanted.user == User::Nobody || !error.failure.refuses_credential() {
                return Err(error);
            }
            refused.push(id);
            let may_have = self.credentials.refused(&wanted.resource, &id) && refused.len() < MAX_CREDENTIALS;
            let is_last = !may_have || {
                let next = self.credential(&wanted.resource, wanted.user).await;
                refused.contains(&next.map_err(|failure| wanted.error(failure))?.identity())
            };
            if is_last {
                let credentials = Some(self.credentials.explain(&wanted.resource, &id).await);
                return Err(AuthError { credentials, ..error });
            }
        }
    }

    /// A token for the credential that there is now, and which one that is.
    async fn token_of_one(
        self: &Arc<Self>,
        inner: &impl Inner,
        wanted: &Wanted,
        freshness: Freshness,
        rejected: Option<&Token>,
    ) -> Result<(CredentialId, Result<Arc<Token>, AuthError>), AuthError> {
        let last = match wanted.user {
            User::Nobody => Some(Credential::Anonymous.identity()),
            User::OfKeychain => self.credentials.last(&wanted.resource),
        };
        let find = |id: CredentialId| {
            let key = wanted.key(id);
            if let Some(rejected) = rejected {
                self.tokens.remove(&key, &rejected.header);
            }
            self.tokens.find(&key, &wanted.scopes, freshness, Instant::now())
        };
        if let Some(id) = last
            && let Some(token) = find(id)
        {
            return Ok((id, Ok(token)));
        }
        // The credential may have changed since the last exchange.
        let asked = self.credential(&wanted.resource, wanted.user).await;
        let credential = asked.map_err(|failure| wanted.error(failure))?;
        let id = credential.identity();
        if Some(id) != last
            && let Some(token) = find(id)
        {
            return Ok((id, Ok(token)));
        }
        let token = match &credential {
            Credential::RegistryToken(token) => match bearer_header(token) {
                Some(header) => Ok(Arc::new(Token::lasting(header, wanted.scopes.clone()))),
                None => Err(wanted.error(AuthFailure::NOT_A_HEADER)),
            },
            _ => self.join(inner, wanted.key(id), credential, wanted).await,
        };
        Ok((id, token))
    }

    /// Joins the exchange that is under way for the same token, or starts it.
    async fn join(
        self: &Arc<Self>,
        inner: &impl Inner,
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

    async fn exchange(
        &self,
        mut inner: impl Inner,
        key: TokenKey,
        credential: &Credential,
        wanted: &Wanted,
    ) -> Result<Arc<Token>, AuthError> {
        let error = |failure| wanted.error(failure);
        let realm = self.judge(wanted, credential).map_err(error)?;
        let mut request = TokenRequest {
            chosen_by: self.chosen_by(wanted, &realm),
            realm,
            service: wanted.service.clone(),
            scopes: wanted.scopes.clone(),
        };
        let mut granted = self.grant(&mut inner, &key, credential, &request).await;
        if request.scopes.len() > 1 && granted.as_ref().is_err_and(AuthFailure::may_be_for_a_part) {
            // Some servers refuse the whole where they could allow a part, as a push without a mount.
            request.scopes.truncate(1);
            granted = self.grant(&mut inner, &key, credential, &request).await;
        }
        let granted = granted.map_err(error)?;
        let header = bearer_header(&granted.token).ok_or_else(|| error(AuthFailure::NOT_A_HEADER))?;
        if let Some(refresh) = granted.refresh
            && matches!(credential, Credential::IdentityToken { .. })
        {
            let mut kept = lock(&self.refresh);
            if kept.len() >= MAX_REFRESH_TOKENS {
                kept.clear();
            }
            kept.insert(key.clone(), refresh);
        }
        let now = Instant::now();
        let token = Arc::new(Token::new(header, wanted.scopes.clone(), granted.life, now));
        self.tokens.insert(key, Arc::clone(&token), now);
        Ok(token)
    }

    /// Asks with the refresh token that came last, if there is one, else or if that does not help with the credential.
    async fn grant(
        &self,
        inner: &mut impl Inner,
        key: &TokenKey,
        credential: &Credential,
        request: &TokenRequest,
    ) -> Result<Granted, AuthFailure> {
        let refresh = lock(&self.refresh).get(key).cloned();
        if let Some(refresh) = refresh {
            match request.refresh(inner, &refresh).await {
                Ok(granted) => return Ok(granted),
                Err(failure) if failure.refuses_grant() => drop(lock(&self.refresh).remove(key)),
                Err(_) => {}
            }
        }
        request.exchange(inner, credential).await
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
