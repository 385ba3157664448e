//! `crane auth`.

use insta::assert_snapshot;
use wharf::registry::Registry;
use wharf::registry::auth::{Authentication, Basic, Bearer, Users};

use crate::fixture::image;
use crate::registry::TestRegistry;
use crate::sandbox::{Sandbox, read};

fn users() -> Users {
    Users::new().with("alice", "wonder<land>")
}

fn with_basic() -> TestRegistry {
    let authentication = Authentication::Basic(Basic::new(users()));
    TestRegistry::serve(Registry::builder().authentication(authentication).build())
}

fn with_tokens() -> TestRegistry {
    let authentication = Authentication::Bearer(Bearer::new(users()));
    TestRegistry::serve(Registry::builder().authentication(authentication).build())
}

/// Logs in as the one user whom a registry knows.
fn log_in(sandbox: &Sandbox, registry: &TestRegistry) {
    sandbox.stdout(&[
        "auth",
        "login",
        &registry.host,
        "-u",
        "alice",
        "-p",
        "wonder<land>",
    ]);
}

fn sandbox(registry: &TestRegistry) -> Sandbox {
    Sandbox::new().hide(registry.host.clone(), "[host]")
}

#[test]
fn a_login_is_checked_stored_used_and_removed() {
    let registry = with_basic();
    let sandbox = sandbox(&registry);
    let host = registry.host.as_str();
    assert_snapshot!(sandbox.crane(&["catalog", host]), @"
    exit 1
    -- stderr
    Error: reading catalog of [host]: GET http://[host]/v2/_catalog?n=1000: UNAUTHORIZED: authentication required (there are no credentials for it)
    Hint: the registry may want a login, or there is no such repository
    ");
    assert_snapshot!(sandbox.crane(&["auth", "login", host, "-u", "alice", "-p", "wrong"]), @r#"
    exit 1
    -- stderr
    Error: logging in to [host]: GET http://[host]/v2/: UNAUTHORIZED: authentication required (credentials from the command line: used: a password of user "alice")
    "#);
    assert!(!sandbox.path(".docker").exists(), "a refused login is stored");

    let arguments = ["auth", "login", host, "--username=alice", "--password-stdin"];
    assert_snapshot!(sandbox.show(&sandbox.fed(&arguments, "wonder<land>\r\n")), @"
    exit 0
    -- stderr
    [time] WARNING! Your credentials are stored unencrypted in '[dir]/.docker/config.json'; a credential helper keeps them better
    [time] logged in via [dir]/.docker/config.json
    ");
    let file = sandbox.path(".docker/config.json");
    assert_snapshot!(String::from_utf8_lossy(&read(&file)).replace(host, "[host]"), @r#"
    {
    	"auths": {
    		"[host]": {
    			"auth": "YWxpY2U6d29uZGVyPGxhbmQ+"
    		}
    	}
    }
    "#);
    assert_eq!(sandbox.stdout(&["catalog", host]), "");

    assert_snapshot!(sandbox.crane(&["auth", "get", host]), @r#"
    exit 0
    -- stdout
    {"Username":"alice","Secret":"wonder\u003cland\u003e"}
    "#);
    assert_snapshot!(sandbox.show(&sandbox.fed(&["auth", "get"], format!("{host}\n"))), @r#"
    exit 0
    -- stdout
    {"Username":"alice","Secret":"wonder\u003cland\u003e"}
    "#);

    assert_snapshot!(sandbox.crane(&["auth", "logout", host]), @"
    exit 0
    -- stderr
    [time] logged out via [dir]/.docker/config.json
    ");
    assert_snapshot!(sandbox.crane(&["auth", "get", host]), @"
    exit 1
    -- stdout
    credentials not found in native keychain
    ");
    assert_snapshot!(sandbox.crane(&["auth", "logout", host]), @"
    exit 0
    -- stderr
    [time] logged out via [dir]/.docker/config.json
    ");
}

#[test]
fn a_registry_that_cannot_be_asked_is_logged_in_to() {
    let sandbox = Sandbox::new();
    let unchecked = [
        "auth",
        "login",
        "registry.invalid",
        "-u",
        "u",
        "-p",
        "p",
        "--skip-check",
    ];
    assert_snapshot!(sandbox.crane(&unchecked), @"
    exit 0
    -- stderr
    [time] WARNING! Your credentials are stored unencrypted in '[dir]/.docker/config.json'; a credential helper keeps them better
    [time] logged in via [dir]/.docker/config.json
    ");
    assert_snapshot!(sandbox.crane(&["auth", "login", "docker.io", "-u", "u", "-p", "p", "--skip-check"]), @"
    exit 0
    -- stderr
    [time] WARNING! Your credentials are stored unencrypted in '[dir]/.docker/config.json'; a credential helper keeps them better
    [time] logged in via [dir]/.docker/config.json
    ");
    assert_snapshot!(String::from_utf8_lossy(&read(&sandbox.path(".docker/config.json"))), @r#"
    {
    	"auths": {
    		"registry.invalid": {
    			"auth": "dTpw"
    		},
    		"https://index.docker.io/v1/": {
    			"auth": "dTpw"
    		}
    	}
    }
    "#);
    assert_snapshot!(sandbox.crane(&["auth", "login", "registry.invalid"]), @"
    exit 1
    -- stderr
    Error: username and password required
    ");
    assert_snapshot!(sandbox.crane(&["auth", "login", "not/a/registry", "-u", "u", "-p", "p"]), @"
    exit 1
    -- stderr
    Error: registries must be valid RFC 3986 URI authorities: not/a/registry
    ");
}

#[test]
fn identity_tokens_have_their_own_user() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path(".docker")).expect("directory");
    let config = r#"{"auths":{"a.test":{"identitytoken":"t&t"}}}"#;
    std::fs::write(sandbox.path(".docker/config.json"), config).expect("file");
    assert_snapshot!(sandbox.crane(&["auth", "get", "a.test"]), @r#"
    exit 0
    -- stdout
    {"Username":"\u003ctoken\u003e","Secret":"t\u0026t"}
    "#);
}

#[test]
fn tokens_are_for_what_is_asked() {
    let registry = with_tokens();
    let sandbox = sandbox(&registry);
    let repo = registry.at("app");
    log_in(&sandbox, &registry);

    let answer = sandbox.stdout(&["auth", "token", "--push", "-m", &registry.at("base"), &repo]);
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(answer["token"], answer["access_token"]);
    assert_eq!(answer["refresh_token"], "");
    assert!(
        answer["expires_in"].as_u64().is_some_and(|seconds| seconds >= 60),
        "{answer}"
    );

    // It is JSON anyway, with the same members.
    let same = sandbox.stdout(&["auth", "token", "--json", &repo]);
    let same: serde_json::Value = serde_json::from_str(&same).expect("JSON");
    let members = |value: &serde_json::Value| {
        value
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(members(&same), members(&answer));
    assert_snapshot!(sandbox.crane(&["auth", "token", "--json", "-H", &repo]), @"
    exit 1
    -- stderr
    Error: if any flags in the group [json header] are set none of the others can be; [header json] were all set
    ");

    let header = sandbox.stdout(&["auth", "token", "-H", &repo]);
    let token = header.strip_prefix("Authorization: Bearer ").expect("a header");
    assert!(!token.contains('\n'), "{token:?}");
    std::fs::remove_dir_all(sandbox.path(".docker")).expect("logged out");
    std::fs::create_dir(sandbox.path(".docker")).expect("directory");
    let config = format!(
        r#"{{"auths":{{"{}":{{"registrytoken":"{token}"}}}}}}"#,
        registry.host
    );
    std::fs::write(sandbox.path(".docker/config.json"), config).expect("file");
    // It opens the door for reading.
    assert_snapshot!(sandbox.crane(&["ls", &repo]), @"
    exit 1
    -- stderr
    Error: reading tags for [host]/app: GET http://[host]/v2/app/tags/list?n=1000: NAME_UNKNOWN: no repository app
    ");
}

#[test]
fn only_tokens_are_printed_as_tokens() {
    let registry = with_basic();
    assert_snapshot!(sandbox(&registry).crane(&["auth", "token", &registry.at("app")]), @r#"
    exit 1
    -- stderr
    Error: challenge scheme "basic" is not bearer
    "#);
    for (registry, login) in [(with_basic(), true), (TestRegistry::start(), false)] {
        let sandbox = sandbox(&registry);
        let repo = registry.at("app");
        if login {
            log_in(&sandbox, &registry);
            assert_snapshot!(sandbox.crane(&["auth", "token", &repo]), @r#"
            exit 1
            -- stderr
            Error: challenge scheme "basic" is not bearer
            "#);
        } else {
            registry.put_image("app:v1", &image());
            assert_snapshot!(sandbox.crane(&["auth", "token", "-H", &repo]), @r#"
            exit 1
            -- stderr
            Error: challenge scheme "" is not bearer
            "#);
        }
    }
}
