//! Tokens that are still good.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use tokio::time::Instant;
use wharf_authn::{CredentialId, Secret};

use crate::Scope;
use crate::origin::Origin;

use super::AuthFailure;
use super::exchange::bearer_header;
use super::report::granted;

/// More tokens for one key are not kept: the oldest go first.
const MAX_TOKENS: usize = 256;
/// Tokens for more keys are not kept.
const MAX_KEYS: usize = 1024;
/// A longer life is not believed.
const MAX_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

/// For whom and by whom a token was made. Tokens are shared only between requests that agree in all of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct TokenKey {
    pub(super) registry: Origin,
    pub(super) realm: String,
    pub(super) service: String,
    pub(super) credential: CredentialId,
}

/// A token as it is sent.
#[derive(Debug)]
pub(super) struct Token {
    /// The `Authorization` header; marked as sensitive.
    pub(super) header: HeaderValue,
    pub(super) scopes: Vec<Scope>,
    pub(super) expires: Instant,
    life: Duration,
}

/// How much longer a token has to live.
#[derive(Clone, Copy, Debug)]
pub(super) enum Freshness {
    /// For as long as a request usually takes.
    Usual,
    /// For a request that cannot be sent again.
    OneShot,
}

impl Token {
    pub(super) fn new(header: HeaderValue, scopes: Vec<Scope>, life: Duration, now: Instant) -> Self {
        Self {
            header,
            scopes,
            expires: now + life,
            life,
        }
    }

    /// A token that the user gave, of which nothing is known.
    pub(super) fn lasting(header: HeaderValue, scopes: Vec<Scope>) -> Self {
        Self::new(header, scopes, Duration::from_secs(3600), Instant::now())
    }

    /// What the token says it grants, for messages.
    pub(super) fn granted(&self) -> Option<Vec<Scope>> {
        granted(self.header.to_str().ok()?.strip_prefix("Bearer ")?)
    }

    /// Whether the token is to be used for another request. It is renewed a little before it expires, so that it does
    /// not expire on its way, or by a clock that goes fast.
    fn is_fresh(&self, freshness: Freshness, now: Instant) -> bool {
        let margin = match freshness {
            Freshness::Usual => (self.life / 10).min(Duration::from_secs(30)),
            Freshness::OneShot => (self.life / 2).min(Duration::from_secs(60)),
        };
        now + margin < self.expires
    }
}

/// A place for tokens; clones share it.
///
/// Every stack has one of its own, unless it is given one ([`AuthOptions::with_tokens`](super::AuthOptions::with_tokens)):
/// then stacks that share it share their tokens, for as long as they use the same credentials. It is bounded. Tokens
/// that come from elsewhere can be put in:
///
/// ```
/// use std::time::Duration;
///
/// use wharf_authn::Secret;
/// use wharf_transport::auth::{AuthOptions, TokenCache};
/// use wharf_transport::origin::Origin;
/// use wharf_transport::{Scope, Transport};
///
/// let tokens = TokenCache::default();
/// let registry = Origin::of(&"https://ghcr.io/".parse()?)?;
/// let scopes = Scope::parse_list("repository:org/app:pull");
/// tokens.seed(registry, scopes, &Secret::from("t0ken"), Duration::from_secs(300))?;
/// let transport = Transport::builder().auth(AuthOptions::default().with_tokens(tokens.clone())).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct TokenCache(Arc<Mutex<Tokens>>);

#[derive(Default)]
struct Tokens {
    exchanged: HashMap<TokenKey, Vec<Arc<Token>>>,
    seeded: HashMap<Origin, Vec<Arc<Token>>>,
}

