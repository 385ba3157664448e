//! Taking blobs from other repositories of the same registry.

use http::{Method, StatusCode};
use wharf_registry::Registry;
use wharf_registry::hook::{Fault, Feature, Profile, Reaction};
use wharf_remote::CopyOptions;

use crate::kit::{Kit, recording, reference, sorted};

/// An image of two layers at `a.test/app:v1`, to be copied blob by blob.
async fn with_image(profile: Profile) -> Kit {
    let registry = Registry::builder().record().profile(profile).build();
    let kit = Kit::with(registry, recording(), |client| client.jobs(1));
    kit.client
        .write(&reference("a.test/app:v1"), &wharf_v1::random::image(1, 2, 100))
        .await
        .expect("written");
    kit.forget_requests();
    kit
}

async fn copy(kit: &Kit, to: &str) {
    let (from, to) = (reference("a.test/app:v1"), reference(to));
    kit.client
        .copy(&from, &to, &CopyOptions::default())
        .await
        .expect("copied");
    let image = kit.fresh_client().image(&to, None).await.expect("there");
    wharf_v1::conformance::image(image).await;
}

#[tokio::test]
async fn blobs_are_mounted_without_asking_first() {
    let kit = with_image(Profile::full()).await;
    let (from, to) = (reference("a.test/app:v1"), reference("a.test/b/mirror:v1"));
    kit.client
        .copy(&from, &to, &CopyOptions::default())
        .await
        .expect("copied");
    let mount = "POST b/mirror/blobs/uploads/?mount=D&from=app 201";
    assert_eq!(
        sorted(kit.asked_a()),
        [
            "GET app/manifests/v1 200",
            "HEAD b/mirror/manifests/v1 404",
            mount,
            mount,
            mount,
            "PUT b/mirror/manifests/v1 201",
        ]
    );
    assert_eq!(
        kit.events.take(),
        [
            "mounted blob from app",
            "mounted blob from app",
            "mounted blob from app",
            "pushed manifest a.test/b/mirror:v1"
        ]
    );
}

#[tokio::test]
async fn a_session_begun_instead_is_used_if_the_blob_is_not_there() {
    let kit = with_image(Profile::full().without(Feature::Mount)).await;
    let (from, to) = (reference("a.test/app:v1"), reference("a.test/mirror:v1"));
    kit.client
        .copy(&from, &to, &CopyOptions::default())
        .await
        .expect("copied");
    let asked = kit.asked_a();
    let mounts = asked.iter().filter(|line| line.contains("mount=")).count();
    let begun = asked.iter().filter(|line| line.starts_with("POST ")).count();
    assert_eq!(
        begun, 3,
        "one session for each blob, whatever it was begun by: {asked:#?}"
    );
    assert!(mounts >= 1);
    assert!(!asked.iter().any(|line| line.starts_with("DELETE")));
    // The next image need not try.
    kit.client
        .write(&reference("a.test/app:v2"), &wharf_v1::random::image(2, 1, 100))
        .await
        .expect("written");
    kit.forget_requests();
    let (from, to) = (reference("a.test/app:v2"), reference("a.test/mirror:v2"));
    kit.client
        .copy(&from, &to, &CopyOptions::default())
        .await
        .expect("copied");
    assert!(!kit.asked_a().iter().any(|line| line.contains("mount=")));
}

#[tokio::test]
async fn a_session_begun_instead_is_given_up_if_the_blob_is_there() {
    let kit = with_image(Profile::full().without(Feature::Mount)).await;
    kit.fresh_client()
        .write(
            &reference("a.test/mirror:other"),
            &wharf_v1::random::image(1, 2, 100),
        )
        .await
        .expect("written");
    kit.forget_requests();
    copy(&kit, "a.test/mirror:v1").await;
    // The last request of each session is not waited for by the copy.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let asked = kit.asked_a();
    let begun = asked.iter().filter(|line| line.starts_with("POST ")).count();
    let given_up = asked
        .iter()
        .filter(|line| line.starts_with("DELETE mirror/blobs/uploads/U 204"))
        .count();
    assert!(begun >= 1);
    assert_eq!(given_up, begun, "{asked:#?}");
    assert!(!asked.iter().any(|line| line.starts_with("PUT mirror/blobs")));
}

#[tokio::test]
async fn a_refusal_does_not_fail_the_copy() {
    for status in [
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
        StatusCode::NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED,
        StatusCode::BAD_REQUEST,
    ] {
        let kit = with_image(Profile::full()).await;
        kit.a
            .faults()
            .add(Fault::on(Method::POST, "mount=").then(Reaction::status(status)));
        copy(&kit, "a.test/mirror:v1").await;
        assert_eq!(
            kit.events
                .take()
                .iter()
                .filter(|line| line.starts_with("mount refused"))
                .count(),
            1
        );
    }
}

#[tokio::test]
async fn nothing_is_mounted_from_another_registry() {
    let kit = with_image(Profile::full()).await;
    copy(&kit, "b.test/app:v1").await;
    let asked = kit.asked_b();
    let mounts = asked.iter().filter(|line| line.contains("mount="));
    // From the destination itself, to find out whether it has them.
    assert!(
        mounts.clone().all(|line| line.contains("&from=app ")),
        "{asked:#?}"
    );
    assert_eq!(mounts.count(), 3);
}

#[tokio::test]
async fn layers_of_this_repository_are_known_to_be_there() {
    let kit = with_image(Profile::full()).await;
    let image = kit
        .client
        .image(&reference("a.test/app:v1"), None)
        .await
        .expect("there");
    let layer = wharf_v1::Image::layers(&image).await.expect("known").remove(0);
    kit.forget_requests();
    let fresh = kit.fresh_client();
    fresh
        .write_layer(reference("a.test/app:v1").repository(), &layer)
        .await
        .expect("there");
    assert!(kit.asked_a().is_empty());
}
