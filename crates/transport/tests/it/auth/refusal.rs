//! What is said of a refusal, and when it is read without credentials.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{Request, StatusCode};
use tokio::time::Instant;
use wharf_authn::{
    AnonymousKeychain, Authenticator, Basic, Credential, DockerConfig, Error as AuthnError, Explanation,
    Keychain, PullSecrets, Resource,
};
use wharf_transport::auth::{AuthOptions, Shown, StaleCredentials};
use wharf_transport::retry::RetryOptions;
use wharf_transport::{Accepted, Actions, Body};

use super::{BEARER, OF_ALICE, alice, bearer};
use crate::fake::{Net, challenge, keychain, pull, request, respond, send};

/// A JSON web token: `{"access":[{"type":"repository","name":"app","actions":["pull"]}]}`.
const PULL_ONLY: &str =
    "e30.eyJhY2Nlc3MiOlt7InR5cGUiOiJyZXBvc2l0b3J5IiwibmFtZSI6ImFwcCIsImFjdGlvbnMiOlsicHVsbCJdfV19.c2ln";

#[tokio::test]
async fn wrong_credentials_are_shown_once() {
    let net = Net::new(|_| challenge("Basic realm=x"));
    let transport = net.transport(alice());
    for requests in [2, 1] {
        let error = send(&transport, pull("app")).await.expect_err("refused");
        assert!(error.is_unauthorized(), "{error}");
        assert_eq!(net.lines().len(), requests);
    }
    let error = send(&net.transport(AnonymousKeychain), pull("app"))
        .await
        .expect_err("refused");
    assert!(error.is_unauthorized(), "{error}");
    assert_eq!(net.lines().len(), 1, "who has nothing to show does not ask twice");
}

/// A credential that is another one each time it is asked for.
#[derive(Debug, Default)]
struct Rotating(AtomicU32);

impl Authenticator for Rotating {
    fn credential(&self) -> BoxFuture<'_, Result<Credential, AuthnError>> {
        let password = format!("p{}", self.0.fetch_add(1, Ordering::Relaxed));
        Box::pin(async { Ok(Credential::basic("AWS", password)) })
    }
}

#[tokio::test]
async fn a_credential_that_expired_is_asked_for_once_more() {
    const P0: &str = "Basic QVdTOnAw";
    for (text, sent) in [
        (
            "Your Authorization Token has expired. Reauthenticate and try again.",
            3,
        ),
        ("denied", 2),
    ] {
        let net = Net::new(move |asked| match asked.authorization() {
            None => challenge("Basic realm=x"),
            Some(P0) => respond(403, text),
            Some(_) => respond(200, ""),
        });
        let result = send(&net.transport(keychain(Rotating::default())), pull("app")).await;
        assert_eq!(net.asked().len(), sent, "{text}");
        match result {
            Ok(status) => assert_eq!((status, sent), (200, 3)),
            Err(error) => {
                let answer = error.registry_error().expect("an answer");
                assert_eq!((answer.shown.as_ref(), sent), (Some(&Shown::Basic), 2));
                let source = r#" (credentials from StaticKeychain: used: a password of user "AWS")"#;
                assert!(error.to_string().ends_with(&format!("{text}{source}")), "{error}");
            }
        }
    }
    // The same credential again is not shown again.
    let net = Net::new(|asked| match asked.authorization() {
        None => challenge("Basic realm=x"),
        Some(_) => respond(403, "expired"),
    });
    send(&net.transport(alice()), pull("app"))
        .await
        .expect_err("refused");
    assert_eq!(net.asked().len(), 2);
}

