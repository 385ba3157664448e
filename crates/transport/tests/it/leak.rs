//! Secrets arrive where they belong and nowhere else: every kind of credential against every way to lead it astray.

use futures_util::future::BoxFuture;
use http::Response;
use wharf_authn::{Authenticator, Basic, Bearer, Credential, Error as AuthnError, Keychain};
use wharf_transport::{Body, Error};

use crate::fake::{Asked, Net, challenge, keychain, pull, redirect, respond, send};

const PASSWORD: &str = "c2VjcmV0LXBhc3N3b3Jk";

#[derive(Debug)]
struct Identity;

impl Authenticator for Identity {
    fn credential(&self) -> BoxFuture<'_, Result<Credential, AuthnError>> {
        Box::pin(async { Ok(Credential::identity_token("secret-identity")) })
    }
}

fn has_secret(asked: &Asked) -> bool {
    let body = asked.body.as_ref().map_or_else(
        |_| String::new(),
        |body| String::from_utf8_lossy(body).into_owned(),
    );
    let headers: Vec<_> = asked
        .headers
        .values()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    let all = format!("{} {} {body}", asked.uri, headers.join(" "));
    // The Basic credential is `user:secret-password`; its base64 ends in this, shifted by the user's length.
    all.contains("secret") || all.contains(PASSWORD) || all.contains("dXNlcjpzZWNyZXQtcGFzc3dvcmQ")
}

/// Answers for the registry and its token server; `astray` says what the registry answers to who is authenticated, and
/// what all others answer.
fn net(
    scheme: &'static str,
    astray: impl Fn(&Asked) -> Option<Response<Body>> + Send + Sync + 'static,
) -> Net {
    Net::new(move |asked| {
        let home = asked.uri.scheme_str() == Some("https") && asked.uri.port().is_none();
        match asked.host() {
            "auth.registry.example" if home => respond(200, r#"{"token":"secret-token","expires_in":300}"#),
            "registry.example" if home => match asked.authorization() {
                None => challenge(&match scheme {
                    "basic" => "Basic realm=x".to_owned(),
                    _ => r#"Bearer realm="https://auth.registry.example/token""#.to_owned(),
                }),
                Some(_) => astray(asked).unwrap_or_else(|| respond(200, "")),
            },
            _ => astray(asked).unwrap_or_else(|| challenge("Basic realm=x")),
        }
    })
}

async fn each_credential(
    astray: impl Fn(&Asked) -> Option<Response<Body>> + Clone + Send + Sync + 'static,
    check: impl Fn(&str, Result<u16, Error>, Vec<Asked>),
) {
    let credentials: [(&str, &'static str, Box<dyn Keychain>); 4] = [
        (
            "basic",
            "basic",
            Box::new(keychain(Basic::new("user", "secret-password"))),
        ),
        (
            "bearer",
            "bearer",
            Box::new(keychain(Basic::new("user", "secret-password"))),
        ),
        ("refresh token", "bearer", Box::new(keychain(Identity))),
        (
            "ready token",
            "bearer",
            Box::new(keychain(Bearer::new("secret-ready"))),
        ),
    ];
    for (name, scheme, keychain) in credentials {
        let net = net(scheme, astray.clone());
        let transport = net.transport(keychain);
        let result = send(&transport, pull("app")).await;
        check(name, result, net.asked());
    }
}

fn is_home(asked: &Asked) -> bool {
    asked.uri.scheme_str() == Some("https")
        && asked.uri.port().is_none()
        && matches!(asked.host(), "registry.example" | "auth.registry.example")
}

#[tokio::test]
async fn secrets_reach_the_registry() {
    each_credential(
        |_| None,
        |name, result, asked| {
            assert_eq!(result.expect(name), 200);
            assert!(
                asked.iter().any(has_secret),
                "{name}: or this test proves nothing"
            );
            assert!(asked.iter().all(is_home));
        },
    )
    .await;
}

#[tokio::test]
async fn redirects_take_no_secret_along() {
    for status in [301, 302, 303, 307, 308] {
        for target in [
            "https://registry.example:8443/blob",
            "https://other.example/blob",
            "https://sub.registry.example/blob",
            "https://registry.example.evil.example/blob",
            "http://registry.example:8080/blob",
            "http://other.example/blob",
        ] {
            let astray = move |asked: &Asked| is_home(asked).then(|| redirect(status, target));
            each_credential(astray, |name, result, asked| {
                // The target wants credentials too, and gets none: not even a token is asked for it.
                result.expect_err("the target refuses");
                let leaks: Vec<_> = asked
                    .iter()
                    .filter(|asked| has_secret(asked) && !is_home(asked))
                    .collect();
                assert!(leaks.is_empty(), "{name} {status} {target}: {leaks:?}");
                let abroad = asked.iter().filter(|asked| !is_home(asked)).count();
                assert_eq!(
                    abroad,
                    usize::from(target.starts_with("https")),
                    "{name} {status} {target}"
                );
            })
            .await;
        }
    }
}

#[tokio::test]
async fn a_target_that_challenges_gets_nothing() {
    for header in [
        r#"Bearer realm="https://auth.other.example/token",service="registry.example",scope="repository:app:pull""#,
        r#"Bearer realm="https://auth.registry.example/token",service="registry.example""#,
        "Basic realm=x",
    ] {
        let astray = move |asked: &Asked| {
            Some(if is_home(asked) {
                redirect(307, "https://other.example/blob")
            } else {
                challenge(header)
            })
        };
        each_credential(astray, |name, result, asked| {
            assert!(result.expect_err(name).is_unauthorized());
            let abroad: Vec<_> = asked.iter().filter(|asked| !is_home(asked)).collect();
            assert_eq!(
                abroad.len(),
                1,
                "{name}: the target is asked once, its token server never"
            );
            assert!(!has_secret(abroad[0]), "{name}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_redirect_that_leads_back_brings_no_secret_back() {
    let astray = |asked: &Asked| match (is_home(asked), asked.uri.path()) {
        (true, "/v2/app/x") => Some(redirect(307, "https://other.example/bounce")),
        (false, _) => Some(redirect(307, "https://registry.example/v2/private/x")),
        _ => None,
    };
    each_credential(astray, |name, result, asked| {
        assert!(result.expect_err(name).is_unauthorized());
        let back: Vec<_> = asked
            .iter()
            .filter(|asked| asked.uri.path() == "/v2/private/x")
            .collect();
        assert_eq!(back.len(), 1, "{name}");
        assert!(!has_secret(back[0]), "{name}");
    })
    .await;
}

#[tokio::test]
async fn redirects_within_the_registry_keep_the_secret() {
    let astray = |asked: &Asked| (asked.uri.path() == "/v2/app/x").then(|| redirect(307, "/v2/app/y"));
    each_credential(astray, |name, result, asked| {
        assert_eq!(result.expect(name), 200);
        assert!(
            asked
                .iter()
                .filter(|asked| asked.uri.path() == "/v2/app/y")
                .all(|asked| asked.authorization().is_some())
        );
    })
    .await;
}
