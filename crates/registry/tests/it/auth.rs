//! Who is let in.

use std::time::Duration;

use wharf_registry::Registry;
use wharf_registry::auth::{Action, Authentication, Basic, Bearer, BearerOptions, Rights, Users};

use crate::harness::{Harness, Reply};

fn users() -> Users {
    Users::new()
        .with("ann", "secret:with colon")
        .with_rights("bob", "hunter2", Rights::pull())
        .with_rights(
            "eve",
            "pass",
            Rights::custom(|repository, _| repository.starts_with("eve/")),
        )
}

fn registry(authentication: impl Into<Authentication>) -> Harness {
    Harness::new(
        Registry::builder()
            .authentication(authentication)
            .record()
            .build(),
    )
}

fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {encoded}")
}

async fn ask(registry: &Harness, method: &str, path: &str, authorization: &str) -> Reply {
    let headers = [("authorization", authorization), ("host", "registry.test:5000")];
    registry
        .ask(
            method,
            path,
            if authorization.is_empty() {
                &headers[1..]
            } else {
                &headers
            },
            "",
        )
        .await
}

#[tokio::test]
async fn basic_lets_users_in() {
    let registry = registry(Basic::new(users()));
    let ann = basic("ann", "secret:with colon");
    ask(&registry, "GET", "/v2/", &ann).await.expect(200);
    ask(&registry, "GET", "/v2/", &ann.replace("Basic", "bAsIc"))
        .await
        .expect(200);
    ask(&registry, "POST", "/v2/a/blobs/uploads/", &ann)
        .await
        .expect(202);
    ask(&registry, "GET", "/v2/_catalog", &ann).await.expect(200);
    let wrong = [
        basic("ann", "wrong"),
        basic("nobody", "x"),
        "Basic !".into(),
        "Basic".into(),
        "Bearer x".into(),
        String::new(),
    ];
    for authorization in wrong {
        for path in ["/v2/", "/v2/a/tags/list", "/v2/_catalog", "/v2/%00/tags/list"] {
            let reply = ask(&registry, "GET", path, &authorization).await;
            let challenge = reply.expect_error(401, "UNAUTHORIZED").header("www-authenticate");
            assert!(challenge.starts_with("Basic realm="), "{challenge}");
        }
    }
}

