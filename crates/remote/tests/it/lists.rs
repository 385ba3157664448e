//! Lists of tags and repositories.

use futures_util::{StreamExt as _, TryStreamExt as _};
use http::Method;
use http::header::{HeaderValue, LINK};
use wharf_registry::Registry;
use wharf_registry::hook::{Fault, Feature, Profile, Reaction};

use crate::kit::{Kit, recording, reference, repository};

async fn with_tags(page_size: u32, tags: &[&str]) -> Kit {
    with_tags_at(recording(), page_size, tags).await
}

async fn with_tags_at(registry: Registry, page_size: u32, tags: &[&str]) -> Kit {
    let kit = Kit::with(registry, recording(), |client| client.page_size(Some(page_size)));
    let image = wharf_v1::random::image(1, 1, 10);
    for tag in tags {
        kit.client
            .write(&reference(&format!("a.test/app:{tag}")), &image)
            .await
            .expect("written");
    }
    kit.forget_requests();
    kit
}

#[tokio::test]
async fn all_pages_are_followed() {
    let kit = with_tags(2, &["a", "b", "c", "d", "e"]).await;
    let tags = kit
        .client
        .tags(&repository("a.test/app"))
        .collect_all()
        .await
        .expect("a list");
    assert_eq!(tags, ["a", "b", "c", "d", "e"]);
    let asked = kit.asked_a();
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[0], "GET app/tags/list?n=2 200");
}

#[tokio::test]
async fn a_page_is_asked_for_when_the_one_before_was_taken() {
    let kit = with_tags(2, &["a", "b", "c"]).await;
    let mut pages = kit.client.tags(&repository("a.test/app"));
    assert!(kit.asked_a().is_empty());
    assert_eq!(
        pages.try_next().await.expect("a page"),
        Some(vec!["a".to_owned(), "b".to_owned()])
    );
    assert_eq!(kit.asked_a().len(), 1);
    assert_eq!(
        pages.try_next().await.expect("a page"),
        Some(vec!["c".to_owned()])
    );
    assert_eq!(pages.try_next().await.expect("the end"), None);
}

#[tokio::test]
async fn a_registry_that_does_not_link_is_asked_for_what_comes_after() {
    let registry = Registry::builder()
        .record()
        .profile(Profile::full().without(Feature::PageLinks))
        .build();
    let kit = with_tags_at(registry, 2, &["a", "b", "c", "d"]).await;
    let tags = kit
        .client
        .tags(&repository("a.test/app"))
        .collect_all()
        .await
        .expect("a list");
    assert_eq!(tags, ["a", "b", "c", "d"]);
    assert_eq!(
        kit.asked_a(),
        [
            "GET app/tags/list?n=2 200",
            "GET app/tags/list?n=2&last=b 200",
            "GET app/tags/list?n=2&last=d 200"
        ]
    );
}

