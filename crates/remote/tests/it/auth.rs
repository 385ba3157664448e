//! Registries that want a token.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{Method, StatusCode};
use wharf_authn::{Basic, Secret, StaticKeychain};
use wharf_name::{DigestReference, Reference};
use wharf_registry::Registry;
use wharf_registry::auth::{Authentication, Bearer, BearerOptions, Users};
use wharf_registry::hook::{Fault, Reaction};
use wharf_remote::{Client, CopyOptions, Error};
use wharf_v1::{Layer, random};

use crate::kit::{Kit, recording, reference, sorted};

/// A registry at `a.test` that hands out tokens, and a client that has a password for it.
fn with_tokens() -> (Kit, Bearer) {
    with_realm("https://a.test/token")
}

/// The same with a token server that is elsewhere.
fn with_realm(realm: &str) -> (Kit, Bearer) {
    let options = BearerOptions::default().with_realm(realm);
    let bearer = Bearer::with_options(Users::new().with("user", "password"), options);
    let registry = Registry::builder()
        .record()
        .authentication(Authentication::Bearer(bearer.clone()))
        .build();
    let kit = Kit::with(registry, recording(), |client| {
        let basic = Basic::new("user", Secret::from("password"));
        let name = reference("a.test/app").registry().clone();
        client.keychain(Arc::new(StaticKeychain::new(name, Arc::new(basic))))
    });
    (kit, bearer)
}

#[tokio::test]
async fn a_cold_head_is_three_requests_and_a_warm_one_is_one() {
    let (kit, _) = with_tokens();
    let tag = reference("a.test/app:v1");
    kit.client
        .write(&tag, &random::image(1, 1, 10))
        .await
        .expect("written");
    kit.forget_requests();
    // A client that knows nothing, with the same credentials.
    let (other, _) = with_tokens();
    assert!(
        other
            .client
            .head(&tag)
            .await
            .expect_err("not there")
            .is_not_found()
    );
    let asked = other.asked_a();
    assert_eq!(asked.len(), 3, "{asked:#?}");
    assert_eq!(asked[0], "HEAD app/manifests/v1 401");
    assert!(asked[1].starts_with("GET /token?"), "{asked:#?}");
    assert_eq!(asked[2], "HEAD app/manifests/v1 404");
    assert!(
        other
            .client
            .head(&tag)
            .await
            .expect_err("not there")
            .is_not_found()
    );
    assert_eq!(other.asked_a(), ["HEAD app/manifests/v1 404"]);
}

#[tokio::test]
async fn a_push_needs_one_token() {
    let (kit, bearer) = with_tokens();
    kit.client
        .write(&reference("a.test/app:v1"), &random::image(1, 3, 10))
        .await
        .expect("written");
    assert_eq!(bearer.exchanges(), 1);
    let unauthorized = kit.asked_a().iter().filter(|line| line.ends_with(" 401")).count();
    assert_eq!(unauthorized, 1);
}

