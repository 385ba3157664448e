//! What token servers are asked, and what they answer.

use std::sync::atomic::{AtomicU32, Ordering};

use http::StatusCode;
use wharf_authn::AnonymousKeychain;
use wharf_transport::origin::Origin;
use wharf_transport::settings::RegistrySettings;
use wharf_transport::{Actions, Body, Error};

use super::{Identity, OF_ALICE, alice, bearer, good};
use crate::fake::{Net, challenge, keychain, pull, redirect, repository, request, respond, send};

#[tokio::test(start_paused = true)]
async fn a_token_server_that_fails_once_is_asked_again() {
    let count = AtomicU32::new(0);
    let net = bearer(move |_| {
        if count.fetch_add(1, Ordering::Relaxed) == 0 {
            respond(503, "")
        } else {
            good()
        }
    });
    send(&net.transport(alice()), pull("app"))
        .await
        .expect("authenticated");
}

#[tokio::test]
async fn a_refused_part_does_not_spoil_the_rest() {
    let net = bearer(|asked| match asked.uri.query() {
        Some(query) if query.contains("source") => respond(403, ""),
        _ => good(),
    });
    let mut push = request("POST", "app", Actions::Push, Body::empty());
    let context = push
        .extensions_mut()
        .get_mut::<wharf_transport::RegistryContext>()
        .expect("set");
    context.scopes.push(wharf_transport::Scope::repository(
        &repository("source"),
        Actions::Pull,
    ));
    send(&net.transport(alice()), push)
        .await
        .expect("without the mount");
}

