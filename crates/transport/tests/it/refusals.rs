//! Credentials that are not taken: who is told, and what is tried next.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::{BoxFuture, join_all};
use http::{Response, StatusCode};
use wharf_authn::{
    AnonymousKeychain, Authenticator, Credential, CredentialId, DockerConfig, Error as AuthnError,
    PullSecrets,
};
use wharf_transport::Body;

use crate::fake::{Asked, Net, challenge, keychain, pull, respond, send};

const BEARER: &str = r#"Bearer realm="https://auth.registry.example/token",service="svc""#;

/// Users `u0`, `u1` and so on, one after the other is refused; remembers what it is told.
#[derive(Debug)]
struct Users {
    credentials: Vec<Credential>,
    at: AtomicU32,
    told: Arc<Mutex<Vec<CredentialId>>>,
}

impl Users {
    fn new(credentials: impl IntoIterator<Item = Credential>) -> (Self, Arc<Mutex<Vec<CredentialId>>>) {
        let told = Arc::default();
        let users = Self {
            credentials: credentials.into_iter().collect(),
            at: AtomicU32::new(0),
            told: Arc::clone(&told),
        };
        (users, told)
    }

    fn at(&self) -> usize {
        self.at.load(Ordering::Relaxed) as usize
    }
}

impl Authenticator for Users {
    fn credential(&self) -> BoxFuture<'_, Result<Credential, AuthnError>> {
        let credential = self.credentials[self.at()].clone();
        Box::pin(async { Ok(credential) })
    }

    fn rejected(&self, credential: &CredentialId) -> bool {
        self.told.lock().expect("not poisoned").push(*credential);
        let is_current = self.credentials[self.at()].identity() == *credential;
        if is_current && self.at() + 1 < self.credentials.len() {
            self.at.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        !is_current
    }
}

fn basic(user: u32) -> Credential {
    Credential::basic(format!("u{user}"), "p")
}

/// `Basic u<n>:p`.
fn header(user: u32) -> &'static str {
    ["Basic dTA6cA==", "Basic dTE6cA==", "Basic dTI6cA=="][user as usize]
}

/// What was shown, in order.
fn shown(net: &Net) -> Vec<String> {
    net.asked()
        .iter()
        .map(|asked| asked.authorization().unwrap_or_default().to_owned())
        .collect()
}

/// A registry that takes the token `good`, and what its token server answers.
fn bearer(token: impl Fn(&Asked) -> Response<Body> + Send + Sync + 'static) -> Net {
    Net::new(move |asked| match (asked.host(), asked.authorization()) {
        ("auth.registry.example", _) => token(asked),
        (_, Some("Bearer good")) => respond(200, ""),
        _ => challenge(BEARER),
    })
}

