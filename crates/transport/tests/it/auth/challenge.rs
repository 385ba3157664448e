//! Which credentials are shown in answer to which challenge.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::StatusCode;
use wharf_authn::{AnonymousKeychain, Authenticator, Bearer, Error as AuthnError, Keychain, Resource};
use wharf_transport::Error;
use wharf_transport::auth::AuthFailure;

use super::{ALICE, BEARER, alice, bearer, good};
use crate::fake::{Net, challenge, keychain, pull, registry_request, respond, send};

#[tokio::test]
async fn an_open_registry_gets_one_request_and_no_credentials() {
    let net = Net::new(|_| respond(200, ""));
    send(&net.transport(alice()), pull("app")).await.expect("open");
    assert_eq!(net.lines(), ["GET https://registry.example/v2/app/x"]);
}

#[tokio::test]
async fn the_first_contact_takes_three_requests_and_the_next_one() {
    let net = bearer(|_| good());
    let transport = net.transport(alice());
    send(&transport, pull("app")).await.expect("authenticated");
    let token_url = "https://auth.registry.example/token?scope=repository%3Aapp%3Apull&service=svc";
    assert_eq!(
        net.lines(),
        [
            "GET https://registry.example/v2/app/x".to_owned(),
            format!("GET {token_url} {ALICE}"),
            "GET https://registry.example/v2/app/x Bearer good".to_owned(),
        ]
    );
    send(&transport, pull("app")).await.expect("authenticated");
    assert_eq!(net.lines(), ["GET https://registry.example/v2/app/x Bearer good"]);
    send(&transport, pull("other")).await.expect("authenticated");
    assert_eq!(
        net.lines().len(),
        2,
        "another repository needs another token, but no challenge"
    );
}

#[tokio::test]
async fn anonymous_users_get_tokens_too() {
    let net = bearer(|asked| {
        if asked.authorization().is_none() {
            good()
        } else {
            respond(500, "")
        }
    });
    send(&net.transport(AnonymousKeychain), pull("app"))
        .await
        .expect("public");
    assert_eq!(net.lines().len(), 3);
}

#[tokio::test]
async fn basic_is_answered_and_remembered() {
    let net = Net::new(|asked| match asked.authorization() {
        Some(ALICE) => respond(200, ""),
        _ => challenge("Basic realm=x"),
    });
    let transport = net.transport(alice());
    for _ in 0..2 {
        send(&transport, pull("app")).await.expect("authenticated");
    }
    let url = "GET https://registry.example/v2/app/x";
    assert_eq!(
        net.lines(),
        [url.to_owned(), format!("{url} {ALICE}"), format!("{url} {ALICE}")]
    );
}