#[tokio::test]
async fn identity_tokens_are_posted_and_rotate() {
    let net = bearer(|asked| {
        let token = asked.form("refresh_token").unwrap_or_default();
        assert_eq!((asked.method.as_str(), asked.authorization()), ("POST", None));
        assert_eq!(asked.form("grant_type").as_deref(), Some("refresh_token"));
        assert_eq!(asked.form("service").as_deref(), Some("svc"));
        match token.as_str() {
            "original" => respond(200, r#"{"access_token":"good1","refresh_token":"rotated"}"#),
            "rotated" => respond(200, r#"{"access_token":"good2"}"#),
            _ => respond(401, ""),
        }
    });
    let transport = net.transport(keychain(Identity(None)));
    send(&transport, pull("app")).await.expect("authenticated");
    send(&transport, pull("other")).await.expect("authenticated");
    let used: Vec<_> = net
        .asked()
        .iter()
        .filter_map(|asked| asked.form("refresh_token"))
        .collect();
    assert_eq!(used, ["original", "rotated"]);
}

#[tokio::test]
async fn older_token_servers_take_the_identity_token_as_a_password() {
    for status in [404, 405, 401] {
        let net = bearer(move |asked| match asked.authorization() {
            Some("Basic YXp1cmU6b3JpZ2luYWw=") => good(),
            _ => respond(status, ""),
        });
        send(&net.transport(keychain(Identity(Some("azure")))), pull("app"))
            .await
            .expect("authenticated");
    }
    let net = bearer(|_| respond(404, ""));
    let error = send(&net.transport(keychain(Identity(None))), pull("app"))
        .await
        .expect_err("no user to try");
    assert!(matches!(error, Error::Auth(_)), "{error:?}");
}

#[tokio::test]
async fn token_servers_that_take_no_get_are_posted_to() {
    let net = bearer(
        |asked| match (asked.method.as_str(), asked.form("grant_type").as_deref()) {
            ("POST", Some("password")) => {
                assert_eq!(asked.form("username").as_deref(), Some("alice"));
                assert_eq!(asked.form("password").as_deref(), Some("wonderland"));
                assert_eq!(asked.form("scope").as_deref(), Some("repository:app:pull"));
                assert_eq!(asked.authorization(), None);
                good()
            }
            _ => respond(405, ""),
        },
    );
    send(&net.transport(alice()), pull("app"))
        .await
        .expect("authenticated");
    let error = send(&net.transport(AnonymousKeychain), pull("app"))
        .await
        .expect_err("nobody");
    assert_eq!(error.status(), Some(StatusCode::METHOD_NOT_ALLOWED));
}

#[tokio::test]
async fn identity_tokens_stay_at_the_site_of_their_registry() {
    let net = Net::new(|asked| match asked.host() {
        "auth.other.example" => good(),
        _ if asked.authorization().is_some() => respond(200, ""),
        _ => challenge(r#"Bearer realm="https://auth.other.example/token""#),
    });
    let error = send(&net.transport(keychain(Identity(None))), pull("app"))
        .await
        .expect_err("another site");
    assert!(format!("{error:?}").contains("ForeignSite"), "{error:?}");
    assert_eq!(net.lines().len(), 1);

    let realm = Origin::of(&"https://auth.other.example/".parse().expect("URL")).expect("origin");
    let trusting = net
        .builder(keychain(Identity(None)))
        .default_settings(RegistrySettings::default().with_trusted_realm(realm))
        .build()
        .expect("settings are valid");
    send(&trusting, pull("app")).await.expect("trusted");
}

#[tokio::test]
async fn what_the_token_server_says_is_in_the_error() {
    let net = bearer(|_| {
        respond(
            401,
            r#"{"errors":[{"code":"UNAUTHORIZED","message":"wrong password"}]}"#,
        )
    });
    let error = send(&net.transport(alice()), pull("app"))
        .await
        .expect_err("refused");
    assert!(error.is_unauthorized() && !error.is_temporary());
    assert_eq!(error.status(), Some(StatusCode::UNAUTHORIZED));
    assert_eq!(
        error.to_string(),
        format!("authenticating to https://registry.example for repository:app:pull{OF_ALICE}")
    );
    let mut chain = String::new();
    let mut next = std::error::Error::source(&error);
    while let Some(error) = next {
        chain = format!("{chain}|{error}");
        next = error.source();
    }
    assert_eq!(
        chain,
        "|asking for a token|GET https://auth.registry.example/token?scope=repository%3Aapp%3Apull&service=svc: \
         UNAUTHORIZED: wrong password"
    );
}

#[tokio::test]
async fn answers_of_token_servers_are_capped_and_not_shown() {
    for body in [
        "{\"no\":\"s3cret\"}".to_owned(),
        "s3cret".to_owned(),
        format!("\"{}s3cret", "x".repeat(70_000)),
    ] {
        let net = bearer(move |_| respond(200, body.clone()));
        let error = send(&net.transport(alice()), pull("app"))
            .await
            .expect_err("no token");
        assert!(matches!(error, Error::Auth(_)), "{error:?}");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}

#[tokio::test]
async fn realms_that_lead_astray_are_not_contacted() {
    for realm in [
        "http://auth.registry.example/token",
        "https://169.254.169.254/token",
        "https://metadata.google.internal/token",
        "https://localhost/token",
        "https://2130706433/token",
        "https://user:pw@auth.registry.example/token",
        "/token",
    ] {
        let net = Net::new(move |asked| match asked.host() {
            "registry.example" => challenge(&format!(r#"Bearer realm="{realm}""#)),
            _ => good(),
        });
        let error = send(&net.transport(alice()), pull("app")).await.expect_err(realm);
        assert!(format!("{error:?}").contains("UnsafeUrl"), "{error:?}");
        assert_eq!(net.lines().len(), 1, "{realm}");
    }
}

#[tokio::test]
async fn token_servers_may_redirect_within_themselves_only() {
    let net = bearer(|asked| match asked.uri.path() {
        "/token" => redirect(307, "/v2/token"),
        _ => good(),
    });
    send(&net.transport(alice()), pull("app"))
        .await
        .expect("authenticated");
    for target in [
        "https://evil.example/",
        "https://auth.registry.example:444/",
        "http://auth.registry.example:81/",
    ] {
        let net = bearer(move |_| redirect(307, target));
        for transport in [net.transport(alice()), net.transport(keychain(Identity(None)))] {
            send(&transport, pull("app")).await.expect_err(target);
        }
        assert!(
            net.asked()
                .iter()
                .all(|asked| asked.host().ends_with("registry.example"))
        );
        assert!(net.asked().iter().all(|asked| asked.uri.port().is_none()));
    }
}

#[tokio::test]
async fn service_and_scope_cannot_break_out_of_their_parameters() {
    let net = Net::new(|asked| match asked.host() {
        "auth.registry.example" => good(),
        _ if asked.authorization().is_some() => respond(200, ""),
        _ => challenge(
            r#"Bearer realm="https://auth.registry.example/token",service="a&b=c#d%0d",scope="repository:app&x=y:pull""#,
        ),
    });
    send(&net.transport(alice()), pull("app"))
        .await
        .expect("authenticated");
    let asked = net.asked();
    let query = asked[1].uri.query().expect("a query");
    let keys: Vec<_> = url::form_urlencoded::parse(query.as_bytes())
        .map(|(key, _)| key.into_owned())
        .collect();
    assert_eq!(keys, ["scope", "scope", "service"]);
}
