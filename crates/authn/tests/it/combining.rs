//! Keychains made of code.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use wharf_authn::{
    Anonymous, AnonymousKeychain, Authenticator, Basic, Bearer, Credential, Error, Keychain, MultiKeychain,
    OnFailure, Resource, StaticKeychain,
};
use wharf_name::{Reference, Registry};

use crate::resource;

async fn ask(keychain: &dyn Keychain, registry: &str) -> Credential {
    crate::ask(keychain, registry).await.expect("an answer")
}

#[derive(Debug)]
struct Failing(&'static str);

const BROKEN: Failing = Failing("broken");

impl Keychain for Failing {
    fn resolve<'a>(
        &'a self,
        _resource: &'a Resource,
    ) -> BoxFuture<'a, Result<Arc<dyn Authenticator>, Error>> {
        Box::pin(async { Err(Error::other(self.0)) })
    }
}

fn one(registry: &str, token: &str) -> StaticKeychain {
    StaticKeychain::new(registry.parse().expect("a registry"), Bearer::new(token))
}

#[tokio::test]
async fn the_first_that_has_something_answers() {
    let multi = MultiKeychain::default()
        .with(AnonymousKeychain)
        .with(one("a.example", "1"))
        .with(one("b.example", "2"))
        .with(one("a.example", "3"));
    assert_eq!(ask(&multi, "a.example").await, Credential::registry_token("1"));
    assert_eq!(ask(&multi, "b.example").await, Credential::registry_token("2"));
    assert_eq!(ask(&multi, "c.example").await, Credential::Anonymous);
    assert_eq!(
        ask(&MultiKeychain::default(), "c.example").await,
        Credential::Anonymous
    );
}

#[tokio::test]
async fn a_failure_ends_the_search() {
    let multi: MultiKeychain = [
        Arc::new(one("a.example", "1")) as Arc<dyn Keychain>,
        Arc::new(BROKEN),
        Arc::new(one("b.example", "2")),
    ]
    .into_iter()
    .collect();
    assert_eq!(ask(&multi, "a.example").await, Credential::registry_token("1"));
    multi
        .resolve(&resource("b.example"))
        .await
        .expect_err("the second keychain is broken");
}

#[tokio::test]
async fn the_failure_of_what_is_around_counts_only_if_nothing_else_is_found() {
    let around = |next: StaticKeychain| {
        MultiKeychain::default()
            .with_policy(BROKEN, OnFailure::Continue)
            .with(AnonymousKeychain)
            .with(next)
    };
    let multi = around(one("a.example", "1"));
    assert_eq!(ask(&multi, "a.example").await, Credential::registry_token("1"));
    let error = multi.resolve(&resource("b.example")).await.expect_err("broken");
    assert_eq!(crate::chain(&error), "credentials are not available: broken");
    // The one that comes first is the one to tell.
    let multi = MultiKeychain::default()
        .with_policy(Failing("first"), OnFailure::Continue)
        .with_policy(Failing("second"), OnFailure::Continue);
    let error = multi.resolve(&resource("b.example")).await.expect_err("failing");
    assert_eq!(crate::chain(&error), "credentials are not available: first");
}

#[tokio::test]
async fn static_credentials_are_for_one_registry() {
    let keychain = one("example.com:5000", "1");
    assert_eq!(
        ask(&keychain, "EXAMPLE.com:5000").await,
        Credential::registry_token("1")
    );
    for other in [
        "example.com",
        "example.com:5001",
        "sub.example.com:5000",
        "com:5000",
        "docker.io",
    ] {
        assert_eq!(ask(&keychain, other).await, Credential::Anonymous, "{other}");
    }
    let hub = one("docker.io", "1");
    for name in ["", "index.docker.io", "registry-1.docker.io"] {
        assert_eq!(ask(&hub, name).await, Credential::registry_token("1"), "{name}");
    }
}

#[tokio::test]
async fn pointers_are_transparent() {
    let shared: Arc<dyn Keychain> = Arc::new(Box::new(one("a.example", "1")) as Box<dyn Keychain>);
    assert_eq!(ask(&shared, "a.example").await, Credential::registry_token("1"));
    let nobody: Arc<dyn Authenticator> = Arc::new(Box::new(Anonymous) as Box<dyn Authenticator>);
    assert!(nobody.is_anonymous());
    let keychain = StaticKeychain::new("a.example".parse().expect("a registry"), nobody);
    assert_eq!(ask(&keychain, "a.example").await, Credential::Anonymous);
}

#[tokio::test]
async fn credentials_answer_themselves() {
    for credential in [
        Credential::Anonymous,
        Credential::basic("a", "b"),
        Credential::identity_token("t"),
    ] {
        assert_eq!(
            Authenticator::credential(&credential).await.expect("itself"),
            credential
        );
        assert_eq!(
            Authenticator::is_anonymous(&credential),
            credential == Credential::Anonymous
        );
    }
    let debug = format!("{:?} {:?}", Basic::new("user", "hunter2"), Bearer::new("hunter2"));
    assert!(!debug.contains("hunter2"), "{debug}");
}

#[test]
fn resources_come_from_names() {
    let reference: Reference = "ubuntu".parse().expect("a reference");
    let from_reference = Resource::from(&reference);
    assert_eq!(from_reference.path(), Some("library/ubuntu"));
    assert_eq!(from_reference, Resource::from(reference.repository()));
    let registry = Resource::from(reference.registry());
    assert_eq!(
        (registry.registry(), registry.path()),
        (&Registry::docker_hub(), None)
    );
}
