//! Why there are these credentials, or none.

use std::fs;

use wharf_authn::{
    AnonymousKeychain, Bearer, DefaultKeychain, DockerConfig, Environment, EnvironmentKeychain, Error,
    GithubKeychain, Keychain, MultiKeychain, OnFailure, PullSecrets, StaticKeychain,
};

use crate::resource;

#[tokio::test]
async fn a_file() {
    let config = DockerConfig::parse(
        r#"{"auths": {"a.io": {"auth": "YWxpY2U6aHVudGVyMg=="}, "a.io/org": {}, "bad.io": {"auth": "hunter2!"},
                      "token.io": {"identitytoken": "hunter2"}, "B.io\u001b": {"auth": "dTpw"}},
            "credHelpers": {"a.io": ""}}"#,
    )
    .expect("a config");
    let check = async |asked, want: &str| {
        let explained = config.explain(&resource(asked)).await;
        assert_eq!(explained.to_string(), want);
        assert!(!format!("{explained:?}").contains("hunter2"));
        let resolved = config.resolve(&resource(asked)).await;
        assert_eq!(explained.failure().is_some(), resolved.is_err());
        let is_found = resolved.is_ok_and(|found| !found.is_anonymous());
        assert_eq!(explained.used().is_some(), is_found);
    };
    check(
        "a.io/org/app",
        "given text: \"a.io\" in credHelpers says to ask no helper\n\
         given text: the entry \"a.io/org\" is empty\n\
         given text: used \"a.io\": a password of user \"alice\"",
    )
    .await;
    check("token.io", r#"given text: used "token.io": an identity token"#).await;
    check("other.io", "given text: no entry").await;
    check(
        "bad.io",
        "given text: failed: unusable credentials for \"bad.io\" in given text: unable to decode auth field: not base64",
    )
    .await;
}

#[tokio::test]
async fn places() {
    let dir = tempfile::tempdir().expect("a directory");
    let home = dir.path().display();
    fs::create_dir_all(dir.path().join(".docker/config.json")).expect("a directory");
    let auth = dir.path().join("run/containers/auth.json");
    fs::create_dir_all(auth.parent().expect("a parent")).expect("directories");
    fs::write(&auth, r#"{"auths": {"a.io": {"auth": "YWxpY2U6cw=="}}}"#).expect("a file");
    let keychain = DefaultKeychain::new(Environment::from_lookup(|name| match name {
        "HOME" | "USERPROFILE" => Some(dir.path().into()),
        "XDG_RUNTIME_DIR" => Some(dir.path().join("run").into()),
        "DOCKER_AUTH_CONFIG" => Some(r#"{"auths": {}}"#.into()),
        _ => None,
    }));
    let explain = async |asked| keychain.explain(&resource(asked)).await.to_string();
    let until_then = format!(
        "environment variable REGISTRY_AUTH_FILE: not set\n\
         environment variable DOCKER_AUTH_CONFIG: no entry\n\
         {home}/.docker/config.json: a directory, not a file\n"
    );
    assert_eq!(
        explain("a.io").await,
        format!(
            "{until_then}{home}/run/containers/auth.json: used \"a.io\": a password of user \"alice\"\n\
             {home}/.config/containers/auth.json: not asked"
        )
    );
    assert_eq!(
        explain("b.io").await,
        format!(
            "{until_then}{home}/run/containers/auth.json: no entry\n\
             {home}/.config/containers/auth.json: no such file"
        )
    );
    fs::write(&auth, "hunter2").expect("a file");
    assert_eq!(
        explain("a.io").await,
        format!(
            "{until_then}{home}/run/containers/auth.json: failed: parsing config file ({home}/run/containers/auth.json): invalid JSON at line 1 column 1\n\
             {home}/.config/containers/auth.json: not asked"
        )
    );
}

#[tokio::test]
async fn several_keychains() {
    let variable = |value: Option<&'static str>| {
        EnvironmentKeychain::basic("a.io".parse().expect("a registry"), "U", "P")
            .with_lookup(move |name| value.filter(|_| name == "U").map(Into::into))
    };
    let secrets = || {
        PullSecrets::default()
            .with_docker_cfg("s", r#"{"a.io": {"auth": "dTpw"}, "*.io": {"auth": "dTpx"}}"#)
            .expect("secrets")
    };
    let github = GithubKeychain::new(&Environment::default());
    let one = StaticKeychain::new("b.io".parse().expect("a registry"), Bearer::new("hunter2"));
    let keychain = MultiKeychain::default()
        .with(AnonymousKeychain)
        .with(one)
        .with(github)
        .with(variable(None))
        .with_policy(variable(Some("u")), OnFailure::Continue)
        .with(secrets())
        .with(variable(Some("u")));
    assert_eq!(
        keychain.explain(&resource("a.io")).await.to_string(),
        "AnonymousKeychain: nothing\n\
         StaticKeychain: nothing\n\
         environment variable GITHUB_TOKEN: not set\n\
         environment variables U and P: not set\n\
         environment variables U and P: failed: no credentials in environment variable P: not set, but its counterpart is\n\
         pull secret \"s\": used \"a.io\": a password of user \"u\"\n\
         pull secret \"s\": not asked\n\
         keychain 7: not asked"
    );
    assert_eq!(
        keychain.explain(&resource("b.io")).await.to_string(),
        "AnonymousKeychain: nothing\n\
         StaticKeychain: used: a registry token\n\
         keychain 3: not asked\n\
         keychain 4: not asked\n\
         keychain 5: not asked\n\
         keychain 6: not asked\n\
         keychain 7: not asked"
    );
    let stopping = MultiKeychain::default().with(variable(Some("u"))).with(secrets());
    let explained = stopping.explain(&resource("a.io")).await;
    assert!(matches!(explained.failure(), Some(Error::Variable { .. })));
    assert!(explained.to_string().ends_with("\nkeychain 2: not asked"));
}