fn token(text: &str) -> Response<Body> {
    respond(200, format!(r#"{{"token":"{text}","expires_in":300}}"#))
}

fn identities(users: &[Credential]) -> Vec<CredentialId> {
    users.iter().map(Credential::identity).collect()
}

#[tokio::test]
async fn a_registry_that_refuses_a_password_is_shown_the_next_one() {
    let net = Net::new(|asked| match asked.authorization() {
        Some(shown) if shown == header(2) => respond(200, ""),
        _ => challenge("Basic realm=x"),
    });
    let (users, told) = Users::new([basic(0), basic(1), basic(2)]);
    let transport = net.transport(keychain(users));
    assert_eq!(
        send(&transport, pull("app")).await.expect("the third is good"),
        200
    );
    assert_eq!(shown(&net), ["", header(0), header(1), header(2)]);
    assert_eq!(
        *told.lock().expect("not poisoned"),
        identities(&[basic(0), basic(1)])
    );
    // The one that did is used from then on.
    send(&transport, pull("app")).await.expect("known to be good");
    assert_eq!(net.asked().len(), 5);
}

#[tokio::test]
async fn the_last_refusal_is_the_answer() {
    let net = Net::new(|_| challenge("Basic realm=x"));
    let (users, told) = Users::new([basic(0), basic(1)]);
    let error = send(&net.transport(keychain(users)), pull("app"))
        .await
        .expect_err("none is good");
    assert_eq!(error.status(), Some(StatusCode::UNAUTHORIZED));
    assert_eq!(shown(&net), ["", header(0), header(1)]);
    assert_eq!(
        *told.lock().expect("not poisoned"),
        identities(&[basic(0), basic(1)])
    );
}

#[tokio::test]
async fn an_authenticator_that_always_promises_another_is_not_believed_for_ever() {
    #[derive(Debug)]
    struct Endless(AtomicU32);
    impl Authenticator for Endless {
        fn credential(&self) -> BoxFuture<'_, Result<Credential, AuthnError>> {
            let credential = basic(self.0.load(Ordering::Relaxed));
            Box::pin(async { Ok(credential) })
        }

        fn rejected(&self, _: &CredentialId) -> bool {
            self.0.fetch_add(1, Ordering::Relaxed);
            true
        }
    }
    let net = Net::new(|_| challenge("Basic realm=x"));
    send(&net.transport(keychain(Endless(AtomicU32::new(0)))), pull("app"))
        .await
        .expect_err("none is good");
    assert_eq!(net.asked().len(), 9);
    let net = bearer(|_| respond(401, ""));
    send(&net.transport(keychain(Endless(AtomicU32::new(0)))), pull("app"))
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
            Box::pin(async { Ok(basic(0)) })
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
        assert_eq!(shown(&net), ["", header(0)], "{scheme}");
    }
}

#[tokio::test]
async fn a_token_server_that_refuses_a_password_is_shown_the_next_one() {
    let net = bearer(|asked| match asked.authorization() {
        Some(shown) if shown == header(1) => token("good"),
        _ => respond(401, ""),
    });
    let (users, told) = Users::new([basic(0), basic(1)]);
    let transport = net.transport(keychain(users));
    send(&transport, pull("app")).await.expect("the second is good");
    assert_eq!(shown(&net), ["", header(0), header(1), "Bearer good"]);
    assert_eq!(*told.lock().expect("not poisoned"), identities(&[basic(0)]));
    send(&transport, pull("app")).await.expect("the token is kept");
    assert_eq!(net.asked().len(), 5);
}

/// A token server's refusal of an identity token, and whether it is one of the credential.
async fn check_grant(status: u16, body: &'static str, is_told: bool) {
    let net = bearer(move |asked| match asked.form("refresh_token").as_deref() {
        Some("r1") => token("good"),
        _ => respond(status, body),
    });
    let (first, second) = (Credential::identity_token("r0"), Credential::identity_token("r1"));
    let (users, told) = Users::new([first.clone(), second]);
    let result = send(&net.transport(keychain(users)), pull("app")).await;
    assert_eq!(result.is_ok(), is_told, "{status} {body}");
    let want = if is_told { identities(&[first]) } else { Vec::new() };
    assert_eq!(*told.lock().expect("not poisoned"), want, "{status} {body}");
}

