//! What refers to a manifest.

use futures_util::future::join_all;
use http::header::{CONTENT_TYPE, HeaderValue, LINK};
use http::{Method, StatusCode};
use wharf_name::DigestReference;
use wharf_registry::Registry;
use wharf_registry::hook::{Fault, Feature, Profile, Reaction};
use wharf_remote::Client;
use wharf_v1::media_type::Family;
use wharf_v1::oci_spec::image::{Descriptor, MediaType};
use wharf_v1::partial::{AssembledImage, ImageBuilder};
use wharf_v1::{Config, ImageExt as _};

use crate::kit::{Kit, recording, reference, repository};

/// A registry that leaves it to clients to list referrers.
fn without_api() -> Registry {
    let profile = Profile::full().without(Feature::Referrers);
    Registry::builder().profile(profile).record().build()
}

async fn start(registry: Registry) -> (Kit, DigestReference) {
    let kit = Kit::with(registry, recording(), |client| client);
    let image = wharf_v1::random::image(1, 1, 10);
    let written = kit
        .client
        .write(&reference("a.test/app:v1"), &image)
        .await
        .expect("written");
    let subject = repository("a.test/app").digest(written.digest().clone());
    kit.forget_requests();
    (kit, subject)
}

async fn artifact(subject: &DigestReference, kind: &str, note: &str) -> AssembledImage {
    let subject = Descriptor::new(MediaType::ImageManifest, 7, subject.digest().clone());
    ImageBuilder::new(Family::Oci)
        .config(Config::new("{}", MediaType::EmptyJSON))
        .artifact_type(MediaType::from(kind))
        .annotation("note", note)
        .subject(subject)
        .build()
        .await
        .expect("an artifact")
}

async fn attach(client: &Client, subject: &DigestReference, kind: &str, note: &str) -> String {
    let artifact = artifact(subject, kind, note).await;
    let digest = artifact.digest().await.expect("a digest");
    let place = subject.repository().digest(digest.clone()).into();
    client.write(&place, &artifact).await.expect("written");
    digest.to_string()
}

fn notes(found: &[Descriptor]) -> Vec<String> {
    let note = |descriptor: &Descriptor| {
        let kind = descriptor
            .artifact_type()
            .as_ref()
            .map_or("-".to_owned(), ToString::to_string);
        let note = descriptor
            .annotations()
            .as_ref()
            .and_then(|all| all.get("note").cloned());
        format!("{kind} {}", note.unwrap_or_default())
    };
    let mut notes: Vec<String> = found.iter().map(note).collect();
    notes.sort();
    notes
}

#[tokio::test]
async fn they_are_found_with_or_without_the_api() {
    for registry in [recording(), without_api()] {
        let (kit, subject) = start(registry).await;
        assert!(
            kit.client
                .referrers(&subject, None)
                .await
                .expect("a list")
                .is_empty()
        );
        attach(&kit.client, &subject, "a/sbom", "1").await;
        attach(&kit.client, &subject, "a/signature", "2").await;
        let client = kit.fresh_client();
        let found = client.referrers(&subject, None).await.expect("a list");
        assert_eq!(notes(&found), ["a/sbom 1", "a/signature 2"]);
        let found = client
            .referrers(&subject, Some(&"a/sbom".into()))
            .await
            .expect("a list");
        assert_eq!(notes(&found), ["a/sbom 1"]);
    }
}

#[tokio::test]
async fn what_is_learned_saves_requests() {
    let (kit, subject) = start(recording()).await;
    attach(&kit.client, &subject, "a/sbom", "1").await;
    // That the registry lists it was in its answer.
    assert!(kit.asked_a().iter().all(|request| !request.contains("referrers")));
    kit.client.referrers(&subject, None).await.expect("a list");
    assert_eq!(kit.asked_a(), ["GET app/referrers/D 200"]);

    let (kit, subject) = start(without_api()).await;
    kit.client.referrers(&subject, None).await.expect("a list");
    let asked = kit.asked_a();
    assert_eq!(asked[0], "GET app/referrers/D 404");
    assert!(
        asked[1].starts_with("GET app/manifests/sha256-") && asked[1].ends_with(" 404"),
        "{asked:?}"
    );
    kit.client.referrers(&subject, None).await.expect("a list");
    assert_eq!(kit.asked_a().len(), 1, "the tag only");
}

#[tokio::test]
async fn of_what_is_not_there_nothing_is_learned() {
    let (kit, subject) = start(recording()).await;
    let elsewhere = repository("a.test/none").digest(subject.digest().clone());
    assert!(
        kit.client
            .referrers(&elsewhere, None)
            .await
            .expect("a list")
            .is_empty()
    );
    kit.forget_requests();
    kit.client.referrers(&subject, None).await.expect("a list");
    assert_eq!(kit.asked_a(), ["GET app/referrers/D 200"]);
}

