//! How long tokens are used, and who shares them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use wharf_authn::{Basic, Keychain};
use wharf_transport::Scope;
use wharf_transport::auth::{AuthOptions, TokenCache};
use wharf_transport::origin::Origin;

use super::{BEARER, OF_ALICE, alice, bearer, good};
use crate::fake::{Net, challenge, keychain, pull, respond, send};

#[tokio::test]
async fn ten_at_once_share_one_exchange() {
    let net = bearer(|_| good());
    let transport = net.transport(alice());
    let all = join_all((0..10).map(|_| send(&transport, pull("app")))).await;
    assert!(all.into_iter().all(|result| result.is_ok()));
    let exchanges = net
        .asked()
        .iter()
        .filter(|asked| asked.host() == "auth.registry.example")
        .count();
    assert_eq!((exchanges, net.asked().len()), (1, 21));
}

#[tokio::test]
async fn a_shared_exchange_outlives_who_started_it() {
    let net = bearer(|_| good());
    let transport = net.transport(alice());
    let (mut starter, mut joined) = (
        Box::pin(send(&transport, pull("app"))),
        Box::pin(send(&transport, pull("app"))),
    );
    // Each is driven until it has its 401, and with that waits for the token.
    for (refused, waiting) in [(1, &mut starter), (2, &mut joined)] {
        while net.asked().len() < refused {
            assert!(waiting.as_mut().now_or_never().is_none());
        }
    }
    assert_eq!(net.asked().len(), 2, "no token yet");
    drop(starter);
    joined.await.expect("authenticated");
    let tokens = net
        .asked()
        .iter()
        .filter(|asked| asked.host() == "auth.registry.example")
        .count();
    assert_eq!(tokens, 1);
}