#[tokio::test]
async fn refusals_of_identity_tokens_are_told_apart() {
    check_grant(401, "", true).await;
    check_grant(400, r#"{"error":"invalid_grant"}"#, true).await;
    check_grant(400, r#"{"error":"invalid_scope"}"#, false).await;
    check_grant(403, "", false).await;
    check_grant(500, "", false).await;
}

#[tokio::test]
async fn a_new_token_that_is_refused_was_made_for_the_wrong_credential() {
    let net = bearer(|asked| match asked.authorization() {
        Some(shown) if shown == header(1) => token("good"),
        _ => token("weak"),
    });
    let (users, told) = Users::new([basic(0), basic(1)]);
    send(&net.transport(keychain(users)), pull("app"))
        .await
        .expect("the second may read");
    assert_eq!(
        shown(&net),
        ["", header(0), "Bearer weak", header(1), "Bearer good"]
    );
    assert_eq!(*told.lock().expect("not poisoned"), identities(&[basic(0)]));
}

#[tokio::test]
async fn a_token_that_expired_early_is_not_held_against_its_credential() {
    let made = AtomicU32::new(0);
    let read = AtomicU32::new(0);
    let net = Net::new(move |asked| match (asked.host(), asked.authorization()) {
        ("auth.registry.example", _) => token(&format!("t{}", made.fetch_add(1, Ordering::Relaxed))),
        (_, Some("Bearer t0")) if read.fetch_add(1, Ordering::Relaxed) == 0 => respond(200, ""),
        (_, Some("Bearer t1")) => respond(200, ""),
        _ => challenge(BEARER),
    });
    let (users, told) = Users::new([basic(0), basic(1)]);
    let transport = net.transport(keychain(users));
    send(&transport, pull("app")).await.expect("the first token");
    send(&transport, pull("app")).await.expect("the second token");
    assert_eq!(
        shown(&net),
        ["", header(0), "Bearer t0", "Bearer t0", header(0), "Bearer t1"]
    );
    assert_eq!(*told.lock().expect("not poisoned"), []);
}

#[tokio::test]
async fn ten_at_once_leave_a_refused_credential_together() {
    let net = bearer(|asked| match asked.authorization() {
        Some(shown) if shown == header(1) => token("good"),
        _ => respond(401, ""),
    });
    let (users, _) = Users::new([basic(0), basic(1)]);
    let transport = net.transport(keychain(users));
    let results = join_all((0..10).map(|_| send(&transport, pull("app")))).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let exchanges = shown(&net)
        .into_iter()
        .filter(|shown| shown.starts_with("Basic"))
        .collect::<Vec<_>>();
    assert_eq!(exchanges, [header(0), header(1)]);
}

#[tokio::test]
async fn a_refusal_says_where_its_credentials_come_from() {
    const AUTH: &str = r#"{"auths":{"registry.example":{"auth":"dTA6cA=="}}}"#;
    const SOURCE: &str =
        r#" (credentials from given text: used "registry.example": a password of user "u0")"#;
    let stored = || DockerConfig::parse(AUTH).expect("a config");
    let body = r#"{"errors":[{"code":"DENIED","message":"no"}]}"#;
    let denied = Net::new(move |asked| match asked.authorization() {
        None => challenge("Basic realm=x"),
        Some(_) => respond(403, body),
    });
    let error = send(&denied.transport(stored()), pull("app"))
        .await
        .expect_err("denied");
    let text = "GET https://registry.example/v2/app/x: DENIED: no";
    assert_eq!(error.to_string(), format!("{text}{SOURCE}"));

    let net = bearer(|_| respond(401, ""));
    let error = send(&net.transport(stored()), pull("app"))
        .await
        .expect_err("refused by the token server");
    let text = "authenticating to https://registry.example for repository:app:pull";
    assert_eq!(error.to_string(), format!("{text}{SOURCE}"));

    let net = Net::new(|_| challenge("Basic realm=x"));
    let error = send(&net.transport(AnonymousKeychain), pull("app"))
        .await
        .expect_err("nobody");
    let text = error.to_string();
    assert!(text.ends_with(" (there are no credentials for it)"), "{text}");

    let net = Net::new(|_| respond(403, ""));
    let error = send(&net.transport(AnonymousKeychain), pull("app"))
        .await
        .expect_err("nobody");
    let text = error.to_string();
    assert!(text.ends_with("403 Forbidden"), "{text}");
}

#[tokio::test]
async fn pull_secrets_are_tried_one_after_the_other() {
    let secrets = PullSecrets::default()
        .with_docker_config_json("old", r#"{"auths":{"registry.example":{"auth":"dTA6cA=="}}}"#)
        .and_then(|secrets| {
            secrets.with_docker_config_json("new", r#"{"auths":{"registry.example":{"auth":"dTE6cA=="}}}"#)
        })
        .expect("good secrets");
    let net = bearer(|asked| match asked.authorization() {
        Some(shown) if shown == header(1) => token("good"),
        _ => respond(401, ""),
    });
    let transport = net.transport(secrets);
    send(&transport, pull("app")).await.expect("the second secret");
    assert_eq!(shown(&net), ["", header(0), header(1), "Bearer good"]);
    send(&transport, pull("app")).await.expect("the second secret");
    assert_eq!(net.asked().len(), 5);
}
