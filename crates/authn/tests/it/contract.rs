//! What holds for every keychain: the contract of the trait.

use std::sync::Arc;
use std::time::Duration;

use wharf_authn::{
    AnonymousKeychain, Basic, Credential, DefaultKeychain, DockerConfig, Environment, EnvironmentKeychain,
    GithubKeychain, Keychain, MultiKeychain, PullSecrets, RefreshingKeychain, StaticKeychain,
};

use crate::resource;

/// For `ghcr.io`: alice, whose password is `hunter2`.
const FILE: &str = r#"{"auths": {"ghcr.io": {"auth": "YWxpY2U6aHVudGVyMg=="}}}"#;

/// Others that look like `ghcr.io`.
const STRANGERS: [&str; 10] = [
    "docker.io/ghcr.io/app",
    "evil.ghcr.io/org/app",
    "ghcr.io.evil.com/org/app",
    "xghcr.io/org/app",
    "ghcr.iox/org/app",
    "ghcr.io:5000/org/app",
    "ghcr-io.com/org/app",
    "io/org/app",
    "localhost/ghcr.io",
    "127.0.0.1:443/org/app",
];

fn every() -> Vec<Arc<dyn Keychain>> {
    let lookup = |name: &str| match name {
        "DOCKER_AUTH_CONFIG" => Some(FILE.into()),
        "GITHUB_TOKEN" | "PASSWORD" => Some("hunter2".into()),
        "GITHUB_ACTOR" | "USER" => Some("alice".into()),
        _ => None,
    };
    let environment = Environment::from_lookup(lookup);
    let ghcr = || "ghcr.io".parse().expect("a registry");
    let fixed = || StaticKeychain::new(ghcr(), Basic::new("alice", "hunter2"));
    let variables = EnvironmentKeychain::basic(ghcr(), "USER", "PASSWORD").with_lookup(lookup);
    let secrets = PullSecrets::default().with_docker_config_json("regcred", FILE);
    let multi = MultiKeychain::default().with(AnonymousKeychain).with(fixed());
    vec![
        Arc::new(fixed()),
        Arc::new(Box::new(fixed()) as Box<dyn Keychain>),
        Arc::new(variables),
        Arc::new(GithubKeychain::new(&environment)),
        Arc::new(DefaultKeychain::new(environment)),
        Arc::new(DockerConfig::parse(FILE).expect("a config")),
        Arc::new(secrets.expect("a secret")),
        Arc::new(multi),
        Arc::new(RefreshingKeychain::new(fixed(), Duration::from_secs(60))),
    ]
}

#[tokio::test]
async fn the_answer_is_for_who_was_asked_about_and_nobody_else() {
    for keychain in every() {
        for name in ["ghcr.io", "GHCR.io/org/app", "ghcr.io/other/app"] {
            let found = keychain.resolve(&resource(name)).await.expect("an answer");
            assert!(!found.is_anonymous(), "{keychain:?} {name}");
            let credential = found.credential().await.expect("a credential");
            assert_eq!(
                credential,
                Credential::basic("alice", "hunter2"),
                "{keychain:?} {name}"
            );
        }
        for name in STRANGERS {
            let found = keychain.resolve(&resource(name)).await.expect("an answer");
            assert!(found.is_anonymous(), "{keychain:?} {name}");
            let credential = found.credential().await.expect("nothing");
            assert_eq!(credential, Credential::Anonymous, "{keychain:?} {name}");
        }
    }
}

#[tokio::test]
async fn an_explanation_says_what_the_answer_is() {
    for keychain in every() {
        let explained = keychain.explain(&resource("ghcr.io/org/app")).await;
        let text = explained.to_string();
        assert!(
            explained.used().is_some() && explained.failure().is_none(),
            "{text}"
        );
        assert!(text.contains(r#": a password of user "alice""#), "{text}");
        for name in STRANGERS {
            let explained = keychain.explain(&resource(name)).await;
            assert!(
                explained.used().is_none() && explained.failure().is_none(),
                "{explained}"
            );
            assert!(!explained.steps().is_empty(), "{keychain:?}");
        }
    }
}

#[tokio::test]
async fn nothing_shows_a_secret() {
    for keychain in every() {
        let asked = resource("ghcr.io/org/app");
        let found = keychain.resolve(&asked).await.expect("an answer");
        let (explained, credential) = (keychain.explain(&asked).await, found.credential().await);
        let shown = format!(
            "{keychain:?} {keychain:#?} {found:?} {found:#?} {explained} {explained:?} {credential:?}"
        );
        for secret in ["hunter2", "YWxpY2U6aHVudGVyMg", "aHVudGVyMg"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn questions_come_from_many_tasks_at_once() {
    for keychain in every() {
        std::thread::scope(|threads| {
            for _ in 0..8 {
                threads.spawn(|| {
                    let asked = resource("ghcr.io/org/app");
                    // Nothing waits, as there is no runtime and no helper.
                    let found = futures_util::FutureExt::now_or_never(keychain.resolve(&asked));
                    let found = found.expect("an answer at once").expect("an answer");
                    let credential = futures_util::FutureExt::now_or_never(found.credential());
                    let credential = credential.expect("at once").expect("a credential");
                    assert_eq!(credential, Credential::basic("alice", "hunter2"));
                });
            }
        });
    }
}