#[tokio::test]
async fn pushing_again_changes_nothing() {
    let (kit, subject) = start(without_api()).await;
    attach(&kit.client, &subject, "a/sbom", "1").await;
    attach(&kit.fresh_client(), &subject, "a/sbom", "1").await;
    let found = kit.client.referrers(&subject, None).await.expect("a list");
    assert_eq!(notes(&found), ["a/sbom 1"]);
}

#[tokio::test]
async fn clones_that_write_at_once_lose_nothing() {
    let (kit, subject) = start(without_api()).await;
    let writes = (0..8).map(|at| {
        let (client, subject) = (kit.client.clone(), subject.clone());
        async move { attach(&client, &subject, "a/sbom", &at.to_string()).await }
    });
    join_all(writes).await;
    let found = kit.client.referrers(&subject, None).await.expect("a list");
    assert_eq!(found.len(), 8, "{:?}", notes(&found));
}

#[tokio::test]
async fn an_entry_that_another_client_overwrote_is_added_again() {
    let (kit, subject) = start(without_api()).await;
    // As if somebody else had written the list right after.
    let lost = Fault::on(Method::PUT, "/manifests/sha256-")
        .times(1)
        .then(Reaction::status(StatusCode::CREATED));
    let lost = kit.a.faults().add(lost);
    let digest = attach(&kit.client, &subject, "a/sbom", "1").await;
    assert_eq!(lost.hits(), 1);
    let found = kit.client.referrers(&subject, None).await.expect("a list");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].digest().to_string(), digest);
}

#[tokio::test]
async fn a_list_that_never_keeps_the_entry_is_an_error() {
    let (kit, subject) = start(without_api()).await;
    let lost = Fault::on(Method::PUT, "/manifests/sha256-").then(Reaction::status(StatusCode::CREATED));
    kit.a.faults().add(lost);
    let artifact = artifact(&subject, "a/sbom", "1").await;
    let place = subject
        .repository()
        .digest(artifact.digest().await.expect("a digest"))
        .into();
    let error = kit
        .client
        .write(&place, &artifact)
        .await
        .expect_err("it is not listed");
    assert!(
        error
            .to_string()
            .starts_with("updating the list of referrers a.test/app:sha256-"),
        "{error}"
    );
}

/// What the list of a registry with the API fails with, if it reacts so.
#[track_caller]
fn check(error: wharf_remote::Error, want: &str) {
    let source = std::error::Error::source(&error).map(ToString::to_string);
    assert!(
        error
            .to_string()
            .starts_with("listing referrers of a.test/app@sha256:"),
        "{error}"
    );
    assert_eq!(source.as_deref(), Some(want));
}

#[tokio::test]
async fn hostile_answers_are_errors() {
    for (reaction, want) in [
        (
            Reaction::set_header(
                LINK,
                HeaderValue::from_static("<https://evil.test/v2/>; rel=\"next\""),
            ),
            "the next page is not at the registry: https://evil.test/v2/",
        ),
        (
            Reaction::set_header(LINK, HeaderValue::from_static("junk")),
            "response has an unreadable link header",
        ),
    ] {
        let (kit, subject) = start(recording()).await;
        attach(&kit.client, &subject, "a/sbom", "1").await;
        kit.a
            .faults()
            .add(Fault::on(Method::GET, "/referrers/").then(reaction));
        check(
            kit.client.referrers(&subject, None).await.expect_err("no list"),
            want,
        );
    }
    let (kit, subject) = start(recording()).await;
    let junk = Reaction::replace_body("notjson");
    kit.a
        .faults()
        .add(Fault::on(Method::GET, "/referrers/").then(junk));
    assert!(kit.client.referrers(&subject, None).await.is_err());
    // A refusal is no empty list.
    kit.a.faults().clear();
    let refused = Reaction::status(StatusCode::FORBIDDEN);
    kit.a
        .faults()
        .add(Fault::on(Method::GET, "/referrers/").then(refused));
    assert!(
        kit.client
            .referrers(&subject, None)
            .await
            .expect_err("refused")
            .is_denied()
    );
}

