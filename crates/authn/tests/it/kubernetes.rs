//! Pull secrets.

use proptest::prelude::*;
use wharf_authn::{Authenticator, Credential, Keychain, PullSecrets};

use crate::{ask, chain, resource};

/// Entries whose password is their own key.
fn entries(keys: &[&str]) -> serde_json::Value {
    let entry = |key: &&str| {
        (
            (*key).to_owned(),
            serde_json::json!({"username": "u", "password": key}),
        )
    };
    keys.iter().map(entry).collect::<serde_json::Map<_, _>>().into()
}

/// Which key of secrets of either type answers for `asked`; none for `None`.
#[track_caller]
fn check(keys: &[&str], asked: &str, want: Option<&str>) {
    let entries = entries(keys);
    let config = serde_json::json!({"auths": entries}).to_string();
    let secrets = [
        PullSecrets::default().with_docker_config_json("a", &config),
        PullSecrets::default().with_docker_cfg("b", &entries.to_string()),
    ];
    for secrets in secrets {
        let secrets = secrets.expect("a secret");
        let found = futures_util::FutureExt::now_or_never(ask(&secrets, asked))
            .expect("nothing to wait for")
            .expect("an answer");
        let want = want.map_or(Credential::Anonymous, |key| Credential::basic("u", key));
        assert!(found == want, "{asked} in {keys:?}");
    }
}

#[test]
fn hosts() {
    check(&[], "fake.registry.io", None);
    check(
        &["fake.registry.io"],
        "fake.registry.io",
        Some("fake.registry.io"),
    );
    check(
        &["fake.registry.io"],
        "fake.registry.io/more/path",
        Some("fake.registry.io"),
    );
    check(
        &["FAKE.registry.io"],
        "fake.Registry.io",
        Some("FAKE.registry.io"),
    );
    for key in [
        "https://fake.registry.io",
        "http://fake.registry.io/",
        "HTTPS://fake.registry.io",
    ] {
        check(&[key], "fake.registry.io/app", Some(key));
    }
    check(&["1.fake.registry.io"], "fake.registry.io", None);
    check(
        &["1.fake.registry.io", "fake.registry.io"],
        "1.fake.registry.io",
        Some("1.fake.registry.io"),
    );
    check(
        &["1.fake.registry.io", "fake.registry.io"],
        "fake.registry.io",
        Some("fake.registry.io"),
    );
    check(
        &["1.fake.registry.io", "fake.registry.io"],
        "2.fake.registry.io",
        None,
    );
}

#[test]
fn ports() {
    check(&["fake.io:5000"], "fake.io:5000/app", Some("fake.io:5000"));
    check(&["fake.io:5000"], "fake.io:5001", None);
    check(&["fake.io:5000"], "fake.io", None);
    check(&["fake.io"], "fake.io:5000", None);
    check(&["*.io:5000"], "fake.io:5000/app", Some("*.io:5000"));
    check(&["*.io:5000"], "fake.io", None);
    check(&["*.io"], "fake.io:5000", None);
}

#[test]
fn apis() {
    for key in [
        "fake.io/v1/",
        "fake.io/v2/",
        "https://fake.io/v1/",
        "http://fake.io/v2/",
    ] {
        check(&[key], "fake.io/app", Some(key));
        check(&[key], "fake.io", Some(key));
    }
    check(&["fake.io/v1/org"], "fake.io/org/app", Some("fake.io/v1/org"));
    // Without the slash it is a path.
    check(&["fake.io/v1"], "fake.io/app", None);
    check(&["fake.io/v1"], "fake.io/v1/app", Some("fake.io/v1"));
}

