//! Credentials that the environment holds.

use std::ffi::OsString;

use wharf_authn::{Credential, Environment, EnvironmentKeychain, Error, GithubKeychain};
use wharf_name::Registry;

use crate::{ask, chain};

fn registry() -> Registry {
    "a.example:5000".parse().expect("a registry")
}

/// What a keychain answers with these variables set.
async fn answer(
    keychain: EnvironmentKeychain,
    variables: &[(&str, &str)],
    asked: &str,
) -> Result<Credential, Error> {
    let variables: Vec<(String, OsString)> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.into()))
        .collect();
    let keychain = keychain.with_lookup(move |name| {
        let found = variables.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    });
    assert!(!format!("{keychain:?}").contains("hunter2"));
    ask(&keychain, asked).await
}

#[tokio::test]
async fn variables_of_any_name() {
    let basic = || EnvironmentKeychain::basic(registry(), "USER", "PASS");
    let both = [("USER", "alice"), ("PASS", "hunter2")];
    let found = answer(basic(), &both, "a.example:5000/org/app").await;
    assert_eq!(found.expect("both"), Credential::basic("alice", "hunter2"));
    for unset in [&[][..], &[("USER", ""), ("PASS", "")], &[("OTHER", "x")]] {
        let found = answer(basic(), unset, "a.example:5000").await;
        assert_eq!(found.expect("nothing"), Credential::Anonymous);
    }
    for other in ["a.example", "a.example:5001", "sub.a.example:5000", "docker.io"] {
        let found = answer(basic(), &both, other).await;
        assert_eq!(found.expect("another registry"), Credential::Anonymous);
    }
    let half = answer(basic(), &both[..1], "a.example:5000").await;
    assert_eq!(
        chain(&half.expect_err("half")),
        "no credentials in environment variable PASS: not set, but its counterpart is"
    );
    let half = answer(basic(), &both[1..], "a.example:5000").await;
    assert_eq!(
        chain(&half.expect_err("half")),
        "no credentials in environment variable USER: not set, but its counterpart is"
    );

    let token = EnvironmentKeychain::registry_token(registry(), "TOKEN");
    let found = answer(token, &[("TOKEN", "hunter2")], "a.example:5000").await;
    assert_eq!(found.expect("a token"), Credential::registry_token("hunter2"));
    let token = EnvironmentKeychain::identity_token(registry(), "TOKEN");
    let found = answer(token, &[("TOKEN", "hunter2")], "a.example:5000").await;
    assert_eq!(found.expect("a token"), Credential::identity_token("hunter2"));
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_not_text_is_not_shown() {
    use std::os::unix::ffi::OsStringExt as _;

    let keychain = EnvironmentKeychain::registry_token(registry(), "TOKEN")
        .with_lookup(|_| Some(OsString::from_vec(b"hunter2\xff".to_vec())));
    let error = ask(&keychain, "a.example:5000").await.expect_err("not UTF-8");
    assert_eq!(
        chain(&error),
        "no credentials in environment variable TOKEN: not UTF-8"
    );
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test]
async fn the_token_of_a_workflow() {
    async fn check(token: &str, actor: &str, asked: &str, want: Credential) {
        let environment = Environment::from_lookup(|name| match name {
            "GITHUB_TOKEN" => Some(token.into()),
            "GITHUB_ACTOR" => Some(actor.into()),
            _ => None,
        });
        let keychain = GithubKeychain::new(&environment);
        assert!(!format!("{environment:?} {keychain:?}").contains("hunter2"));
        assert_eq!(ask(&keychain, asked).await.expect("an answer"), want, "{asked}");
    }
    let alice = || Credential::basic("alice", "hunter2");
    check("hunter2", "alice", "ghcr.io/org/app", alice()).await;
    check("hunter2", "alice", "ghcr.io", alice()).await;
    check("hunter2", "alice", "GHCR.io/org/app", alice()).await;
    check("hunter2", "alice", "ghcr.io:443/org/app", alice()).await;
    check("hunter2", "", "ghcr.io", Credential::basic("unset", "hunter2")).await;
    check("", "alice", "ghcr.io", Credential::Anonymous).await;
    for other in [
        "gcr.io",
        "example.com",
        "ghcr.io.example.com",
        "docker.io",
        "ghcr.io:5000",
        "sub.ghcr.io",
    ] {
        check("hunter2", "alice", other, Credential::Anonymous).await;
    }
}
