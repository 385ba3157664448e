//! Who gave a credential is told when it is refused, and the next one is tried.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::{BoxFuture, join_all};
use http::Response;
use wharf_authn::{Authenticator, Credential, CredentialId, Error as AuthnError, PullSecrets};
use wharf_transport::retry::RetryOptions;
use wharf_transport::{Body, Error};

use super::{ALICE, BEARER};
use crate::fake::{Asked, Net, challenge, keychain, pull, respond, send};

/// Several credentials, the next after each that is refused; remembers what it was told.
#[derive(Clone, Debug)]
struct Several {
    credentials: Arc<[Credential]>,
    at: Arc<AtomicUsize>,
    told: Arc<Mutex<Vec<CredentialId>>>,
}

impl Several {
    fn new(credentials: impl IntoIterator<Item = Credential>) -> Self {
        Self {
            credentials: credentials.into_iter().collect(),
            at: Arc::default(),
            told: Arc::default(),
        }
    }

    /// How often it was told of each.
    fn told(&self) -> Vec<usize> {
        let told = self.told.lock().expect("not poisoned");
        let count = |known: &Credential| told.iter().filter(|id| **id == known.identity()).count();
        self.credentials.iter().map(count).collect()
    }
}

impl Authenticator for Several {
    fn credential(&self) -> BoxFuture<'_, Result<Credential, AuthnError>> {
        let credential = self.credentials[self.at.load(Ordering::Relaxed)].clone();
        Box::pin(async { Ok(credential) })
    }

    fn rejected(&self, credential: &CredentialId) -> bool {
        self.told.lock().expect("not poisoned").push(*credential);
        let at = self.at.load(Ordering::Relaxed);
        let is_last = at + 1 == self.credentials.len();
        if is_last || self.credentials[at].identity() != *credential {
            return false;
        }
        self.at.store(at + 1, Ordering::Relaxed);
        true
    }
}

const BOB: &str = "Basic Ym9iOmJ1aWxkZXI=";

fn people() -> [Credential; 2] {
    [
        Credential::basic("alice", "wonderland"),
        Credential::basic("bob", "builder"),
    ]
}

fn tokens() -> [Credential; 2] {
    [
        Credential::identity_token("alices"),
        Credential::identity_token("bobs"),
    ]
}

