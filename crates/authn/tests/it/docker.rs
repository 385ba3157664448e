//! What docker's file says.

use proptest::prelude::*;
use wharf_authn::{Credential, DockerConfig, Error};

use crate::{ask, chain};

/// `auth` of user `u` and this password.
fn auth(password: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(format!("u:{password}"))
}

/// A file whose entries have their own key as password.
fn keyed(keys: &[&str]) -> DockerConfig {
    let entries: Vec<_> = keys
        .iter()
        .map(|key| format!(r#""{key}": {{"auth": "{}"}}"#, auth(key)))
        .collect();
    DockerConfig::parse(&format!(r#"{{"auths": {{{}}}}}"#, entries.join(","))).expect("a config")
}

/// Which key of the file answers for `resource`; none for `None`.
#[track_caller]
fn check_key(keys: &[&str], resource: &str, want: Option<&str>) {
    let found = futures(ask(&keyed(keys), resource)).expect("an answer");
    let want = want.map_or(Credential::Anonymous, |key| Credential::basic("u", key));
    // Credentials do not print.
    assert!(found == want, "{resource} in {keys:?}: {found:?}");
}

/// Runs a future that never waits.
fn futures<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
        .block_on(future)
}

#[test]
fn entries() {
    #[track_caller]
    fn check(entry: &str, want: Credential) {
        let config =
            DockerConfig::parse(&format!(r#"{{"auths": {{"test.io": {entry}}}}}"#)).expect("a config");
        let found = futures(ask(&config, "test.io")).unwrap_or_else(|error| panic!("{}", chain(&error)));
        assert!(found == want, "{entry}: {found:?}");
    }
    let user_pass = || Credential::basic("user", "pass");
    check(r#"{"username": "user", "password": "pass"}"#, user_pass());
    check(r#"{"auth": "dXNlcjpwYXNz"}"#, user_pass());
    check(
        r#"{"auth": "dXNlcjpwYXNz", "username": "x", "password": "y"}"#,
        user_pass(),
    );
    check(
        r#"{"auth": "", "username": "user", "password": "pass"}"#,
        user_pass(),
    );
    check(
        r#"{"auth": null, "username": "user", "password": "pass"}"#,
        user_pass(),
    );
    check(
        r#"{"auth": "dXNlcjpwYXNzd29yZA=="}"#,
        Credential::basic("user", "password"),
    );
    // Docker refuses the file for these three.
    check(
        r#"{"auth": "dXNlcjpwYXNzd29yZA"}"#,
        Credential::basic("user", "password"),
    );
    check(r#"{"auth": " dXNlcjpwYXNz\n"}"#, user_pass());
    check(
        r#"{"auth": "dTpwP3A-cD9wPg"}"#,
        Credential::basic("u", "p?p>p?p>"),
    );
    check(
        r#"{"auth": "dTpwP3A+cD9wPg=="}"#,
        Credential::basic("u", "p?p>p?p>"),
    );
    // `u:a:b`, `u:`, `:p`, `u:p` with NULs around.
    check(r#"{"auth": "dTphOmI="}"#, Credential::basic("u", "a:b"));
    check(r#"{"auth": "dTo="}"#, Credential::basic("u", ""));
    check(r#"{"auth": "OnA="}"#, Credential::basic("", "p"));
    check(r#"{"auth": "dToAcAAA"}"#, Credential::basic("u", "p"));
    check(r#"{"username": "user"}"#, Credential::basic("user", ""));
    check(r#"{"identitytoken": "t"}"#, Credential::identity_token("t"));
    check(
        r#"{"auth": "dTo=", "identitytoken": "t"}"#,
        Credential::IdentityToken {
            username: Some("u".into()),
            token: "t".into(),
        },
    );
    // What Go writes for the same.
    check(
        r#"{"auth": "Og==", "identitytoken": "t"}"#,
        Credential::identity_token("t"),
    );
    check(
        r#"{"username": "user", "identitytoken": "t"}"#,
        Credential::IdentityToken {
            username: Some("user".into()),
            token: "t".into(),
        },
    );
    check(r#"{"registrytoken": "t"}"#, Credential::registry_token("t"));
    check(
        r#"{"registrytoken": "t", "identitytoken": "x", "auth": "dTo="}"#,
        Credential::registry_token("t"),
    );
    check(
        r#"{"email": "a@b.c", "auth": "dXNlcjpwYXNz", "future": [1]}"#,
        user_pass(),
    );
    for nothing in [
        "{}",
        "null",
        r#"{"auth": ""}"#,
        r#"{"auth": "Og=="}"#,
        r#"{"email": "a@b.c"}"#,
    ] {
        check(nothing, Credential::Anonymous);
    }
}

#[test]
fn a_bad_entry_matters_only_where_it_is_needed() {
    #[track_caller]
    fn check(entry: &str, want: &str) {
        let text = format!(r#"{{"auths": {{"bad.io": {entry}, "good.io": {{"auth": "dXNlcjpwYXNz"}}}}}}"#);
        let config = DockerConfig::parse(&text).expect("a config");
        assert_eq!(
            futures(ask(&config, "good.io")).expect("an answer"),
            Credential::basic("user", "pass")
        );
        assert_eq!(
            futures(ask(&config, "other.io")).expect("an answer"),
            Credential::Anonymous
        );
        let error = futures(ask(&config, "bad.io")).expect_err("a bad entry");
        assert!(matches!(error, Error::Entry { .. }));
        assert_eq!(
            chain(&error),
            format!(r#"unusable credentials for "bad.io" in given text: {want}"#)
        );
    }
    check(
        r#"{"auth": "bad-auth-bad!"}"#,
        "unable to decode auth field: not base64",
    );
    check(
        r#"{"auth": "Zm9vYmFy"}"#,
        "unable to decode auth field: must be formatted as base64(username:password)",
    );
    // URL-safe base64 of something.
    check(
        r#"{"auth": "bad-auth-bad"}"#,
        "unable to decode auth field: not UTF-8",
    );
    check(r#"{"auth": "//86"}"#, "unable to decode auth field: not UTF-8");
    check(r#"{"username": true}"#, "not an object of texts");
    check(r#"{"password": ["hunter2"]}"#, "not an object of texts");
    check(r#"["hunter2"]"#, "not an object of texts");
    check(r#""hunter2""#, "not an object of texts");
}

#[test]
fn keys() {
    // Schemes, APIs and slashes.
    check_key(&["test.io"], "test.io/app", Some("test.io"));
    check_key(&["test.io/"], "test.io/app", Some("test.io/"));
    check_key(
        &["https://test.io:5000/v2/"],
        "test.io:5000/app",
        Some("https://test.io:5000/v2/"),
    );
    check_key(&["http://test.io/v1/"], "test.io/app", Some("http://test.io/v1/"));
    check_key(&["HTTPS://test.io"], "test.io/app", Some("HTTPS://test.io"));
    check_key(&["test.io/v2/"], "test.io/app", Some("test.io/v2/"));
    check_key(
        &["http://test.io/v2/", "https://test.io/v1/", "test.io"],
        "test.io",
        Some("test.io"),
    );
    check_key(
        &["https://test.io/some/path"],
        "test.io/other",
        Some("https://test.io/some/path"),
    );
    // Ports have to agree, letter case has not.
    check_key(&["test.io"], "test.io:5000/app", None);
    check_key(&["test.io:5000"], "test.io/app", None);
    check_key(&["Test.IO"], "test.io/app", Some("Test.IO"));
    check_key(&["[::1]:5000"], "[0:0::1]:5000/app", Some("[::1]:5000"));
    // Hosts are whole.
    check_key(&["io", "xtest.io", "test.io.evil.com"], "test.io/app", None);
    check_key(&["test.io"], "sub.test.io/app", None);
    // No registry at all.
    check_key(
        &[
            "",
            "/",
            "/app",
            "https://",
            "ftp://test.io",
            "a b",
            "test.io?x",
            "*.io",
        ],
        "test.io/app",
        None,
    );
    check_key(&["", "/", "https://"], "docker.io/library/ubuntu", None);
}

#[test]
fn paths() {
    check_key(
        &["test.io/my-repo", "test.io"],
        "test.io/my-repo",
        Some("test.io/my-repo"),
    );
    check_key(
        &["test.io/org", "test.io/org/app", "test.io"],
        "test.io/org/app",
        Some("test.io/org/app"),
    );
    check_key(
        &["test.io/org", "test.io/org/app", "test.io"],
        "test.io/org/web",
        Some("test.io/org"),
    );
    check_key(
        &["test.io/org", "test.io/org/app", "test.io"],
        "test.io/org/app/x",
        Some("test.io/org/app"),
    );
    check_key(
        &["test.io/org", "test.io/org/app", "test.io"],
        "test.io/other",
        Some("test.io"),
    );
    check_key(&["test.io/org", "test.io"], "test.io", Some("test.io"));
    // Go: the other repository's credentials.
    check_key(&["test.io/other"], "test.io/mine", None);
    check_key(&["quay.io/org", "quay.io/org2"], "quay.io/third/x", None);
    // Whole segments.
    check_key(&["test.io/org"], "test.io/organic", None);
    check_key(&["test.io/org/app"], "test.io/org", None);
    // A registry as a whole is not one of its repositories.
    check_key(&["test.io/org"], "test.io", None);
}

#[test]
fn empty_entries_are_passed_over() {
    let config = |text: &str| DockerConfig::parse(text).expect("a config");
    let sibling = config(r#"{"auths": {"test.io/another-repo": {"auth": "dXNlcjpwYXNz"}, "test.io": {}}}"#);
    assert_eq!(
        futures(ask(&sibling, "test.io/my-repo")).expect("an answer"),
        Credential::Anonymous
    );
    let parent = config(r#"{"auths": {"test.io": {"auth": "dXNlcjpwYXNz"}, "test.io/org": {}}}"#);
    assert_eq!(
        futures(ask(&parent, "test.io/org")).expect("an answer"),
        Credential::basic("user", "pass")
    );
}

#[test]
fn docker_hub_has_many_keys() {
    let aliases = [
        "https://index.docker.io/v1/",
        "https://index.docker.io/v1",
        "https://index.docker.io/v2/",
        "https://index.docker.io",
        "http://index.docker.io/v1/",
        "index.docker.io/v1/",
        "index.docker.io/v1",
        "index.docker.io",
        "docker.io",
        "https://docker.io",
        "registry-1.docker.io",
        "https://registry-1.docker.io/v2/",
    ];
    for key in aliases {
        for resource in [
            "docker.io/library/ubuntu",
            "index.docker.io",
            "registry-1.docker.io/org/app",
        ] {
            check_key(&[key], resource, Some(key));
        }
        check_key(&[key], "ghcr.io/org/app", None);
    }
    check_key(&aliases, "docker.io/org/app", Some("https://index.docker.io/v1/"));
    check_key(
        &["docker.io/org", "https://index.docker.io/v1/"],
        "docker.io/org/app",
        Some("docker.io/org"),
    );
    check_key(
        &["index.docker.io/org/app"],
        "docker.io/org/app",
        Some("index.docker.io/org/app"),
    );
    check_key(
        &["hub.docker.com", "hub.docker.io", "docker.io:443"],
        "docker.io/org/app",
        None,
    );
}

#[test]
fn texts_without_content() {
    for text in [
        "",
        " \n",
        "null",
        "{}",
        r#"{"auths": null}"#,
        r#"{"auths": {}, "credHelpers": null}"#,
        "\u{feff}{}",
    ] {
        let config = DockerConfig::parse(text).expect(text);
        assert_eq!(
            futures(ask(&config, "test.io")).expect(text),
            Credential::Anonymous
        );
    }
    // As docker, we read one value.
    let config =
        DockerConfig::parse(r#"{"auths": {"test.io": {"auth": "dTpw"}}} trailing"#).expect("a config");
    assert_eq!(
        futures(ask(&config, "test.io")).expect("an answer"),
        Credential::basic("u", "p")
    );
}

#[test]
fn texts_that_are_no_configuration() {
    #[track_caller]
    fn check(text: &str, want: &str) {
        let error = DockerConfig::parse(text).expect_err(text);
        assert_eq!(chain(&error), format!("parsing config file (given text): {want}"));
    }
    check("}{", "invalid JSON at line 1 column 1");
    check(r#"{"auths": {"#, "invalid JSON at line 1 column 11");
    check("[]", "a value of the wrong type at line 1 column 1");
    check("7", "a value of the wrong type at line 1 column 1");
    check(
        "{\n\"auths\": \"hunter2\"}",
        "a value of the wrong type at line 2 column 18",
    );
    check(
        r#"{"credsStore": 7}"#,
        "a value of the wrong type at line 1 column 16",
    );
    check(
        r#"{"credHelpers": {"a.io": {}}}"#,
        "a value of the wrong type at line 1 column 25",
    );
}

#[test]
fn debug_shows_no_secret() {
    let config = DockerConfig::parse(
        r#"{"auths": {"a.io": {"username": "u", "password": "hunter2"}, "b.io": {"auth": "hunter2!"},
            "c.io": {"identitytoken": "hunter2"}, "d.io": {"registrytoken": "hunter2"}}}"#,
    );
    let shown = format!("{config:#?}");
    assert!(shown.contains("****") && !shown.contains("hunter2"), "{shown}");
}

#[cfg(not(feature = "helper"))]
#[test]
fn helpers_are_refused_in_a_build_without_them() {
    let config = DockerConfig::parse(
        r#"{"credsStore": "desktop", "credHelpers": {"plain.io": "", "cloud.io": "gcloud"},
            "auths": {"both.io": {"auth": "dTpw"}}}"#,
    )
    .expect("a config");
    let error = |text| chain(&futures(ask(&config, text)).expect_err("a helper"));
    assert_eq!(
        error("test.io"),
        "error getting credentials for test.io from docker-credential-desktop: built without support for credential helpers"
    );
    assert!(error("docker.io").starts_with("error getting credentials for https://index.docker.io/v1/ from"));
    assert!(error("cloud.io/a/b").contains("docker-credential-gcloud"));
    assert_eq!(
        futures(ask(&config, "plain.io")).expect("no helper"),
        Credential::Anonymous
    );
    assert_eq!(
        futures(ask(&config, "both.io")).expect("an entry"),
        Credential::basic("u", "p")
    );
}

proptest! {
    #[test]
    fn any_text_parses_or_fails(text in any::<String>()) {
        let _ = DockerConfig::parse(&text);
    }

    #[test]
    fn any_key_and_auth_are_for_the_registry_named_or_none(key in "\\PC{0,20}", auth in "\\PC{0,20}") {
        let text = serde_json::json!({"auths": {key: {"auth": auth}}}).to_string();
        let config = DockerConfig::parse(&text).expect("a config");
        prop_assert_eq!(futures(ask(&config, "registry.example.com/app")).expect("an answer"), Credential::Anonymous);
    }

    #[test]
    fn what_docker_login_writes_is_read(user in "[^:\0]{0,12}", password in "[^\0]{1,12}") {
        use base64::Engine as _;
        let auth = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        let text = serde_json::json!({"auths": {"test.io": {"auth": auth}}}).to_string();
        let config = DockerConfig::parse(&text).expect("a config");
        prop_assert_eq!(futures(ask(&config, "test.io")).expect("an answer"), Credential::basic(user, password));
    }
}
