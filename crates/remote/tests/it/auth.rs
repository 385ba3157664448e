//! Registries that want a token.

use std::sync::Arc;

use http::{Method, StatusCode};
use wharf_authn::{Basic, Secret, StaticKeychain};
use wharf_registry::Registry;
use wharf_registry::auth::{Authentication, Bearer, BearerOptions, Users};
use wharf_registry::hook::{Fault, Reaction};
use wharf_remote::CopyOptions;
use wharf_v1::Layer;

use crate::kit::{Kit, recording, reference, sorted};

/// A registry at `a.test` that hands out tokens, and a client that has a password for it.
fn with_tokens() -> (Kit, Bearer) {
    let options = BearerOptions::default().with_realm("https://a.test/token");
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
        .write(&tag, &wharf_v1::random::image(1, 1, 10))
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
        .write(&reference("a.test/app:v1"), &wharf_v1::random::image(1, 3, 10))
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
        .write(&tag, &wharf_v1::random::image(1, 1, 10))
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
    let layer: Arc<dyn Layer> = Arc::new(wharf_v1::random::layer(1, 100_000));
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
        .write(&from, &wharf_v1::random::image(1, 2, 10))
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