#[test]
fn paths() {
    let keys = ["fake.io", "fake.io/nested", "fake.io/nested/repo"];
    check(&keys, "fake.io", Some("fake.io"));
    check(&keys, "fake.io/other", Some("fake.io"));
    check(&keys, "fake.io/nested", Some("fake.io/nested"));
    check(&keys, "fake.io/nested/other", Some("fake.io/nested"));
    check(&keys, "fake.io/nested/repo", Some("fake.io/nested/repo"));
    check(&keys, "fake.io/nested/repo/deeper", Some("fake.io/nested/repo"));
    // Whole segments; Go's `/par` is good for `/partial`.
    check(&["fake.io/par"], "fake.io/partial", None);
    check(&["fake.io/par", "fake.io"], "fake.io/partial/x", Some("fake.io"));
    check(&["fake.io/par/"], "fake.io/par/x", Some("fake.io/par/"));
    check(&["fake.io/org"], "fake.io", None);
    check(&["fake.io/a"], "fake.io/b", None);
}

#[test]
fn schemes_and_paths_go_together() {
    for registry in ["gcr.io", "quay.io"] {
        for scheme in ["", "http://", "https://"] {
            for path in ["", "/", "/org", "/org/", "/org/app", "/v1/", "/v2/org"] {
                let key = format!("{scheme}{registry}{path}");
                check(&[&key], &format!("{registry}/org/app"), Some(&key));
                let is_whole = matches!(path, "" | "/" | "/v1/");
                check(
                    &[&key],
                    &format!("{registry}/mine/app"),
                    is_whole.then_some(&*key),
                );
                check(&[&key], "other.io/org/app", None);
            }
        }
    }
}

#[test]
fn globs() {
    check(&["*.registry.io"], "a.registry.io/app", Some("*.registry.io"));
    check(&["*.registry.io"], "a.b.registry.io", None);
    check(&["*.registry.io"], "registry.io", None);
    check(&["*"], "registry.io", None);
    check(&["*.*"], "registry.io", Some("*.*"));
    check(&["reg-?.*.io"], "reg-1.eu.io", Some("reg-?.*.io"));
    check(&["reg-[a-c].io"], "reg-b.io", Some("reg-[a-c].io"));
    check(&["reg-[a-c].io"], "reg-d.io", None);
    check(&["*.REGISTRY.io"], "a.registry.io", Some("*.REGISTRY.io"));
    check(
        &["*.registry.io/org"],
        "a.registry.io/org/app",
        Some("*.registry.io/org"),
    );
    check(&["*.registry.io/org"], "a.registry.io/organic", None);
    // A host before patterns, whatever its first letter and however long their paths.
    check(
        &["?.registry.io", "1.registry.io", "*.registry.io/org"],
        "1.registry.io/org",
        Some("1.registry.io"),
    );
    check(
        &["*.registry.io", "a*.registry.io"],
        "ab.registry.io",
        Some("a*.registry.io"),
    );
    check(
        &["*.registry.io", "*.registry.io/org"],
        "a.registry.io/org",
        Some("*.registry.io/org"),
    );
}

#[test]
fn docker_hub() {
    for key in [
        "index.docker.io",
        "docker.io",
        "https://index.docker.io/v1/",
        "https://index.docker.io/v1",
        "registry-1.docker.io",
    ] {
        for asked in ["index.docker.io/library/ubuntu", "docker.io/knative/serving"] {
            check(&[key], asked, Some(key));
        }
        check(&[key], "ghcr.io/org/app", None);
    }
    check(
        &["index.docker.io", "docker.io/knative"],
        "docker.io/knative/serving",
        Some("docker.io/knative"),
    );
}

#[test]
fn keys_for_no_registry_are_passed_over() {
    let keys = [
        "",
        "/",
        "https://",
        "ftp://fake.io",
        "a b",
        "user@*.io",
        "*.io:x",
        "fake.io",
    ];
    check(&keys, "fake.io", Some("fake.io"));
    check(&keys[..keys.len() - 1], "docker.io/library/ubuntu", None);
}