impl TokenCache {
    /// Puts in a token that came from elsewhere. It is shown to the registry for requests within `scopes`, by all stacks
    /// that share the cache and whatever their credentials are, until `life` is over or the registry refuses it.
    ///
    /// # Errors
    /// [`AuthFailure::MalformedToken`] if the token has characters that no header can have.
    pub fn seed(
        &self,
        registry: Origin,
        scopes: Vec<Scope>,
        token: &Secret,
        life: Duration,
    ) -> Result<(), AuthFailure> {
        let header = bearer_header(token).ok_or(AuthFailure::NOT_A_HEADER)?;
        let now = Instant::now();
        let token = Arc::new(Token::new(header, scopes, life.min(MAX_LIFE), now));
        let mut tokens = self.lock();
        make_room(&mut tokens.seeded, &registry, now);
        push(tokens.seeded.entry(registry).or_default(), token, now);
        Ok(())
    }

    /// Forgets all tokens.
    pub fn clear(&self) {
        *self.lock() = Tokens::default();
    }

    /// A token that was put in, if there is one for all of `scopes`.
    pub(super) fn seeded(
        &self,
        registry: &Origin,
        scopes: &[Scope],
        freshness: Freshness,
        now: Instant,
    ) -> Option<Arc<Token>> {
        best(self.lock().seeded.get(registry)?, scopes, freshness, now)
    }

    fn lock(&self) -> MutexGuard<'_, Tokens> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A token for all of `scopes`, if there is one that is fresh.
    pub(super) fn find(
        &self,
        key: &TokenKey,
        scopes: &[Scope],
        freshness: Freshness,
        now: Instant,
    ) -> Option<Arc<Token>> {
        best(self.lock().exchanged.get(key)?, scopes, freshness, now)
    }

    pub(super) fn insert(&self, key: TokenKey, token: Arc<Token>, now: Instant) {
        let mut tokens = self.lock();
        make_room(&mut tokens.exchanged, &key, now);
        push(tokens.exchanged.entry(key).or_default(), token, now);
    }

    /// Forgets a token that a registry did not take.
    pub(super) fn remove(&self, key: &TokenKey, header: &HeaderValue) {
        let mut tokens = self.lock();
        if let Some(held) = tokens.exchanged.get_mut(key) {
            held.retain(|token| token.header != header);
        }
    }

    /// Forgets a token that was put in.
    pub(super) fn remove_seeded(&self, registry: &Origin, header: &HeaderValue) {
        if let Some(held) = self.lock().seeded.get_mut(registry) {
            held.retain(|token| token.header != header);
        }
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokens = self.lock();
        f.debug_struct("TokenCache")
            .field(
                "exchanged",
                &tokens.exchanged.values().map(Vec::len).sum::<usize>(),
            )
            .field("seeded", &tokens.seeded.values().map(Vec::len).sum::<usize>())
            .finish()
    }
}

fn best(held: &[Arc<Token>], scopes: &[Scope], freshness: Freshness, now: Instant) -> Option<Arc<Token>> {
    let good =
        |token: &&Arc<Token>| token.is_fresh(freshness, now) && Scope::all_covered(&token.scopes, scopes);
    held.iter().rev().find(good).cloned()
}

fn push(held: &mut Vec<Arc<Token>>, token: Arc<Token>, now: Instant) {
    held.retain(|old| old.expires > now && !Scope::all_covered(&token.scopes, &old.scopes));
    if held.len() >= MAX_TOKENS {
        held.remove(0);
    }
    held.push(token);
}

/// Forgets what has expired when there are many keys, and then whose tokens expire first.
fn make_room<K: Clone + Eq + Hash>(map: &mut HashMap<K, Vec<Arc<Token>>>, key: &K, now: Instant) {
    if map.len() < MAX_KEYS || map.contains_key(key) {
        return;
    }
    map.retain(|_, held| held.iter().any(|token| token.expires > now));
    while map.len() >= MAX_KEYS {
        let last = |held: &[Arc<Token>]| held.iter().map(|token| token.expires).max();
        let first = map
            .iter()
            .min_by_key(|(_, held)| last(held))
            .map(|(key, _)| key.clone());
        if let Some(first) = first {
            map.remove(&first);
        }
    }
}

#[cfg(test)]
mod tests {
    use wharf_authn::Credential;

    use super::*;