#[tokio::test]
async fn refusals_tell_what_the_token_lacks() {
    let net = Net::new(|asked| match (asked.host(), asked.authorization()) {
        ("auth.registry.example", _) => respond(200, format!(r#"{{"token":"{PULL_ONLY}"}}"#)),
        (_, Some(_)) => respond(403, r#"{"errors":[{"code":"DENIED","message":"no"}]}"#),
        _ => challenge(BEARER),
    });
    let push = request("PUT", "app", Actions::Push, Body::full("{}"));
    let error = send(&net.transport(alice()), push).await.expect_err("refused");
    assert!(
        error.to_string().ends_with(&format!(
            "DENIED: no (the token does not grant repository:app:pull,push){OF_ALICE}"
        )),
        "{error}"
    );
    let answer = error.registry_error().expect("an answer");
    let Some(Shown::Token { asked, granted, .. }) = &answer.shown else {
        panic!("{:?}", answer.shown);
    };
    assert_eq!(asked[0].to_string(), "repository:app:pull,push");
    assert_eq!(
        granted.as_ref().expect("a JWT")[0].to_string(),
        "repository:app:pull"
    );
    assert!(!format!("{error:?}").contains("eyJhY2Nlc3Mi"), "{error:?}");
}

#[tokio::test]
async fn reading_without_a_refused_credential_is_a_choice() {
    // The credential is out of date; anonymous users may read the public repository.
    let net = |at_token_server: bool, status: u16| {
        Net::new(move |asked| match (asked.host(), asked.authorization()) {
            ("auth.registry.example", Some(_)) if at_token_server => respond(status, ""),
            ("auth.registry.example", Some(_)) => respond(200, r#"{"token":"stale"}"#),
            ("auth.registry.example", None) => respond(200, r#"{"token":"anonymous"}"#),
            (_, Some("Bearer anonymous")) if asked.method == "GET" && asked.uri.path().contains("public") => {
                respond(200, "")
            }
            (_, Some("Bearer stale")) => respond(status, ""),
            _ => challenge(BEARER),
        })
    };
    let policy = AuthOptions::default().with_stale_credentials(StaleCredentials::PullAnonymously);
    for at_token_server in [true, false] {
        for status in [401, 403] {
            let net = net(at_token_server, status);
            let strict = net.transport(alice());
            let error = send(&strict, pull("public")).await.expect_err("as told");
            assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
            let lenient = net.builder(alice()).auth(policy.clone()).build().expect("valid");
            send(&lenient, pull("public")).await.expect("anonymously");
            net.lines();
            send(&lenient, pull("public")).await.expect("remembered");
            assert_eq!(
                net.lines(),
                ["GET https://registry.example/v2/public/x Bearer anonymous"]
            );
            // The first refusal is what is told of what nobody may read.
            let error = send(&lenient, pull("private")).await.expect_err("private");
            assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
            net.lines();
            let push = request("PUT", "public", Actions::Push, Body::full("{}"));
            send(&lenient, push)
                .await
                .expect_err("writes are never anonymous");
            assert!(net.lines().iter().all(|line| !line.contains("Bearer anonymous")));
        }
    }
    // Other failures are no refusals.
    let net = net(true, 429);
    let lenient = net
        .builder(alice())
        .auth(policy)
        .retry(RetryOptions::never())
        .build()
        .expect("valid");
    let error = send(&lenient, pull("public")).await.expect_err("busy");
    assert!(error.is_rate_limited(), "{error:?}");
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

/// The hint for a refusal.
async fn hint(net: &Net, keychain: impl Keychain, request: Request<Body>) -> String {
    let error = send(&net.transport(keychain), request)
        .await
        .expect_err("refused");
    assert!(!format!("{error:?}").contains("wonderland"), "{error:?}");
    error.hint().expect("it is refused")
}

#[tokio::test]
async fn hints_name_what_was_asked_for_and_the_usual_causes() {
    const BAD: &str = "the credentials may be wrong, have expired, or be for another registry";
    const LOGIN: &str = "the registry may want a login, or there is no such repository";
    const NOT_ALLOWED: &str = "the user may not be allowed to do this, or there is no such repository";
    let wants_basic = Net::new(|_| challenge("Basic realm=x"));
    assert_eq!(hint(&wants_basic, alice(), pull("app")).await, BAD);
    assert_eq!(hint(&wants_basic, AnonymousKeychain, pull("app")).await, LOGIN);
    for status in [401, 403] {
        let refuses = bearer(move |_| respond(status, ""));
        assert_eq!(hint(&refuses, alice(), pull("app")).await, BAD);
        assert_eq!(hint(&refuses, AnonymousKeychain, pull("app")).await, LOGIN);
    }
    let gives = |token: &'static str, status| {
        Net::new(move |asked| match (asked.host(), asked.authorization()) {
            ("auth.registry.example", _) => respond(200, format!(r#"{{"token":"{token}"}}"#)),
            (_, Some(_)) => respond(status, ""),
            _ => challenge(BEARER),
        })
    };
    let push = || request("PUT", "app", Actions::Push, Body::full("{}"));
    for status in [401, 403] {
        assert_eq!(
            hint(&gives(PULL_ONLY, status), alice(), push()).await,
            format!(
                "asked for repository:app:pull,push, the token grants repository:app:pull: {NOT_ALLOWED}"
            )
        );
    }
    // {"access":[]}
    const GRANTS_NOTHING: &str = "e30.eyJhY2Nlc3MiOltdfQ.c2ln";
    assert_eq!(
        hint(&gives(GRANTS_NOTHING, 401), AnonymousKeychain, pull("app")).await,
        format!("asked for repository:app:pull, the token grants nothing: {LOGIN}")
    );
    // Where the token cannot be read, there is nothing to say of it.
    assert_eq!(
        hint(&gives("opaque", 403), alice(), pull("app")).await,
        format!("asked for repository:app:pull: {NOT_ALLOWED}")
    );
}

#[tokio::test]
async fn a_refusal_tells_of_the_last_of_several_credentials() {
    let secrets = || {
        PullSecrets::default()
            .with_docker_config_json("one", r#"{"auths":{"registry.example":{"auth":"YWxpY2U6eA=="}}}"#)
            .and_then(|secrets| {
                secrets
                    .with_docker_config_json("two", r#"{"auths":{"registry.example":{"auth":"Ym9iOng="}}}"#)
            })
            .expect("secrets")
    };
    let of_bob = r#" (credentials from the next of several: used: a password of user "bob")"#;
    for net in [
        Net::new(|_| challenge("Basic realm=x")),
        bearer(|_| respond(401, "")),
    ] {
        let error = send(&net.transport(secrets()), pull("app"))
            .await
            .expect_err("refused");
        assert!(error.to_string().ends_with(of_bob), "{error}");
    }
}

/// A keychain that takes for ever to say why it has what it has.
#[derive(Debug)]
struct Tacit;

impl Keychain for Tacit {
    fn resolve<'a>(&'a self, _: &'a Resource) -> BoxFuture<'a, Result<Arc<dyn Authenticator>, AuthnError>> {
        Box::pin(async { Ok(Arc::new(Basic::new("alice", "wonderland")) as _) })
    }

    fn explain<'a>(&'a self, _: &'a Resource) -> BoxFuture<'a, Explanation> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn an_explanation_is_not_waited_for() {
    let net = Net::new(|_| challenge("Basic realm=x"));
    let error = send(&net.transport(Tacit), pull("app"))
        .await
        .expect_err("refused");
    let text = r#" (credentials from keychain: used: a password of user "alice")"#;
    assert!(error.to_string().ends_with(text), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_the_caller_expects_is_not_explained() {
    let net = Net::new(|_| challenge("Basic realm=x"));
    let mut request = pull("app");
    request
        .extensions_mut()
        .insert(Accepted(&[StatusCode::UNAUTHORIZED]));
    let before = Instant::now();
    assert_eq!(send(&net.transport(Tacit), request).await.expect("expected"), 401);
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn other_failures_get_no_hint() {
    for status in [404, 429, 500] {
        let net = Net::new(move |_| respond(status, ""));
        let builder = net.builder(alice()).retry(RetryOptions::never());
        let transport = builder.build().expect("settings are valid");
        let error = send(&transport, pull("app")).await.expect_err("no content");
        assert_eq!(error.hint(), None);
    }
    let net = bearer(|_| respond(503, ""));
    let builder = net.builder(alice()).retry(RetryOptions::never());
    let transport = builder.build().expect("settings are valid");
    let error = send(&transport, pull("app")).await.expect_err("no token");
    assert_eq!(error.hint(), None);
}
