//! What tags name, as time goes by.

use std::time::Duration;

use http::{Method, StatusCode};
use wharf_proxy::PullThroughOptions;
use wharf_registry::hook::{Fault, Reaction};
use wharf_v1::oci_spec::image::Digest;

use crate::kit::{Kit, reference};

async fn write(kit: &Kit, tag: &str, seed: u64) -> Digest {
    let image = wharf_v1::random::image(seed, 1, 100);
    let written = kit
        .owner
        .write(&reference(&format!("up.test/app:{tag}")), &image)
        .await;
    written.expect("written").digest().clone()
}

async fn names(kit: &Kit, tag: &str) -> Result<Digest, wharf_remote::Error> {
    let found = kit
        .client
        .get(&reference(&format!("cache.test/app:{tag}")))
        .await?;
    Ok(found.descriptor().digest().clone())
}

#[tokio::test(start_paused = true)]
async fn a_tag_is_asked_for_when_it_is_no_longer_fresh() {
    let kit = Kit::new(PullThroughOptions::default().with_fresh(Duration::from_secs(10)));
    let first = write(&kit, "v1", 1).await;
    assert_eq!(names(&kit, "v1").await.expect("there"), first);
    let second = write(&kit, "v1", 2).await;
    kit.asked();
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!(names(&kit, "v1").await.expect("there"), first);
    assert!(kit.asked().is_empty());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(names(&kit, "v1").await.expect("there"), second);
    assert_eq!(kit.asked(), ["GET manifests", "HEAD manifests"]);
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(names(&kit, "v1").await.expect("there"), second);
    assert_eq!(kit.asked(), ["HEAD manifests"], "it names the same");
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_is_gone_upstream_is_gone() {
    let kit = Kit::new(PullThroughOptions::default().with_fresh(Duration::ZERO));
    write(&kit, "v1", 1).await;
    names(&kit, "v1").await.expect("there");
    kit.owner
        .delete(&reference("up.test/app:v1"))
        .await
        .expect("deleted");
    assert!(names(&kit, "v1").await.expect_err("gone").is_not_found());
}

#[tokio::test(start_paused = true)]
async fn while_upstream_fails_what_is_kept_is_handed_out() {
    let kit = Kit::new(PullThroughOptions::default().with_fresh(Duration::ZERO));
    let digest = write(&kit, "v1", 1).await;
    write(&kit, "v2", 2).await;
    assert_eq!(names(&kit, "v1").await.expect("there"), digest);
    for reaction in [
        Reaction::status(StatusCode::SERVICE_UNAVAILABLE),
        Reaction::status(StatusCode::UNAUTHORIZED),
        Reaction::drop_connection(),
    ] {
        let fault = kit.upstream.faults().add(Fault::when(|_| true).then(reaction));
        assert_eq!(names(&kit, "v1").await.expect("kept"), digest);
        let error = names(&kit, "v2").await.expect_err("not kept");
        assert!(
            error.status().is_some_and(|status| status.is_server_error()),
            "{error:?}"
        );
        fault.remove();
    }
}

/// Upstream registries that answer no `HEAD` are asked by `GET`.
#[tokio::test]
async fn an_upstream_without_head_is_read() {
    let kit = Kit::new(PullThroughOptions::default());
    let digest = write(&kit, "v1", 1).await;
    let refused = Reaction::status(StatusCode::METHOD_NOT_ALLOWED);
    kit.upstream
        .faults()
        .add(Fault::on(Method::HEAD, "/manifests/").then(refused));
    assert_eq!(names(&kit, "v1").await.expect("there"), digest);
}

#[tokio::test]
async fn tags_are_listed_as_upstream_has_them_in_pages() {
    let kit = Kit::new(PullThroughOptions::default());
    for (seed, tag) in ["b", "a", "d", "c"].into_iter().enumerate() {
        write(&kit, tag, seed as u64).await;
    }
    let app = reference("cache.test/app");
    let tags = kit
        .client
        .tags(app.repository())
        .collect_all()
        .await
        .expect("a list");
    assert_eq!(tags, ["a", "b", "c", "d"]);
    let tags = kit
        .client
        .tags_after(app.repository(), "b")
        .collect_all()
        .await
        .expect("a list");
    assert_eq!(tags, ["c", "d"]);
    let other = reference("cache.test/other");
    let error = kit.client.tags(other.repository()).collect_all().await;
    assert!(error.expect_err("no such repository").is_not_found());
}