#[tokio::test]
async fn scopes_of_the_challenge_are_added() {
    let net = Net::new(|asked| match asked.host() {
        "auth.registry.example" => {
            let wide = asked
                .uri
                .query()
                .is_some_and(|query| query.contains("app%3Apull%2Cpush"));
            respond(
                200,
                if wide {
                    r#"{"token":"wide"}"#
                } else {
                    r#"{"token":"narrow"}"#
                },
            )
        }
        _ if asked.authorization() == Some("Bearer wide") => respond(200, ""),
        _ => challenge(&format!(r#"{BEARER},scope="repository:app:push""#)),
    });
    let transport = net.transport(alice());
    send(&transport, pull("app")).await.expect("authenticated");
    assert_eq!(net.lines().len(), 3);
    send(&transport, pull("app")).await.expect("authenticated");
    assert_eq!(
        net.lines(),
        ["GET https://registry.example/v2/app/x Bearer wide"],
        "the wider token serves the less"
    );
}

#[tokio::test]
async fn a_403_for_want_of_scope_is_answered() {
    let net = Net::new(|asked| match (asked.host(), asked.authorization()) {
        ("auth.registry.example", _) => {
            let wide = asked.uri.query().is_some_and(|query| query.contains("delete"));
            respond(
                200,
                if wide {
                    r#"{"token":"wide"}"#
                } else {
                    r#"{"token":"narrow"}"#
                },
            )
        }
        (_, Some("Bearer wide")) => respond(200, ""),
        (_, None) => challenge(BEARER),
        _ => {
            let mut response = challenge(&format!(
                r#"{BEARER},error="insufficient_scope",scope="repository:app:delete""#
            ));
            *response.status_mut() = StatusCode::FORBIDDEN;
            response
        }
    });
    let transport = net.transport(alice());
    send(&transport, pull("app"))
        .await
        .expect_err("a second refusal is final");
    send(&transport, pull("app")).await.expect("known to need more");
}

#[tokio::test]
async fn a_challenge_may_name_another_server() {
    let net = Net::new(|asked| match (asked.host(), asked.authorization()) {
        ("auth.registry.example", _) => respond(200, r#"{"token":"old","expires_in":300}"#),
        ("new.registry.example", _) => {
            assert!(
                asked
                    .uri
                    .query()
                    .is_some_and(|query| query.contains("service=new"))
            );
            respond(200, r#"{"token":"new","expires_in":300}"#)
        }
        (_, Some("Bearer new")) => respond(200, ""),
        (_, Some("Bearer old")) if asked.uri.path().contains("first") => respond(200, ""),
        (_, Some("Bearer old")) if asked.uri.path().contains("evil") => {
            challenge(r#"Bearer realm="http://169.254.169.254/token",service="new""#)
        }
        (_, Some(_)) => challenge(r#"Bearer realm="https://new.registry.example/token",service="new""#),
        _ => challenge(BEARER),
    });
    let transport = net.transport(alice());
    send(&transport, pull("first")).await.expect("by the old server");
    let error = send(&transport, pull("evil")).await.expect_err("by no server");
    assert!(error.to_string().starts_with("authenticating to"), "{error}");
    assert!(net.asked().iter().all(|asked| asked.host() != "169.254.169.254"));
    let other = net.transport(alice());
    send(&other, pull("first")).await.expect("by the old server");
    send(&other, pull("second")).await.expect("by the new server");
    net.lines();
    send(&other, pull("second")).await.expect("remembered");
    assert_eq!(
        net.lines(),
        ["GET https://registry.example/v2/second/x Bearer new"]
    );
}

#[tokio::test]
async fn a_bearer_challenge_without_realm_is_an_error() {
    let net = Net::new(|_| challenge(r#"Bearer service="svc""#));
    let error = send(&net.transport(alice()), pull("app"))
        .await
        .expect_err("no realm");
    let Error::Auth(error) = error else {
        panic!("{error:?}")
    };
    assert!(matches!(error.failure, AuthFailure::MissingRealm));
    assert!(error.failure.to_string().contains("missing realm"));
}

#[tokio::test]
async fn a_keychain_that_fails_fails_the_request() {
    #[derive(Debug)]
    struct Broken;
    impl Keychain for Broken {
        fn resolve<'a>(
            &'a self,
            _: &'a Resource,
        ) -> BoxFuture<'a, Result<Arc<dyn Authenticator>, AuthnError>> {
            Box::pin(async { Err(AuthnError::other("locked")) })
        }
    }
    for header in [BEARER, "Basic realm=x"] {
        let net = Net::new(move |_| challenge(header));
        let error = send(&net.transport(Broken), pull("app"))
            .await
            .expect_err("nothing to show");
        let Error::Auth(error) = error else {
            panic!("{error:?}")
        };
        assert!(matches!(error.failure, AuthFailure::Credentials(_)));
        assert_eq!(net.lines().len(), 1);
    }
}

#[tokio::test]
async fn a_token_for_the_registry_itself_is_shown_as_it_is() {
    let net = bearer(|_| respond(500, ""));
    send(&net.transport(keychain(Bearer::new("good-by-hand"))), pull("app"))
        .await
        .expect("authenticated");
    assert_eq!(
        net.lines()[1],
        "GET https://registry.example/v2/app/x Bearer good-by-hand"
    );
    let basic = Net::new(|asked| match asked.authorization() {
        Some("Bearer by-hand") => respond(200, ""),
        _ => challenge("Basic realm=x"),
    });
    send(&basic.transport(keychain(Bearer::new("by-hand"))), pull("app"))
        .await
        .expect("authenticated");
}

#[tokio::test]
async fn credentials_need_tls_where_the_settings_do() {
    use tower::{Layer as _, ServiceExt as _};
    let net = Net::new(|_| challenge("Basic realm=x"));
    let alone = wharf_transport::auth::AuthLayer::new(Arc::new(alice())).layer(net.service());
    let plain = registry_request("registry.example", "http://registry.example/v2/");
    assert_eq!(alone.oneshot(plain).await.expect("an answer").status(), 401);
    assert_eq!(net.lines(), ["GET http://registry.example/v2/"]);
}

#[tokio::test]
async fn requests_without_context_get_nothing() {
    let net = bearer(|_| good());
    let mut request = pull("app");
    request
        .extensions_mut()
        .remove::<wharf_transport::RegistryContext>();
    send(&net.transport(alice()), request)
        .await
        .expect_err("not authenticated");
    assert_eq!(net.lines().len(), 1);
    let elsewhere = registry_request("registry.example", "https://other.example/v2/");
    send(&net.transport(alice()), elsewhere)
        .await
        .expect_err("not authenticated");
    assert_eq!(net.lines().len(), 1);
}