#[tokio::test]
async fn earlier_secrets_come_first_and_the_next_is_tried() {
    let secrets = PullSecrets::default()
        .with_docker_cfg("1", r#"{"fake.io": {"username": "u", "password": "hunter2"}}"#)
        .and_then(|secrets| {
            secrets.with_docker_config_json(
                "2",
                r#"{"auths": {"https://fake.io": {"auth": "dToy"}, "fake.io/org": {"auth": "dToz"}}}"#,
            )
        })
        .and_then(|secrets| secrets.with_docker_cfg("3", r#"{"*.io": {"username": "u", "password": "4"}}"#))
        .expect("secrets");
    let found = secrets.resolve(&resource("fake.io/org/app")).await;
    let found = found.expect("an authenticator");
    for want in ["3", "hunter2", "2", "4"] {
        let now = found.credential().await.expect("a credential");
        assert_eq!(now, Credential::basic("u", want));
        let is_last = want == "4";
        assert_eq!(found.rejected(&now.identity()), !is_last);
        // Whoever comes late with the same news does not skip one.
        assert_eq!(found.rejected(&now.identity()), !is_last);
    }
    assert!(!found.rejected(&Credential::basic("u", "5").identity()));
    // Nobody else is concerned.
    assert_eq!(
        ask(&secrets, "fake.io/org/app").await.expect("an answer"),
        Credential::basic("u", "3")
    );
    let shown = format!("{secrets:?} {found:?}");
    assert!(shown.contains("****") && !shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn entries_that_are_empty_or_damaged() {
    let secrets = |text: &str| {
        PullSecrets::default()
            .with_docker_cfg("regcred", text)
            .expect("a secret")
    };
    let empty = secrets(r#"{"fake.io/org": {}, "fake.io": {"auth": "dTpw"}}"#);
    assert_eq!(
        ask(&empty, "fake.io/org").await.expect("an answer"),
        Credential::basic("u", "p")
    );
    let damaged = secrets(r#"{"fake.io/org": {"auth": "!hunter2"}, "fake.io": {"auth": "dTpw"}}"#);
    assert_eq!(
        ask(&damaged, "fake.io").await.expect("an answer"),
        Credential::basic("u", "p")
    );
    let error = ask(&damaged, "fake.io/org").await.expect_err("a bad entry");
    assert_eq!(
        chain(&error),
        r#"unusable credentials for "fake.io/org" in pull secret "regcred": unable to decode auth field: not base64"#
    );
    let explained = damaged.explain(&resource("fake.io/org")).await.to_string();
    assert!(!explained.contains("hunter2"), "{explained}");
    // One to fall back to does not matter.
    let damaged = secrets(r#"{"fake.io/org": {"auth": "dTpw"}, "fake.io": {"auth": "!"}}"#);
    ask(&damaged, "fake.io/org").await.expect("the first");
}

#[test]
fn texts_that_are_no_secrets() {
    #[track_caller]
    fn check(outcome: Result<PullSecrets, wharf_authn::Error>, want: &str) {
        let error = outcome.expect_err(want);
        assert_eq!(
            chain(&error),
            format!(r#"parsing config file (pull secret "s"): {want}"#)
        );
    }
    let secrets = PullSecrets::default;
    check(
        secrets().with_docker_cfg("s", "}{"),
        "invalid JSON at line 1 column 1",
    );
    check(
        secrets().with_docker_config_json("s", "[]"),
        "a value of the wrong type at line 1 column 1",
    );
    check(
        secrets().with_docker_config_json("s", r#"{"auths": 1}"#),
        "a value of the wrong type at line 1 column 11",
    );
    secrets().with_docker_config_json("s", "{}").expect("no entries");
    secrets().with_docker_cfg("s", "null").expect("no entries");
}

proptest! {
    #[test]
    fn any_key_is_for_what_it_names_or_nothing(key in "\\PC{0,20}") {
        let text = entries(&[&key]).to_string();
        let secrets = PullSecrets::default().with_docker_cfg("s", &text).expect("a secret");
        let asked = resource("registry.example.com/app");
        let found = futures_util::FutureExt::now_or_never(secrets.resolve(&asked));
        let found = found.expect("nothing to wait for").expect("an answer");
        // Three labels at random that fit are out of reach.
        prop_assert!(found.is_anonymous());
    }
}