fn token(text: &str) -> Response<Body> {
    respond(200, format!(r#"{{"token":"{text}","expires_in":300}}"#))
}

/// A registry that takes tokens of bob's, with this token server.
fn bobs(token_server: impl Fn(&Asked) -> Response<Body> + Send + Sync + 'static) -> Net {
    Net::new(move |asked| match (asked.host(), asked.authorization()) {
        ("auth.registry.example", _) => token_server(asked),
        (_, Some("Bearer bobs")) => respond(200, ""),
        _ => challenge(BEARER),
    })
}

/// The first credential is refused in `requests` requests until the second works, which is then kept to.
async fn check(name: &str, credentials: [Credential; 2], net: Net, requests: usize) {
    let several = Several::new(credentials);
    let transport = net
        .builder(keychain(several.clone()))
        .retry(RetryOptions::never())
        .build()
        .expect("settings are valid");
    send(&transport, pull("app")).await.expect(name);
    assert_eq!(several.told(), [1, 0], "{name}");
    let lines = net.lines();
    assert_eq!(lines.len(), requests, "{name}: {lines:#?}");
    send(&transport, pull("app")).await.expect(name);
    assert_eq!((several.told(), net.lines().len()), (vec![1, 0], 1), "{name}");
}

#[tokio::test]
async fn by_a_registry_that_takes_passwords() {
    let net = Net::new(|asked| match asked.authorization() {
        Some(BOB) => respond(200, ""),
        _ => challenge("Basic realm=x"),
    });
    check("401", people(), net, 3).await;
    let net = Net::new(|asked| match asked.authorization() {
        Some(BOB) => respond(200, ""),
        Some(_) => respond(401, ""),
        None => challenge("Basic realm=x"),
    });
    check("401 without a challenge", people(), net, 3).await;
    let net = Net::new(|asked| match asked.authorization() {
        Some(BOB) => respond(200, ""),
        Some(_) => respond(403, "token has expired"),
        None => challenge("Basic realm=x"),
    });
    check("403, expired", people(), net, 3).await;
    let ready = [
        Credential::registry_token("alices"),
        Credential::registry_token("bobs"),
    ];
    check("ready tokens", ready, bobs(|_| respond(500, "")), 3).await;
}

#[tokio::test]
async fn by_a_token_server() {
    for status in [401, 403] {
        let net = bobs(move |asked| match asked.authorization() {
            Some(BOB) => token("bobs"),
            _ => respond(status, ""),
        });
        check("GET", people(), net, 4).await;
        let net = bobs(move |asked| match asked.form("refresh_token").as_deref() {
            Some("bobs") => token("bobs"),
            _ => respond(status, ""),
        });
        check("POST of a refresh token", tokens(), net, 4).await;
    }
    let invalid = || respond(400, r#"{"error":"invalid_grant"}"#);
    let net = bobs(move |asked| match asked.form("refresh_token").as_deref() {
        Some("bobs") => token("bobs"),
        _ => invalid(),
    });
    check("POST of a refresh token, 400", tokens(), net, 4).await;
    let net = bobs(
        move |asked| match (asked.method.as_str(), asked.form("username").as_deref()) {
            ("GET", _) => respond(405, ""),
            (_, Some("bob")) => token("bobs"),
            _ => invalid(),
        },
    );
    check("POST of a password", people(), net, 6).await;
}

#[tokio::test]
async fn by_a_registry_that_wants_better_tokens() {
    let net = bobs(|asked| match asked.authorization() {
        Some(BOB) => token("bobs"),
        // The token server tells nobody that his password is wrong.
        _ => token("nobodys"),
    });
    check("401 for a new token", people(), net, 5).await;
}

#[tokio::test]
async fn a_credential_is_not_refused_by_what_is_no_refusal() {
    for status in [400, 404, 429, 500, 503] {
        let several = Several::new(people());
        let net = bobs(move |_| respond(status, ""));
        let builder = net
            .builder(keychain(several.clone()))
            .retry(RetryOptions::never());
        let transport = builder.build().expect("settings are valid");
        send(&transport, pull("app")).await.expect_err("no token");
        assert_eq!(several.told(), [0, 0], "{status} of the token server");
    }
    for status in [403, 404, 500] {
        let several = Several::new(people());
        let net = Net::new(move |asked| match (asked.host(), asked.authorization()) {
            ("auth.registry.example", _) => token("alices"),
            (_, None) => challenge(BEARER),
            _ => respond(status, ""),
        });
        let builder = net
            .builder(keychain(several.clone()))
            .retry(RetryOptions::never());
        let transport = builder.build().expect("settings are valid");
        send(&transport, pull("app")).await.expect_err("no content");
        assert_eq!(several.told(), [0, 0], "{status} of the registry");
    }
    // A token that is forgotten by the registry before its time.
    let (several, count) = (Several::new(people()), AtomicUsize::new(0));
    let net = Net::new(move |asked| match (asked.host(), asked.authorization()) {
        ("auth.registry.example", _) => token(&format!("t{}", count.fetch_add(1, Ordering::Relaxed))),
        (_, Some("Bearer t0")) if asked.uri.path().contains("first") => respond(200, ""),
        (_, Some("Bearer t1" | "Bearer t2")) => respond(200, ""),
        _ => challenge(BEARER),
    });
    let transport = net.transport(keychain(several.clone()));
    for path in ["first", "second", "first"] {
        send(&transport, pull(path)).await.expect("authenticated");
    }
    assert_eq!(several.told(), [0, 0]);
}

#[tokio::test]
async fn when_all_are_refused_the_last_refusal_is_told() {
    let many = |count: usize| (0..count).map(|n| Credential::basic("user", n.to_string()));
    for (count, shown) in [(3, 3), (20, 8)] {
        let several = Several::new(many(count));
        let net = Net::new(|_| challenge("Basic realm=x"));
        let transport = net.transport(keychain(several.clone()));
        let error = send(&transport, pull("app")).await.expect_err("refused");
        assert!(
            matches!(error, Error::Registry(_)) && error.is_unauthorized(),
            "{error:?}"
        );
        assert_eq!(net.lines().len(), 1 + shown);

        let several = Several::new(many(count));
        let net = bobs(|_| respond(401, ""));
        let transport = net.transport(keychain(several.clone()));
        let error = send(&transport, pull("app")).await.expect_err("refused");
        assert!(
            matches!(error, Error::Auth(_)) && error.is_unauthorized(),
            "{error:?}"
        );
        assert_eq!(net.lines().len(), 1 + shown);
        assert_eq!(several.told().iter().sum::<usize>(), shown);
    }
}

#[tokio::test]
async fn ten_at_once_tell_it_once() {
    for by_token in [true, false] {
        let several = Several::new(people());
        let net = Net::new(move |asked| match (asked.host(), asked.authorization()) {
            ("auth.registry.example", Some(BOB)) => token("bobs"),
            ("auth.registry.example", _) => respond(401, ""),
            (_, Some(BOB | "Bearer bobs")) => respond(200, ""),
            _ => challenge(if by_token { BEARER } else { "Basic realm=x" }),
        });
        let transport = net.transport(keychain(several.clone()));
        for result in join_all((0..10).map(|_| send(&transport, pull("app")))).await {
            result.expect("by the second");
        }
        assert_eq!(several.told(), [1, 0]);
        let exchanges = |credential: &str| {
            let asked = net.asked();
            let exchanges = asked
                .iter()
                .filter(|asked| asked.host() == "auth.registry.example");
            exchanges
                .filter(|asked| asked.authorization() == Some(credential))
                .count()
        };
        assert_eq!(
            (exchanges(ALICE), exchanges(BOB)),
            if by_token { (1, 1) } else { (0, 0) }
        );
    }
}

/// Pull secrets make their choice anew each time they are asked; what was refused is remembered all the same.
#[tokio::test]
async fn the_next_pull_secret_is_tried() {
    let secret = |user: &str, password: &str| {
        format!(r#"{{"auths":{{"registry.example":{{"username":"{user}","password":"{password}"}}}}}}"#)
    };
    let (first, second) = (secret("alice", "wonderland"), secret("bob", "builder"));
    let secrets = || {
        PullSecrets::default()
            .with_docker_config_json("first", &first)
            .and_then(|secrets| secrets.with_docker_config_json("second", &second))
            .expect("secrets")
    };
    let net = Net::new(|asked| match asked.authorization() {
        Some(BOB) => respond(200, ""),
        _ => challenge("Basic realm=x"),
    });
    let transport = net.transport(secrets());
    send(&transport, pull("app")).await.expect("by the second");
    assert_eq!(net.lines().len(), 3);
    send(&transport, pull("app")).await.expect("by the second");
    assert_eq!(net.lines().len(), 1);
    // Where none does, each is shown once in each request.
    let net = Net::new(|_| challenge("Basic realm=x"));
    let transport = net.transport(secrets());
    send(&transport, pull("app")).await.expect_err("refused");
    assert_eq!(net.lines().len(), 3);
    send(&transport, pull("app")).await.expect_err("refused");
    let shown: Vec<_> = net
        .asked()
        .iter()
        .filter_map(|asked| asked.authorization().map(str::to_owned))
        .collect();
    assert_eq!(shown.len(), 2, "{shown:?}");
}

#[tokio::test]
async fn a_refresh_token_that_is_refused_is_forgotten() {
    let net = bobs(|asked| match asked.form("refresh_token").as_deref() {
        Some("bobs") => respond(200, r#"{"token":"bobs","refresh_token":"next","expires_in":300}"#),
        _ => respond(400, r#"{"error":"invalid_grant"}"#),
    });
    let several = Several::new([Credential::identity_token("bobs")]);
    let transport = net.transport(keychain(several.clone()));
    for path in ["a", "b", "c"] {
        send(&transport, pull(path)).await.expect("authenticated");
    }
    let used: Vec<_> = net
        .asked()
        .iter()
        .filter_map(|asked| asked.form("refresh_token"))
        .collect();
    assert_eq!(used, ["bobs", "next", "bobs", "next", "bobs"]);
    assert_eq!(several.told(), [0], "it was not this one that was refused");
}

#[tokio::test]
async fn nobody_is_told_of_an_anonymous_refusal() {
    let several = Several::new([Credential::Anonymous, Credential::basic("bob", "builder")]);
    let net = Net::new(|_| challenge("Basic realm=x"));
    send(&net.transport(keychain(several.clone())), pull("app"))
        .await
        .expect_err("refused");
    assert_eq!(several.told(), [0, 0], "nothing was shown");
}

#[tokio::test]
async fn an_authenticator_that_always_promises_another_is_not_believed_for_ever() {
    #[derive(Debug)]
    struct Endless(AtomicUsize);
    impl Authenticator for Endless {
        fn credential(&self) -> BoxFuture<'_, Result<Credential, AuthnError>> {
            let number = self.0.load(Ordering::Relaxed);
            let credential = Credential::basic("user", number.to_string());
            Box::pin(async { Ok(credential) })
        }

        fn rejected(&self, _: &CredentialId) -> bool {
            self.0.fetch_add(1, Ordering::Relaxed);
            true
        }
    }
    let net = Net::new(|_| challenge("Basic realm=x"));
    send(
        &net.transport(keychain(Endless(AtomicUsize::new(0)))),
        pull("app"),
    )
    .await
    .expect_err("none is good");
    assert_eq!(net.asked().len(), 9);
    let net = bobs(|_| respond(401, ""));
    send(
        &net.transport(keychain(Endless(AtomicUsize::new(0)))),
        pull("app"),
    )
    .await
    .expect_err("none is good");
    assert_eq!(net.asked().len(), 9);
}

#[tokio::test]
async fn one_that_promises_another_and_has_none_is_not_shown_again() {
    #[derive(Debug)]
    struct Stubborn;
    impl Authenticator for Stubborn {
        fn credential(&self) -> BoxFuture<'_, Result<Credential, AuthnError>> {
            Box::pin(async { Ok(Credential::basic("user", "wrong")) })
        }

        fn rejected(&self, _: &CredentialId) -> bool {
            true
        }
    }
    for scheme in ["Basic realm=x", BEARER] {
        let net = Net::new(move |asked| match asked.host() {
            "auth.registry.example" => respond(401, ""),
            _ => challenge(scheme),
        });
        send(&net.transport(keychain(Stubborn)), pull("app"))
            .await
            .expect_err("refused");
        assert_eq!(net.asked().len(), 2, "{scheme}");
    }
}