    fn key(credential: &Credential) -> TokenKey {
        TokenKey {
            registry: Origin::of(&"https://registry.example".parse().expect("URL")).expect("origin"),
            realm: "https://auth.example/token".to_owned(),
            service: "registry.example".to_owned(),
            credential: credential.identity(),
        }
    }

    fn token(name: &'static str, scopes: &str, life: u64, now: Instant) -> Arc<Token> {
        let header = HeaderValue::from_static(name);
        Arc::new(Token::new(
            header,
            Scope::parse_list(scopes),
            Duration::from_secs(life),
            now,
        ))
    }

    #[track_caller]
    fn check(cache: &TokenCache, key: &TokenKey, scopes: &str, now: Instant, want: Option<&str>) {
        let found = cache.find(key, &Scope::parse_list(scopes), Freshness::Usual, now);
        assert_eq!(
            found.as_ref().map(|token| token.header.to_str().expect("ASCII")),
            want,
            "{scopes}"
        );
    }

    #[tokio::test]
    async fn a_token_serves_what_it_covers_for_its_own_credential() {
        let (cache, now) = (TokenCache::default(), Instant::now());
        let (alice, bob, nobody) = (
            key(&Credential::basic("a", "x")),
            key(&Credential::basic("b", "x")),
            key(&Credential::Anonymous),
        );
        cache.insert(
            alice.clone(),
            token("push", "repository:a:pull,push", 300, now),
            now,
        );
        cache.insert(
            nobody.clone(),
            token("anonymous", "repository:a:pull", 300, now),
            now,
        );
        check(&cache, &alice, "repository:a:pull", now, Some("push"));
        check(&cache, &alice, "repository:a:pull,push", now, Some("push"));
        check(&cache, &alice, "repository:a:delete", now, None);
        check(&cache, &alice, "repository:b:pull", now, None);
        check(&cache, &bob, "repository:a:pull", now, None);
        check(&cache, &nobody, "repository:a:pull", now, Some("anonymous"));
    }

    #[tokio::test]
    async fn tokens_are_renewed_before_they_expire() {
        let (cache, now) = (TokenCache::default(), Instant::now());
        let key = key(&Credential::Anonymous);
        cache.insert(key.clone(), token("t", "repository:a:pull", 100, now), now);
        let after = |seconds| now + Duration::from_secs(seconds);
        check(&cache, &key, "repository:a:pull", after(89), Some("t"));
        check(&cache, &key, "repository:a:pull", after(90), None);
        let scopes = Scope::parse_list("repository:a:pull");
        assert!(cache.find(&key, &scopes, Freshness::OneShot, after(49)).is_some());
        assert!(cache.find(&key, &scopes, Freshness::OneShot, after(50)).is_none());
    }

    #[tokio::test]
    async fn the_number_of_keys_is_bounded() {
        let (cache, now) = (TokenCache::default(), Instant::now());
        for number in 0..MAX_KEYS as u64 + 10 {
            let mut key = key(&Credential::Anonymous);
            key.service = number.to_string();
            cache.insert(key, token("t", "repository:a:pull", 100 + number, now), now);
        }
        assert_eq!(cache.lock().exchanged.len(), MAX_KEYS);
        let mut last = key(&Credential::Anonymous);
        last.service = (MAX_KEYS + 9).to_string();
        check(&cache, &last, "repository:a:pull", now, Some("t"));
        cache.clear();
        check(&cache, &last, "repository:a:pull", now, None);
    }

    #[tokio::test]
    async fn a_wider_token_replaces_narrower_ones() {
        let (cache, now) = (TokenCache::default(), Instant::now());
        let key = key(&Credential::Anonymous);
        cache.insert(key.clone(), token("narrow", "repository:a:pull", 300, now), now);
        let wide = token("wide", "repository:a:pull,push", 300, now);
        cache.insert(key.clone(), Arc::clone(&wide), now);
        check(&cache, &key, "repository:a:pull", now, Some("wide"));
        cache.remove(&key, &wide.header);
        check(&cache, &key, "repository:a:pull", now, None);
    }
}
