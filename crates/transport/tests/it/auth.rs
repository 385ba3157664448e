//! The authentication handshake, through the whole stack.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use http::{Response, StatusCode};
use wharf_authn::{
    AnonymousKeychain, Authenticator, Basic, Bearer, Credential, Error as AuthnError, Keychain, Resource,
};
use wharf_transport::auth::{AuthFailure, AuthOptions, Shown, StaleCredentials, TokenCache};
use wharf_transport::origin::Origin;
use wharf_transport::retry::RetryOptions;
use wharf_transport::settings::RegistrySettings;
use wharf_transport::{Actions, Body, Error, Scope};

use crate::fake::{
    Asked, Net, challenge, keychain, one_shot, pull, redirect, registry_request, reopenable, repository,
    request, respond, send,
};

const ALICE: &str = "Basic YWxpY2U6d29uZGVybGFuZA==";
/// What messages say of where hers comes from.
const OF_ALICE: &str = r#" (credentials from StaticKeychain: used: a password of user "alice")"#;

fn alice() -> impl Keychain {
    keychain(Basic::new("alice", "wonderland"))
}

/// An identity token, as `docker login` stores it at some registries.
#[derive(Debug)]
struct Identity(Option<&'static str>);

impl Authenticator for Identity {
    fn credential(&self) -> BoxFuture<'_, Result<Credential, AuthnError>> {
        let username = self.0.map(ToOwned::to_owned);
        Box::pin(async {
            Ok(Credential::IdentityToken {
                username,
                token: "original".into(),
            })
        })
    }
}

const BEARER: &str = r#"Bearer realm="https://auth.registry.example/token",service="svc""#;

/// A registry that wants a token whose text is `token`, and a token server that gives them out.
fn bearer(token: impl Fn(&Asked) -> Response<Body> + Send + Sync + 'static) -> Net {
    Net::new(move |asked| match asked.host() {
        "auth.registry.example" => token(asked),
        _ if asked
            .authorization()
            .is_some_and(|header| header.starts_with("Bearer good")) =>
        {
            respond(200, "content")
        }
        _ => challenge(BEARER),
    })
}

fn good() -> Response<Body> {
    respond(200, r#"{"token":"good","expires_in":300}"#)
}

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

#[tokio::test]
async fn uploads_are_sent_whole_after_a_401() {
    for body in [Body::full("asdf"), reopenable(Some(4)), reopenable(None)] {
        let net = bearer(|_| good());
        send(
            &net.transport(alice()),
            request("PUT", "app", Actions::Push, body),
        )
        .await
        .expect("authenticated");
        let sent: Vec<_> = net
            .asked()
            .iter()
            .filter(|asked| asked.method == "PUT")
            .map(|asked| asked.body.clone())
            .collect();
        assert_eq!(sent, [Ok("asdf".into()), Ok("asdf".into())]);
    }
}

#[tokio::test]
async fn what_can_be_sent_once_is_sent_with_a_token_from_the_start() {
    let net = bearer(|_| good());
    let upload = request("PUT", "app", Actions::Push, one_shot("asdf", Some(4)));
    send(&net.transport(alice()), upload)
        .await
        .expect("authenticated");
    let lines = net.lines();
    assert_eq!(lines[0], "GET https://registry.example/v2/");
    assert_eq!(lines[2], "PUT https://registry.example/v2/app/x Bearer good");
    assert_eq!(lines.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_can_be_sent_once_gets_a_token_that_lasts() {
    let net = bearer(|_| respond(200, r#"{"token":"good","expires_in":100}"#));
    let transport = net.transport(alice());
    send(&transport, request("POST", "app", Actions::Push, Body::empty()))
        .await
        .expect("authenticated");
    tokio::time::advance(Duration::from_secs(60)).await;
    net.lines();
    send(
        &transport,
        request("PUT", "app", Actions::Push, one_shot("asdf", Some(4))),
    )
    .await
    .expect("authenticated");
    assert_eq!(
        net.lines().len(),
        2,
        "the token would be good for a usual request, but is renewed for this one"
    );
}

#[tokio::test]
async fn what_can_be_sent_once_is_never_sent_twice() {
    let net = Net::new(|asked| match (asked.host(), asked.method.as_str()) {
        ("auth.registry.example", _) => good(),
        (_, "PUT") if asked.authorization().is_none() => challenge(BEARER),
        _ => respond(200, ""),
    });
    let transport = net.transport(alice());
    let upload = || request("PUT", "app", Actions::Push, one_shot("asdf", Some(4)));
    let error = send(&transport, upload())
        .await
        .expect_err("cannot be sent again");
    assert!(
        matches!(
            error,
            Error::NotReplayable {
                status: StatusCode::UNAUTHORIZED,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.is_unauthorized());
    assert_eq!(
        net.asked().iter().filter(|asked| asked.method == "PUT").count(),
        1
    );
    send(&transport, upload())
        .await
        .expect("what was found out is remembered");

    let error = send(&net.transport(AnonymousKeychain), upload()).await;
    assert!(
        matches!(error, Err(Error::NotReplayable { .. })),
        "an anonymous token is something to show"
    );
    let basic = Net::new(|asked| {
        if asked.method == "PUT" {
            challenge("Basic realm=x")
        } else {
            respond(200, "")
        }
    });
    let error = send(&basic.transport(AnonymousKeychain), upload())
        .await
        .expect_err("nothing to show");
    assert!(matches!(error, Error::Registry(_)), "{error:?}");
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
async fn refusals_tell_what_the_token_lacks() {
    // {"access":[{"type":"repository","name":"app","actions":["pull"]}]}
    const JWT: &str =
        "e30.eyJhY2Nlc3MiOlt7InR5cGUiOiJyZXBvc2l0b3J5IiwibmFtZSI6ImFwcCIsImFjdGlvbnMiOlsicHVsbCJdfV19.c2ln";
    let net = Net::new(|asked| match (asked.host(), asked.authorization()) {
        ("auth.registry.example", _) => respond(200, format!(r#"{{"token":"{JWT}"}}"#)),
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