#[tokio::test]
async fn a_page_for_people_is_no_list() {
    let (kit, subject) = start(recording()).await;
    let page = Reaction::set_header(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    kit.a
        .faults()
        .add(Fault::on(Method::GET, "/referrers/").then(page));
    assert!(
        kit.client
            .referrers(&subject, None)
            .await
            .expect("the tag's")
            .is_empty()
    );
}

#[tokio::test]
async fn all_pages_are_read() {
    let (kit, subject) = start(recording()).await;
    for at in 0..5 {
        attach(&kit.client, &subject, "a/sbom", &at.to_string()).await;
    }
    let link = format!("</v2/app/referrers/{}?n=2>; rel=\"next\"", subject.digest());
    let link = HeaderValue::from_str(&link).expect("a header");
    kit.a.faults().add(
        Fault::on(Method::GET, "/referrers/")
            .times(1)
            .then(Reaction::set_header(LINK, link)),
    );
    kit.forget_requests();
    let found = kit.client.referrers(&subject, None).await.expect("a list");
    assert_eq!(kit.asked_a().len(), 4, "the first, and three of two");
    assert_eq!(found.len(), 10, "the registry said so");
}

#[tokio::test]
async fn a_deleted_referrer_is_no_longer_listed() {
    for registry in [recording(), without_api()] {
        let (kit, subject) = start(registry).await;
        let gone = attach(&kit.client, &subject, "a/sbom", "1").await;
        attach(&kit.client, &subject, "a/sbom", "2").await;
        // Of a client that knows nothing of the registry yet.
        let client = kit.fresh_client();
        let place = reference(&format!("a.test/app@{gone}"));
        client.delete(&place).await.expect("deleted");
        let found = client.referrers(&subject, None).await.expect("a list");
        assert_eq!(notes(&found), ["a/sbom 2"]);
    }
}

#[tokio::test]
async fn a_registry_that_lists_referrers_is_only_asked_to_delete() {
    let (kit, subject) = start(recording()).await;
    let gone = attach(&kit.client, &subject, "a/sbom", "1").await;
    kit.forget_requests();
    let place = reference(&format!("a.test/app@{gone}"));
    kit.client.delete(&place).await.expect("deleted");
    assert_eq!(kit.asked_a(), ["DELETE app/manifests/D 202"]);
}

/// The tag in whose place the registry has no API.
fn tag_of(subject: &DigestReference) -> wharf_name::Reference {
    let tag = subject.digest().to_string().replace(':', "-");
    reference(&format!("a.test/app:{tag}"))
}

#[tokio::test]
async fn a_tag_that_names_the_subject_lists_nothing() {
    let (kit, subject) = start(without_api()).await;
    let image = wharf_v1::random::image(1, 1, 10);
    kit.client
        .write(&tag_of(&subject), &image)
        .await
        .expect("written");
    let found = kit.client.referrers(&subject, None).await.expect("a list");
    assert!(found.is_empty(), "{found:?}");
    attach(&kit.client, &subject, "a/sbom", "1").await;
    let found = kit.client.referrers(&subject, None).await.expect("a list");
    assert_eq!(notes(&found), ["a/sbom 1"]);
}

#[tokio::test]
async fn a_tag_that_names_another_image_is_neither_read_nor_overwritten() {
    let (kit, subject) = start(without_api()).await;
    let tag = tag_of(&subject);
    let other = kit
        .client
        .write(&tag, &wharf_v1::random::image(2, 1, 10))
        .await
        .expect("written");
    let artifact = artifact(&subject, "a/sbom", "1").await;
    let place = subject
        .repository()
        .digest(artifact.digest().await.expect("a digest"))
        .into();
    let read = kit.client.referrers(&subject, None).await.expect_err("no list");
    let written = kit.client.write(&place, &artifact).await.expect_err("not listed");
    for error in [read, written] {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        let source = source.unwrap_or_default();
        assert!(
            source.starts_with("the tag that should list referrers names application/vnd."),
            "{error}: {source}"
        );
    }
    let head = kit.client.head(&tag).await.expect("still there");
    assert_eq!(head.digest(), other.digest());
}

/// Without the tag, what needs it fails, after one question, and nothing is written in its stead.
#[tokio::test]
async fn the_tag_is_not_used_where_it_is_not_wanted() {
    let kit = Kit::with(without_api(), recording(), |client| client.referrers_tag(false));
    let image = wharf_v1::random::image(1, 1, 10);
    let written = kit.client.write(&reference("a.test/app:v1"), &image).await;
    let subject = repository("a.test/app").digest(written.expect("written").digest().clone());
    kit.forget_requests();
    let artifact = artifact(&subject, "application/example", "one").await;
    let place = subject
        .repository()
        .digest(artifact.digest().await.expect("known"));
    let error = kit.client.write(&place.clone().into(), &artifact).await;
    let refused = |error: &wharf_remote::Error| {
        matches!(error, wharf_remote::Error::Answer { source, .. }
            if matches!(**source, wharf_remote::Violation::NoReferrersApi))
    };
    assert!(refused(&error.expect_err("there is no list")));
    let error = kit.client.referrers(&subject, None).await;
    assert!(refused(&error.expect_err("there is no list")));
    kit.client.delete(&place.into()).await.expect("deleted");
    let asked = kit.asked_a();
    let about_lists = asked
        .iter()
        .filter(|line| line.contains("referrers") || line.contains("sha256-"));
    assert_eq!(about_lists.count(), 1, "{asked:#?}");
    // Where the registry lists them, nothing is different.
    let kit = Kit::with(recording(), recording(), |client| client.referrers_tag(false));
    kit.client
        .write(&reference("a.test/app:v1"), &image)
        .await
        .expect("written");
    attach(&kit.client, &subject, "application/example", "one").await;
    assert_eq!(
        kit.client.referrers(&subject, None).await.expect("a list").len(),
        1
    );
}
