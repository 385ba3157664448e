//! Tokens that are still good.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use tokio::time::Instant;
use wharf_authn::CredentialId;

use crate::Scope;
use crate::origin::Origin;

/// More tokens for one key are not kept: the oldest go first.
const MAX_TOKENS: usize = 256;

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
    expires: Instant,
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

/// All tokens of one stack.
#[derive(Debug, Default)]
pub(super) struct TokenCache(Mutex<HashMap<TokenKey, Vec<Arc<Token>>>>);

impl TokenCache {
    /// A token for all of `scopes`, if there is one that is fresh.
    pub(super) fn find(
        &self,
        key: &TokenKey,
        scopes: &[Scope],
        freshness: Freshness,
        now: Instant,
    ) -> Option<Arc<Token>> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let good =
            |token: &&Arc<Token>| token.is_fresh(freshness, now) && Scope::all_covered(&token.scopes, scopes);
        tokens.get(key)?.iter().rev().find(good).cloned()
    }

    pub(super) fn insert(&self, key: TokenKey, token: Arc<Token>, now: Instant) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = tokens.entry(key).or_default();
        held.retain(|old| old.expires > now && !Scope::all_covered(&token.scopes, &old.scopes));
        if held.len() >= MAX_TOKENS {
            held.remove(0);
        }
        held.push(token);
    }

    /// Forgets a token that a registry did not take.
    pub(super) fn remove(&self, key: &TokenKey, header: &HeaderValue) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = tokens.get_mut(key) {
            held.retain(|token| token.header != header);
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