#[tokio::test]
async fn ten_at_once_need_one_token() {
    let (kit, bearer) = with_tokens();
    let tag = reference("a.test/app:v1");
    kit.client
        .write(&tag, &random::image(1, 1, 10))
        .await
        .expect("written");
    bearer.revoke_all();
    let before = bearer.exchanges();
    let heads = (0..10).map(|_| kit.client.head(&tag));
    futures_util::future::try_join_all(heads).await.expect("there");
    assert_eq!(bearer.exchanges() - before, 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ends_during_an_upload_is_renewed_and_the_bytes_sent_whole() {
    let (kit, bearer) = with_tokens();
    let layer: Arc<dyn Layer> = Arc::new(random::layer(1, 100_000));
    let app = reference("a.test/app:v1").repository().clone();
    // The token is gone between the session's begin and the bytes.
    kit.a.faults().add(
        Fault::when(move |request| {
            if request.method == Method::PUT && bearer.exchanges() == 1 {
                bearer.revoke_all();
            }
            false
        })
        .then(Reaction::status(StatusCode::IM_A_TEAPOT)),
    );
    let descriptor = kit.client.write_layer(&app, &layer).await.expect("written");
    let asked = kit.asked_a();
    let puts: Vec<_> = asked.iter().filter(|line| line.starts_with("PUT")).collect();
    assert_eq!(
        puts,
        [
            "PUT app/blobs/uploads/U?digest=D 401",
            "PUT app/blobs/uploads/U?digest=D 201"
        ],
        "{asked:#?}"
    );
    let blob = app.digest(descriptor.digest().clone());
    let bytes = kit
        .client
        .blob(&blob)
        .await
        .expect("there")
        .collect(1 << 20)
        .await
        .expect("good");
    assert_eq!(bytes.len() as u64, descriptor.size());
}

#[tokio::test]
async fn a_mount_asks_for_both_repositories() {
    let (kit, _) = with_tokens();
    let (from, to) = (reference("a.test/app:v1"), reference("a.test/mirror:v1"));
    kit.client
        .write(&from, &random::image(1, 2, 10))
        .await
        .expect("written");
    kit.forget_requests();
    kit.client
        .copy(&from, &to, &CopyOptions::default())
        .await
        .expect("copied");
    let asked = kit.asked_a();
    let mounted = asked
        .iter()
        .filter(|line| line.contains("mount=D&from=app 201"))
        .count();
    assert_eq!(mounted, 3, "{asked:#?}");
}

#[tokio::test]
async fn without_a_credential_it_is_unauthorized() {
    let (kit, _) = with_tokens();
    let error = kit
        .fresh_client()
        .head(&reference("a.test/app:v1"))
        .await
        .expect_err("no credential");
    assert!(error.is_unauthorized(), "{error:?}");
    let asked = sorted(kit.asked_a());
    assert!(asked.len() <= 3, "{asked:#?}");
}

type Operation = fn(Client) -> BoxFuture<'static, Result<(), Error>>;

/// One operation of each kind, and what a token for it has to allow.
const OPERATIONS: [(&str, Operation, &[&str]); 10] = [
    (
        "head",
        |client| async move { client.head(&tag()).await.map(drop) }.boxed(),
        &["repository:app:pull"],
    ),
    (
        "get",
        |client| async move { client.get(&tag()).await.map(drop) }.boxed(),
        &["repository:app:pull"],
    ),
    (
        "blob",
        |client| async move { client.blob(&blob()).await.map(drop) }.boxed(),
        &["repository:app:pull"],
    ),
    (
        "tags",
        |client| async move { client.tags(tag().repository()).collect_all().await.map(drop) }.boxed(),
        &["repository:app:pull"],
    ),
    (
        "catalog",
        |client| async move { client.catalog(tag().registry()).collect_all().await.map(drop) }.boxed(),
        &["registry:catalog:*"],
    ),
    (
        "write",
        |client| async move { client.write(&tag(), &random::image(1, 1, 10)).await.map(drop) }.boxed(),
        &["repository:app:pull,push"],
    ),
    (
        "write_index",
        |client| {
            async move {
                client
                    .write_index(&tag(), &random::index(1, 1, 1, 10))
                    .await
                    .map(drop)
            }
            .boxed()
        },
        &["repository:app:pull,push"],
    ),
    (
        "write_layer",
        |client| {
            async move {
                let layer: Arc<dyn Layer> = Arc::new(random::layer(1, 10));
                client.write_layer(tag().repository(), &layer).await.map(drop)
            }
            .boxed()
        },
        &["repository:app:pull,push"],
    ),
    (
        "delete",
        |client| async move { client.delete(&tag()).await.map(drop) }.boxed(),
        &["repository:app:delete,pull,push"],
    ),
    (
        "copy",
        |client| {
            async move {
                let to = reference("a.test/mirror:v1");
                client.copy(&tag(), &to, &CopyOptions::default()).await.map(drop)
            }
            .boxed()
        },
        &["repository:app:pull"],
    ),
];

fn tag() -> Reference {
    reference("a.test/app:v1")
}

fn blob() -> DigestReference {
    let digest = format!("sha256:{}", "0".repeat(64));
    tag().repository().digest(digest.parse().expect("a digest"))
}

/// The scopes of each token that was asked for, in the order in which they were.
fn scopes(asked: &[String]) -> Vec<String> {
    let queries = asked
        .iter()
        .filter_map(|line| line.split(' ').nth(1)?.strip_prefix("/token?"));
    let decoded = queries.map(|query| {
        query
            .replace("%3A", ":")
            .replace("%2C", ",")
            .replace("scope=", "")
    });
    decoded.map(|query| query.replace("&service=wharf", "")).collect()
}

#[tokio::test]
async fn each_operation_asks_for_what_it_needs() {
    for (name, operation, want) in OPERATIONS {
        let (kit, _) = with_tokens();
        // Not all of them find something there.
        let _ = operation(kit.client.clone()).await;
        assert_eq!(scopes(&kit.asked_a()), want, "{name}");
    }
}

/// A registry that names somebody inside the network, or nobody at all, as its token server: whatever is done, nobody but
/// the registry is asked.
#[tokio::test]
async fn no_operation_follows_a_hostile_realm() {
    for realm in [
        "https://169.254.169.254/token",
        "https://metadata.google.internal/token",
        "https://127.0.0.1/token",
        "https://2130706433/token",
        "https://[::ffff:10.0.0.1]/token",
        "http://a.test/token",
        "https://user:password@a.test/token",
        "/token",
    ] {
        for (name, operation, _) in OPERATIONS {
            let (kit, _) = with_realm(realm);
            let error = operation(kit.client.clone()).await.expect_err(name);
            assert!(
                matches!(error.transport(), Some(wharf_transport::Error::Auth(_))),
                "{name}: {error:?}"
            );
            // The kit panics when anybody is asked but its registries.
            let asked = kit.asked_a();
            assert!(
                asked.iter().all(|line| line.ends_with(" 401")),
                "{name} {realm}: {asked:#?}"
            );
            assert_eq!(kit.asked_b(), [""; 0], "{name} {realm}");
        }
    }
}

/// The question whether one may push has the same answer as a push, and leaves nothing behind.
#[tokio::test(start_paused = true)]
async fn whether_a_push_is_allowed_can_be_asked() {
    let repository = crate::kit::repository("a.test/app");
    for (password, allowed) in [(Some("password"), true), (Some("wrong"), false), (None, false)] {
        let (kit, _) = with_tokens();
        let client = match password {
            Some(password) => kit.other_client(|client| {
                let basic = Basic::new("user", Secret::from(password));
                let name = repository.registry().clone();
                client.keychain(Arc::new(StaticKeychain::new(name, Arc::new(basic))))
            }),
            None => kit.fresh_client(),
        };
        let asked = client.check_push(&repository).await;
        let pushed = client
            .write(&reference("a.test/app:v1"), &random::image(1, 1, 10))
            .await;
        assert_eq!(asked.is_ok(), allowed, "{asked:?}");
        assert_eq!(pushed.is_ok(), allowed, "{pushed:?}");
        if let Err(error) = asked {
            assert!(error.is_unauthorized(), "{error:?}");
        } else {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            let given_up = kit
                .asked_a()
                .iter()
                .any(|line| line == "DELETE app/blobs/uploads/U 204");
            assert!(given_up, "the upload that the question was");
        }
    }
}
