//! Bearer tokens.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::{HOST, HeaderValue, WWW_AUTHENTICATE};
use http::request::Parts;
use rand::Rng as _;
use tokio::time::Instant;

use crate::auth::Encrypted;
use crate::auth::{Action, Caller, Need, Users};
use crate::problem::{Code, Problem};

use super::token;
use super::users::authorization;

/// Tokens that are remembered at most. The oldest go first.
const MOST_TOKENS: usize = 10_000;

/// A token with every request, as the
/// [distribution project](https://distribution.github.io/distribution/spec/auth/token/) has it.
///
/// The registry is its own token server: it hands out opaque random tokens at `/token`, to users with
/// their password or a refresh token, and to anybody for what everybody may do.
#[derive(Clone, Debug)]
pub struct Bearer(Arc<Inner>);

struct Inner {
    users: Users,
    options: BearerOptions,
    exchanges: AtomicU64,
    grants: Mutex<Grants>,
}

/// Options of [`Bearer`].
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct BearerOptions {
    /// The name of the service in challenges. Default: `wharf`.
    pub service: String,
    /// The URL of the token server in challenges. Default: `/token` at the host that the request is for,
    /// over plain HTTP.
    pub realm: Option<String>,
    /// How long tokens are good, by tokio's clock. Default: 300 seconds.
    pub expiry: Duration,
}

impl Default for BearerOptions {
    fn default() -> Self {
        Self {
            service: "wharf".to_owned(),
            realm: None,
            expiry: Duration::from_secs(300),
        }
    }
}

impl BearerOptions {
    /// Sets [`service`](Self::service).
    #[must_use]
    pub fn with_service(mut self, service: impl Into<String>) -> Self {
        self.service = service.into();
        self
    }

    /// Sets [`realm`](Self::realm).
    #[must_use]
    pub fn with_realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = Some(realm.into());
        self
    }

    /// Sets [`expiry`](Self::expiry).
    #[must_use]
    pub fn with_expiry(mut self, expiry: Duration) -> Self {
        self.expiry = expiry;
        self
    }
}

#[derive(Default)]
struct Grants {
    tokens: HashMap<String, Token>,
    /// User names by refresh token.
    refresh: HashMap<String, String>,
}

struct Token {
    grant: Grant,
    expires: Instant,
}

/// What a token is good for.
#[derive(Clone, Debug, Default)]
pub(super) struct Grant {
    pub(super) catalog: bool,
    pub(super) repositories: HashMap<String, Vec<Action>>,
}

impl Grant {
    fn allows(&self, need: Option<Need<'_>>) -> bool {
        match need {
            None => true,
            Some(Need::Catalog) => self.catalog,
            Some(Need::Repository(repository, action)) => self.may(repository.as_str(), action),
        }
    }

    fn may(&self, repository: &str, action: Action) -> bool {
        self.repositories
            .get(repository)
            .is_some_and(|actions| actions.contains(&action))
    }
}

impl Bearer {
    /// Hands tokens to these users, with the default options.
    #[must_use]
    pub fn new(users: Users) -> Self {
        Self::with_options(users, BearerOptions::default())
    }

    /// Hands tokens to these users.
    #[must_use]
    pub fn with_options(users: Users, options: BearerOptions) -> Self {
        let grants = Mutex::new(Grants::default());
        Self(Arc::new(Inner {
            users,
            options,
            exchanges: AtomicU64::new(0),
            grants,
        }))
    }

    /// How many tokens were handed out.
    #[must_use]
    pub fn exchanges(&self) -> u64 {
        self.0.exchanges.load(Ordering::Relaxed)
    }

    /// Makes all tokens that were handed out useless, as a registry does that loses its keys. Refresh
    /// tokens stay good.
    pub fn revoke_all(&self) {
        self.grants().tokens.clear();
    }

    pub(super) fn users(&self) -> &Users {
        &self.0.users
    }

    pub(super) fn options(&self) -> &BearerOptions {
        &self.0.options
    }

    pub(super) fn admit(&self, parts: &Parts, need: Option<Need<'_>>) -> Result<Caller, Problem> {
        let Some(token) = authorization(&parts.headers, "Bearer") else {
            return Err(self.challenge(parts, need, None));
        };
        let grant = {
            let grants = self.grants();
            let known = grants
                .tokens
                .get(token)
                .filter(|token| token.expires > Instant::now());
            known.map(|token| token.grant.clone())
        };
        match grant {
            None => Err(self.challenge(parts, need, Some("invalid_token"))),
            Some(grant) if !grant.allows(need) => {
                Err(self.challenge(parts, need, Some("insufficient_scope")))
            }
            Some(grant) => Ok(Caller::new(move |repository, action| {
                grant.may(repository.as_str(), action)
            })),
        }
    }

    fn challenge(&self, parts: &Parts, need: Option<Need<'_>>, error: Option<&str>) -> Problem {
        let mut challenge = format!(
            "Bearer realm=\"{}\",service=\"{}\"",
            self.realm(parts),
            self.0.options.service
        );
        if let Some(need) = need {
            challenge += &format!(",scope=\"{need}\"");
        }
        if let Some(error) = error {
            challenge += &format!(",error=\"{error}\"");
        }
        let problem = Problem::new(Code::Unauthorized, "authentication required");
        match HeaderValue::try_from(challenge) {
            Ok(challenge) => problem.with_header(WWW_AUTHENTICATE, challenge),
            Err(_) => problem,
        }
    }

    /// The URL of the token server, as this client can reach it.
    fn realm(&self, parts: &Parts) -> String {
        if let Some(realm) = &self.0.options.realm {
            return realm.clone();
        }
        let header = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = header.or_else(|| parts.uri.authority().map(http::uri::Authority::as_str));
        // The client's own text comes back to it inside quotes.
        let host = host
            .filter(|host| !host.contains(['"', '\\']))
            .unwrap_or("localhost");
        let scheme = match parts.extensions.get::<Encrypted>() {
            Some(Encrypted) => "https",
            None => "http",
        };
        format!("{scheme}://{host}{}", token::PATH)
    }

    /// Hands out a token.
    pub(super) fn issue(&self, grant: Grant) -> String {
        self.0.exchanges.fetch_add(1, Ordering::Relaxed);
        let token = random_token();
        let now = Instant::now();
        let mut grants = self.grants();
        if grants.tokens.len() >= MOST_TOKENS {
            grants.tokens.retain(|_, token| token.expires > now);
        }
        if grants.tokens.len() >= MOST_TOKENS {
            let oldest = grants
                .tokens
                .iter()
                .min_by_key(|(_, token)| token.expires)
                .map(|(key, _)| key.clone());
            oldest.and_then(|oldest| grants.tokens.remove(&oldest));
        }
        grants.tokens.insert(
            token.clone(),
            Token {
                grant,
                expires: now + self.0.options.expiry,
            },
        );
        token
    }

    /// Hands out a refresh token for a user. There is one for each.
    pub(super) fn issue_refresh(&self, user: &str) -> String {
        let mut grants = self.grants();
        if let Some((token, _)) = grants.refresh.iter().find(|(_, name)| *name == user) {
            return token.clone();
        }
        let token = random_token();
        grants.refresh.insert(token.clone(), user.to_owned());
        token
    }

    /// The user that a refresh token is of.
    pub(super) fn refreshed(&self, token: &str) -> Option<String> {
        self.grants().refresh.get(token).cloned()
    }

    fn grants(&self) -> MutexGuard<'_, Grants> {
        self.0.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn random_token() -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("users", &self.users)
            .field("options", &self.options)
            .field("exchanges", &self.exchanges)
            .finish_non_exhaustive()
    }
}