#[tokio::test]
async fn a_registry_that_knows_no_pages_is_asked_once_more_at_most() {
    let kit = with_tags(2, &["a", "b"]).await;
    let same = Reaction::replace_body(r#"{"name":"app","tags":["a","b"]}"#);
    kit.a
        .faults()
        .add(Fault::on(Method::GET, "/tags/list").then(same));
    let tags = kit
        .client
        .tags(&repository("a.test/app"))
        .collect_all()
        .await
        .expect("a list");
    assert_eq!(tags, ["a", "b"]);
    assert_eq!(kit.asked_a().len(), 2);
}

#[tokio::test]
async fn the_catalog_lists_repositories() {
    let kit = with_tags(1000, &["a"]).await;
    kit.client
        .write(&reference("a.test/b/c:v1"), &wharf_v1::random::image(1, 1, 10))
        .await
        .expect("written");
    kit.forget_requests();
    let registry = repository("a.test/app").registry().clone();
    let all: Vec<String> = kit
        .client
        .catalog(&registry)
        .entries()
        .try_collect()
        .await
        .expect("a list");
    assert_eq!(all, ["app", "b/c"]);
    assert_eq!(kit.asked_a(), ["GET _catalog?n=1000 200"]);
}

#[tokio::test]
async fn a_repository_without_tags_has_an_empty_list() {
    let kit = with_tags(1000, &["a"]).await;
    let body = Reaction::replace_body(r#"{"name":"app","tags":null}"#);
    kit.a
        .faults()
        .add(Fault::on(Method::GET, "/tags/list").then(body));
    let tags = kit
        .client
        .tags(&repository("a.test/app"))
        .collect_all()
        .await
        .expect("a list");
    assert!(tags.is_empty());
}

#[tokio::test]
async fn what_is_no_list_is_an_error() {
    let kit = with_tags(1000, &["a"]).await;
    kit.a
        .faults()
        .add(Fault::on(Method::GET, "/tags/list").then(Reaction::replace_body("notjson")));
    let error = kit
        .client
        .tags(&repository("a.test/app"))
        .collect_all()
        .await
        .expect_err("no list");
    assert_eq!(error.to_string(), "reading tags for a.test/app");
    let missing = kit
        .client
        .tags(&repository("a.test/nope"))
        .collect_all()
        .await
        .expect_err("no repository");
    assert!(missing.is_not_found());
}

/// The first page is handed out, and the list then fails, without a request to anywhere else.
async fn check_link(link: &'static str, want: &'static str) {
    let kit = with_tags(2, &["a", "b", "c"]).await;
    let header = Reaction::set_header(LINK, HeaderValue::from_static(link));
    kit.a
        .faults()
        .add(Fault::on(Method::GET, "/tags/list").then(header));
    let mut pages = kit.client.tags(&repository("a.test/app"));
    let mut seen = Vec::new();
    let error = loop {
        match pages.next().await.expect("an error before the end") {
            Ok(page) => seen.push(page),
            Err(error) => break error,
        }
    };
    assert!(!seen.is_empty(), "the first page was lost");
    let text = format!("{error}: {}", std::error::Error::source(&error).expect("a cause"));
    assert!(text.contains(want), "{link}: {text}");
    assert!(pages.next().await.is_none(), "a list ends with its error");
    assert!(kit.asked_a().len() <= 2);
    assert!(kit.asked_b().is_empty());
}

#[tokio::test]
async fn hostile_links_are_not_followed() {
    check_link("<https://b.test/v2/app/tags/list?n=2>", "not at the registry").await;
    check_link(
        "<https://a.test:8443/v2/app/tags/list?n=2>",
        "not at the registry",
    )
    .await;
    check_link("<http://169.254.169.254/latest/meta-data>", "refusing").await;
    check_link("<ftp://a.test/v2/>", "refusing").await;
    check_link("<", "unreadable").await;
    check_link("><", "unreadable").await;
    check_link("</v2/app/tags/list?n=2>; rel=next", "circles").await;
}

#[tokio::test]
async fn a_list_may_begin_after_an_entry() {
    let kit = with_tags(2, &["a", "b", "c", "d", "e"]).await;
    let after = kit.client.tags_after(&repository("a.test/app"), "b");
    assert_eq!(after.collect_all().await.expect("a list"), ["c", "d", "e"]);
    assert_eq!(kit.asked_a()[0], "GET app/tags/list?n=2&last=b 200");
    // It need not be there.
    let after = kit.client.tags_after(&repository("a.test/app"), "bb");
    assert_eq!(after.collect_all().await.expect("a list"), ["c", "d", "e"]);
    kit.client
        .write(&reference("a.test/other:v1"), &wharf_v1::random::image(1, 1, 10))
        .await
        .expect("written");
    let registry = repository("a.test/app").registry().clone();
    let after = kit.client.catalog_after(&registry, "app");
    assert_eq!(after.collect_all().await.expect("a list"), ["other"]);
}

/// A registry that does not know of a beginning sends the whole list.
#[tokio::test]
async fn what_comes_before_is_dropped_where_the_registry_sends_it() {
    let kit = with_tags(10, &["a"]).await;
    let whole = Reaction::replace_body(r#"{"name":"app","tags":["a","b","c"]}"#);
    kit.a
        .faults()
        .add(Fault::on(Method::GET, "/tags/list").then(whole));
    for (last, want) in [("a", &["b", "c"][..]), ("c", &[]), ("x", &["a", "b", "c"])] {
        let after = kit.client.tags_after(&repository("a.test/app"), last);
        assert_eq!(after.collect_all().await.expect("a list"), want, "after {last}");
    }
}