#[tokio::test(start_paused = true)]
async fn tokens_are_renewed_before_they_expire() {
    let count = Arc::new(AtomicU32::new(0));
    let given = Arc::clone(&count);
    let net = bearer(move |_| {
        let n = given.fetch_add(1, Ordering::Relaxed);
        respond(200, format!(r#"{{"token":"good{n}","expires_in":100}}"#))
    });
    let transport = net.transport(alice());
    send(&transport, pull("app")).await.expect("authenticated");
    tokio::time::advance(Duration::from_secs(80)).await;
    net.lines();
    send(&transport, pull("app")).await.expect("authenticated");
    assert_eq!(
        net.lines(),
        ["GET https://registry.example/v2/app/x Bearer good0"]
    );
    tokio::time::advance(Duration::from_secs(15)).await;
    // In the middle of many requests, none of which sees a 401.
    let all = join_all((0..50).map(|_| send(&transport, pull("app")))).await;
    assert!(all.into_iter().all(|result| result.is_ok()));
    assert_eq!(net.asked().len(), 51);
    assert_eq!(count.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_token_that_is_not_taken_is_replaced_once() {
    let count = Arc::new(AtomicU32::new(0));
    let given = Arc::clone(&count);
    let net = Net::new(move |asked| match (asked.host(), asked.authorization()) {
        ("auth.registry.example", _) => {
            let n = given.fetch_add(1, Ordering::Relaxed);
            respond(200, format!(r#"{{"token":"t{n}","expires_in":300}}"#))
        }
        // The first token is revoked after its first use.
        (_, Some("Bearer t0")) if given.load(Ordering::Relaxed) == 1 && asked.uri.path().contains("app") => {
            respond(200, "")
        }
        (_, Some("Bearer t1")) => respond(200, ""),
        _ => challenge(BEARER),
    });
    let transport = net.transport(alice());
    send(&transport, pull("app")).await.expect("authenticated");
    assert_eq!(count.load(Ordering::Relaxed), 1);
    // Never taken: the second 401 is final.
    let error = send(&transport, pull("never"))
        .await
        .map_err(|error| error.status());
    assert_eq!(error, Ok(200));
    let refused = Net::new(|asked| match asked.host() {
        "auth.registry.example" => respond(200, r#"{"token":"bad"}"#),
        _ => challenge(
            r#"Bearer realm="https://auth.registry.example/token",error="invalid_token",error_description="no""#,
        ),
    });
    let error = send(&refused.transport(alice()), pull("app"))
        .await
        .expect_err("refused");
    assert_eq!(refused.asked().len(), 3, "401, token, 401");
    assert!(error.is_unauthorized());
    assert!(
        error.to_string().ends_with(&format!(
            "UNAUTHORIZED: who are you (invalid_token: no){OF_ALICE}"
        )),
        "{error}"
    );
}

#[tokio::test]
async fn fifty_requests_that_meet_a_dead_token_make_one_exchange() {
    let (given, dead) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (count, first_good) = (Arc::clone(&given), Arc::clone(&dead));
    let net = Net::new(move |asked| {
        if asked.host() == "auth.registry.example" {
            let number = count.fetch_add(1, Ordering::Relaxed);
            return respond(200, format!(r#"{{"token":"t{number}","expires_in":300}}"#));
        }
        let shown = asked
            .authorization()
            .and_then(|header| header.strip_prefix("Bearer t"));
        match shown.map(|number| number.parse::<u32>().expect("a number")) {
            Some(number) if number >= first_good.load(Ordering::Relaxed) => respond(200, ""),
            _ => challenge(BEARER),
        }
    });
    let transport = net.transport(alice());
    send(&transport, pull("app")).await.expect("authenticated");
    // The registry forgets all tokens of before.
    dead.store(1, Ordering::Relaxed);
    let all = join_all((0..50).map(|_| send(&transport, pull("app")))).await;
    assert!(all.into_iter().all(|result| result.is_ok()));
    assert_eq!(given.load(Ordering::Relaxed), 2, "one exchange for all of them");
}

#[tokio::test]
async fn stacks_can_share_their_tokens() {
    let net = bearer(|_| good());
    let tokens = TokenCache::default();
    let stack = |keychain: Box<dyn Keychain>| {
        net.builder(keychain)
            .auth(AuthOptions::default().with_tokens(tokens.clone()))
            .build()
            .expect("settings are valid")
    };
    send(&stack(Box::new(alice())), pull("app"))
        .await
        .expect("by exchange");
    assert_eq!(net.lines().len(), 3);
    // The other stack has to ask how, but not for a token.
    let second = stack(Box::new(alice()));
    send(&second, pull("app")).await.expect("by the same token");
    assert_eq!(net.lines().len(), 2);
    // Another user has to ask for everything.
    let bob = stack(Box::new(keychain(Basic::new("bob", "builder"))));
    send(&bob, pull("app")).await.expect("by exchange");
    assert_eq!(net.lines().len(), 3);
    tokens.clear();
    send(&second, pull("app")).await.expect("by another exchange");
    assert_eq!(net.lines().len(), 2);
    assert!(!format!("{tokens:?}").contains("good"), "{tokens:?}");
}

#[tokio::test]
async fn tokens_can_be_put_in() {
    let net = bearer(|_| good());
    let tokens = TokenCache::default();
    let origin = |url: &str| Origin::of(&url.parse().expect("URL")).expect("an origin");
    let scopes = || Scope::parse_list("repository:app:pull");
    let life = Duration::from_secs(300);
    let seed = |registry: &str, token: &str| tokens.seed(origin(registry), scopes(), &token.into(), life);
    seed("https://registry.example", "good-seed").expect("a token");
    seed("https://other.example", "other-seed").expect("a token");
    seed("https://registry.example", "two\nlines").expect_err("no token");
    let transport = net
        .builder(alice())
        .auth(AuthOptions::default().with_tokens(tokens.clone()))
        .build()
        .expect("settings are valid");
    send(&transport, pull("app")).await.expect("at once");
    assert_eq!(
        net.lines(),
        ["GET https://registry.example/v2/app/x Bearer good-seed"]
    );
    // It is for that and nothing else.
    send(&transport, pull("base")).await.expect("by exchange");
    assert_eq!(net.lines().len(), 3);
    // One that is refused is replaced.
    seed("https://registry.example", "bad-seed").expect("a token");
    send(&transport, pull("app")).await.expect("by exchange");
    assert_eq!(net.lines().len(), 3);
    send(&transport, pull("app")).await.expect("by the new token");
    assert_eq!(net.lines(), ["GET https://registry.example/v2/app/x Bearer good"]);
}