#[tokio::test]
async fn basic_denies_what_a_user_has_no_right_to() {
    let registry = registry(Basic::new(users().with_anonymous(Rights::custom(
        |repository, action| repository == "public" && action == Action::Pull,
    ))));
    let bob = basic("bob", "hunter2");
    ask(&registry, "GET", "/v2/a/tags/list", &bob)
        .await
        .expect_error(404, "NAME_UNKNOWN");
    ask(&registry, "POST", "/v2/a/blobs/uploads/", &bob)
        .await
        .expect_error(403, "DENIED");
    ask(&registry, "DELETE", "/v2/a/manifests/x", &bob)
        .await
        .expect_error(403, "DENIED");
    let eve = basic("eve", "pass");
    ask(&registry, "POST", "/v2/eve/blobs/uploads/", &eve)
        .await
        .expect_error(403, "DENIED");
    ask(&registry, "POST", "/v2/eve/x/blobs/uploads/", &eve)
        .await
        .expect(202);
    ask(&registry, "GET", "/v2/_catalog", &eve)
        .await
        .expect_error(403, "DENIED");
    for nobody in [String::new(), basic("", "")] {
        ask(&registry, "GET", "/v2/public/tags/list", &nobody)
            .await
            .expect_error(404, "NAME_UNKNOWN");
    }
    ask(&registry, "GET", "/v2/a/tags/list", "")
        .await
        .expect_error(401, "UNAUTHORIZED");
    ask(&registry, "GET", "/v2/", "")
        .await
        .expect_error(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn a_blob_is_not_mounted_from_where_the_caller_may_not_read() {
    let registry = registry(Basic::new(users()));
    let ann = basic("ann", "secret:with colon");
    let digest = wharf_v1::sha256("");
    for repository in ["private", "eve/other"] {
        let path = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
        ask(&registry, "POST", &path, &ann).await.expect(201);
    }
    let eve = basic("eve", "pass");
    let mount = |from: &str| format!("/v2/eve/x/blobs/uploads/?mount={digest}{from}");
    ask(&registry, "POST", &mount("&from=private"), &eve)
        .await
        .expect(202);
    ask(&registry, "POST", &mount("&from=eve/other"), &eve)
        .await
        .expect(201);
    ask(
        &registry,
        "DELETE",
        &format!("/v2/eve/other/blobs/{digest}"),
        &eve,
    )
    .await
    .expect(202);
    ask(&registry, "DELETE", &format!("/v2/eve/x/blobs/{digest}"), &eve)
        .await
        .expect(202);
    ask(&registry, "POST", &mount(""), &eve).await.expect(202);
}

/// Does what a challenge says, and returns the `Authorization` that comes of it.
async fn exchange(registry: &Harness, challenge: &str, user: &str) -> String {
    let value = |name: &str| {
        let start = challenge.find(&format!("{name}=\""))? + name.len() + 2;
        Some(challenge[start..].split('"').next()?.to_owned())
    };
    assert_eq!(
        value("realm").as_deref(),
        Some("http://registry.test:5000/token"),
        "{challenge}"
    );
    let scope = value("scope")
        .map(|scope| format!("&scope={scope}"))
        .unwrap_or_default();
    let path = format!("/token?service={}{scope}", value("service").expect("a service"));
    let reply = ask(registry, "GET", &path, user).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.header("cache-control"), "no-store");
    let json = reply.json();
    assert_eq!(json["token"], json["access_token"]);
    format!("Bearer {}", json["token"].as_str().expect("a token"))
}

#[tokio::test]
async fn a_token_is_good_for_its_scope() {
    let bearer = Bearer::new(users());
    let registry = registry(bearer.clone());
    let ann = basic("ann", "secret:with colon");
    let challenge = |reply: &Reply| {
        reply
            .expect_error(401, "UNAUTHORIZED")
            .header("www-authenticate")
            .to_owned()
    };
    let base = challenge(&ask(&registry, "GET", "/v2/", "").await);
    assert_eq!(
        base,
        r#"Bearer realm="http://registry.test:5000/token",service="wharf""#
    );
    let token = exchange(&registry, &base, &ann).await;
    ask(&registry, "GET", "/v2/", &token).await.expect(200);

    let pull = challenge(&ask(&registry, "GET", "/v2/a/b/tags/list", &token).await);
    assert!(
        pull.ends_with(r#"scope="repository:a/b:pull",error="insufficient_scope""#),
        "{pull}"
    );
    let token = exchange(&registry, &pull, &ann).await;
    ask(&registry, "GET", "/v2/a/b/tags/list", &token)
        .await
        .expect_error(404, "NAME_UNKNOWN");
    challenge(&ask(&registry, "GET", "/v2/a/tags/list", &token).await);

    let push = challenge(&ask(&registry, "POST", "/v2/a/b/blobs/uploads/", &token).await);
    assert!(push.contains(r#"scope="repository:a/b:pull,push""#), "{push}");
    let token = exchange(&registry, &push, &ann).await;
    ask(&registry, "POST", "/v2/a/b/blobs/uploads/", &token)
        .await
        .expect(202);
    let delete = challenge(&ask(&registry, "DELETE", "/v2/a/b/manifests/x", &token).await);
    assert!(delete.contains(r#"scope="repository:a/b:delete""#), "{delete}");
    let catalog = challenge(&ask(&registry, "GET", "/v2/_catalog", &token).await);
    assert!(catalog.contains(r#"scope="registry:catalog:*""#), "{catalog}");
    let token = exchange(&registry, &catalog, &ann).await;
    ask(&registry, "GET", "/v2/_catalog", &token).await.expect(200);

    assert_eq!(registry.registry.token_exchanges(), 4);
    bearer.revoke_all();
    let revoked = challenge(&ask(&registry, "GET", "/v2/_catalog", &token).await);
    assert!(revoked.ends_with(r#"error="invalid_token""#), "{revoked}");
    assert!(
        !format!("{:?}", registry.registry).contains("secret"),
        "passwords in Debug"
    );
}

#[tokio::test]
async fn a_token_gives_no_more_than_its_users_rights() {
    let registry = registry(Bearer::new(users()));
    let scope =
        r#"Bearer realm="http://registry.test:5000/token",service="wharf",scope="repository:a:pull,push""#;
    let token = exchange(&registry, scope, &basic("bob", "hunter2")).await;
    ask(&registry, "GET", "/v2/a/tags/list", &token)
        .await
        .expect_error(404, "NAME_UNKNOWN");
    ask(&registry, "POST", "/v2/a/blobs/uploads/", &token)
        .await
        .expect_error(401, "UNAUTHORIZED");
    for authorization in [basic("bob", "wrong"), "Basic x".into(), String::new()] {
        let refused = ask(&registry, "GET", "/token?scope=repository:a:pull", &authorization).await;
        assert_eq!(refused.status, 401, "{refused:?}");
    }
    assert_eq!(registry.registry.token_exchanges(), 1);
}

#[tokio::test]
async fn anybody_gets_a_token_for_what_everybody_may_do() {
    let registry = registry(Bearer::new(users().with_anonymous(Rights::pull())));
    let scope =
        r#"Bearer realm="http://registry.test:5000/token",service="wharf",scope="repository:a:pull,push""#;
    let token = exchange(&registry, scope, "").await;
    ask(&registry, "GET", "/v2/a/tags/list", &token)
        .await
        .expect_error(404, "NAME_UNKNOWN");
    ask(&registry, "POST", "/v2/a/blobs/uploads/", &token)
        .await
        .expect_error(401, "UNAUTHORIZED");
}

#[tokio::test(start_paused = true)]
async fn a_token_expires() {
    let options = BearerOptions::default()
        .with_expiry(Duration::from_secs(60))
        .with_service("other");
    let registry = registry(Bearer::with_options(users(), options));
    let reply = ask(&registry, "GET", "/token", &basic("ann", "secret:with colon")).await;
    assert_eq!(reply.json()["expires_in"], 60);
    let token = format!("Bearer {}", reply.json()["token"].as_str().expect("a token"));
    tokio::time::advance(Duration::from_secs(59)).await;
    ask(&registry, "GET", "/v2/", &token).await.expect(200);
    tokio::time::advance(Duration::from_secs(1)).await;
    let challenge = ask(&registry, "GET", "/v2/", &token).await;
    let challenge = challenge
        .expect_error(401, "UNAUTHORIZED")
        .header("www-authenticate");
    assert!(
        challenge.contains(r#"service="other""#) && challenge.contains("invalid_token"),
        "{challenge}"
    );
}

#[tokio::test]
async fn a_token_comes_by_oauth_too() {
    let registry = registry(Bearer::new(users()));
    let post = async |form: &str| registry.ask("POST", "/token", &[], form.to_owned()).await;
    let scope = "service=wharf&scope=repository:a:pull+repository:b/c:pull,push";
    let form =
        format!("grant_type=password&username=ann&password=secret%3Awith+colon&access_type=offline&{scope}");
    let first = post(&form).await.json();
    let refresh = first["refresh_token"].as_str().expect("a refresh token");
    let second = post(&format!(
        "grant_type=refresh_token&refresh_token={refresh}&{scope}"
    ))
    .await
    .json();
    for json in [first.clone(), second] {
        let token = format!("Bearer {}", json["access_token"].as_str().expect("a token"));
        ask(&registry, "GET", "/v2/a/tags/list", &token).await.expect(404);
        ask(&registry, "POST", "/v2/b/c/blobs/uploads/", &token)
            .await
            .expect(202);
        ask(&registry, "POST", "/v2/a/blobs/uploads/", &token)
            .await
            .expect(401);
    }
    for (form, status) in [
        ("grant_type=password&username=ann&password=x", 401),
        ("grant_type=refresh_token&refresh_token=x", 401),
        ("grant_type=magic", 400),
        ("", 400),
        (&"x".repeat(100_000), 400),
    ] {
        assert_eq!(post(form).await.status, status, "{:.20}", form);
    }
    assert_eq!(ask(&registry, "PUT", "/token", "").await.status, 405);
}

#[tokio::test]
async fn a_token_mounts_only_from_what_it_can_read() {
    let registry = registry(Bearer::new(users()));
    let ann = basic("ann", "secret:with colon");
    let token = async |scopes: &str| {
        let reply = ask(&registry, "GET", &format!("/token?{scopes}"), &ann).await;
        format!("Bearer {}", reply.json()["token"].as_str().expect("a token"))
    };
    let digest = wharf_v1::sha256("");
    let from = token("scope=repository:from:pull,push").await;
    ask(
        &registry,
        "POST",
        &format!("/v2/from/blobs/uploads/?digest={digest}"),
        &from,
    )
    .await
    .expect(201);
    let mount = format!("/v2/to/blobs/uploads/?mount={digest}&from=from");
    let without = token("scope=repository:to:pull,push").await;
    ask(&registry, "POST", &mount, &without).await.expect(202);
    let with = token("scope=repository:to:pull,push&scope=repository:from:pull").await;
    ask(&registry, "POST", &mount, &with).await.expect(201);
}
