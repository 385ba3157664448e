//! Storing credentials, and forgetting them.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;
use wharf_authn::{ConfigDocument, ConfigEditor, Credential, DockerConfig, Environment, Error, Stored};
use wharf_name::Registry;

use crate::{ask, chain};

fn registry(text: &str) -> Registry {
    text.parse().expect("a registry")
}

fn alice() -> Credential {
    Credential::basic("alice", "wonderland")
}

/// A directory with a file in it, or without.
struct Place {
    dir: TempDir,
}

impl Place {
    fn empty() -> Self {
        Self {
            dir: tempfile::tempdir().expect("a directory"),
        }
    }

    fn with(text: &str) -> Self {
        let place = Self::empty();
        fs::write(place.path(), text).expect("a file");
        place
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("config.json")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).expect("a file")
    }

    fn editor(&self) -> ConfigEditor {
        ConfigEditor::of_file(self.path())
    }

    async fn store(&self, name: &str, credential: &Credential) -> Result<Stored, Error> {
        self.editor().store(&registry(name), credential).await
    }

    async fn erase(&self, name: &str) -> Result<Stored, Error> {
        self.editor().erase(&registry(name)).await
    }

    /// Everything in the directory.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path()).expect("a directory");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
            .collect();
        names.sort();
        names
    }
}

const DOCKERS: &str = r#"{
	"credHelpers": {},
	"HttpHeaders": {
		"User-Agent": "Docker-Client/19.03.12 (linux)"
	},
	"auths": {
		"b.io": {
			"auth": "dTpw",
			"email": "u@b.io"
		}
	},
	"psFormat": "table {{.ID}}\t{{.Names}} \u003c\\\"",
	"empty": [],
	"numbers": [
		1e400,
		12345678901234567890123,
		-0.10
	],
	"future": {
		"a": null,
		"b": [
			{
				"c": true
			}
		]
	}
}"#;

#[tokio::test]
async fn what_is_not_concerned_stays_as_it_is() {
    let place = Place::with(DOCKERS);
    let stored = place.store("a.io", &alice()).await.expect("stored");
    assert_eq!(stored, Stored::File);
    let with_a = DOCKERS.replace(
        "\"email\": \"u@b.io\"\n\t\t}\n",
        "\"email\": \"u@b.io\"\n\t\t},\n\t\t\"a.io\": {\n\t\t\t\"auth\": \"YWxpY2U6d29uZGVybGFuZA==\"\n\t\t}\n",
    );
    assert_eq!(place.text(), with_a);
    place
        .store("b.io", &Credential::identity_token("t"))
        .await
        .expect("stored");
    let with_b = with_a.replace("\"auth\": \"dTpw\"", "\"identitytoken\": \"t\"");
    assert_eq!(place.text(), with_b);
    place.erase("a.io").await.expect("erased");
    place
        .store("b.io", &Credential::basic("u", "p"))
        .await
        .expect("stored");
    assert_eq!(place.text(), DOCKERS);
}

#[tokio::test]
async fn from_nothing_to_nothing() {
    for text in [
        None,
        Some(""),
        Some("null"),
        Some("{}"),
        Some(r#"{"auths": null}"#),
        Some("\u{feff}{}"),
    ] {
        let place = text.map_or_else(Place::empty, Place::with);
        place.store("a.io", &alice()).await.expect("stored");
        assert_eq!(
            place.text(),
            "{\n\t\"auths\": {\n\t\t\"a.io\": {\n\t\t\t\"auth\": \"YWxpY2U6d29uZGVybGFuZA==\"\n\t\t}\n\t}\n}"
        );
        place.erase("a.io").await.expect("erased");
        assert_eq!(place.text(), "{\n\t\"auths\": {}\n}");
        assert_eq!(place.names(), ["config.json", "config.json.lock"]);
    }
}

#[tokio::test]
async fn forgetting_what_is_not_there_changes_nothing() {
    let place = Place::with(r#"{"auths":{"b.io":{}}}"#);
    assert_eq!(place.erase("a.io").await.expect("nothing to erase"), Stored::File);
    assert_eq!(place.text(), r#"{"auths":{"b.io":{}}}"#);
    let place = Place::empty();
    place.erase("a.io").await.expect("nothing to erase");
    assert_eq!(place.names(), [""; 0]);
    let nowhere = ConfigEditor::of_file(place.dir.path().join("missing/config.json"));
    nowhere.erase(&registry("a.io")).await.expect("nothing to erase");
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn one_registry_has_one_entry() {
    #[track_caller]
    fn check(keys: &[&str], name: &str, left: &[&str], set: &[&str]) {
        let entries: serde_json::Map<_, _> = keys
            .iter()
            .map(|key| ((*key).to_owned(), serde_json::json!({"auth": "dTpw"})))
            .collect();
        let text = serde_json::json!({ "auths": entries }).to_string();
        let keys_of = |document: &ConfigDocument| -> Vec<String> {
            let json: serde_json::Value = serde_json::from_str(document.to_text().expose()).expect("JSON");
            json["auths"]
                .as_object()
                .expect("entries")
                .keys()
                .cloned()
                .collect()
        };
        let mut document = ConfigDocument::parse(&text).expect("a config");
        document.remove(&registry(name));
        assert_eq!(keys_of(&document), left);
        let mut document = ConfigDocument::parse(&text).expect("a config");
        document.set(&registry(name), &alice()).expect("a credential");
        assert_eq!(keys_of(&document), set);
        let found = DockerConfig::parse(document.to_text().expose()).expect("a config");
        let found = futures_util::FutureExt::now_or_never(ask(&found, name));
        assert_eq!(found.expect("no helper").expect("an answer"), alice());
    }
    check(&["a.io"], "a.io", &[], &["a.io"]);
    check(
        &[
            "A.io",
            "a.io:443",
            "a.io/org",
            "https://a.io",
            "https://a.io/v2/",
            "b.io",
        ],
        "a.io",
        &["a.io/org", "a.io:443", "b.io"],
        &["a.io", "a.io/org", "a.io:443", "b.io"],
    );
    let hub = [
        "docker.io",
        "docker.io/org",
        "https://index.docker.io/v1/",
        "https://index.docker.io/v1/access-token",
        "index.docker.io",
        "registry-1.docker.io",
    ];
    for name in ["docker.io", "index.docker.io", "registry-1.docker.io"] {
        check(
            &hub,
            name,
            &["docker.io/org", "https://index.docker.io/v1/access-token"],
            &[
                "docker.io/org",
                "https://index.docker.io/v1/",
                "https://index.docker.io/v1/access-token",
            ],
        );
    }
}

#[test]
fn records() {
    #[track_caller]
    fn check(credential: &Credential, want: &str) {
        let mut document = ConfigDocument::default();
        document.set(&registry("a.io"), credential).expect("a credential");
        let text = document.to_text();
        let json: serde_json::Value = serde_json::from_str(text.expose()).expect("JSON");
        assert_eq!(json["auths"]["a.io"].to_string(), want);
        assert!(!format!("{document:?}").contains("dT"));
    }
    check(&Credential::basic("u", "p"), r#"{"auth":"dTpw"}"#);
    check(&Credential::basic("u", ""), r#"{"auth":"dTo="}"#);
    check(&Credential::basic("", "p"), r#"{"auth":"OnA="}"#);
    // Go adds `"auth":"Og=="`.
    check(&Credential::identity_token("t"), r#"{"identitytoken":"t"}"#);
    let mut token = Credential::identity_token("t");
    if let Credential::IdentityToken { username, .. } = &mut token {
        *username = Some("u".into());
    }
    check(&token, r#"{"auth":"dTo=","identitytoken":"t"}"#);
    check(
        &Credential::registry_token("t\"\n"),
        r#"{"registrytoken":"t\"\n"}"#,
    );
}

#[test]
fn what_has_no_place() {
    #[track_caller]
    fn check(credential: &Credential, want: &str) {
        let mut document = ConfigDocument::default();
        let error = document.set(&registry("a.io"), credential).expect_err(want);
        assert_eq!(
            chain(&error),
            format!("cannot store the credentials for a.io: {want}")
        );
        assert_eq!(document, ConfigDocument::default());
    }
    check(&Credential::Anonymous, "username and password required");
    check(&Credential::basic("", ""), "username and password required");
    check(&Credential::identity_token(""), "username and password required");
    check(&Credential::registry_token(""), "username and password required");
    check(&Credential::basic("u:v", "p"), "the user has a colon in it");
    check(
        &Credential::basic("u", "p\0"),
        "the password begins or ends with NUL",
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_not_edited() {
    for text in [
        "}{",
        "[]",
        r#"{"auths": 7}"#,
        r#"{"auths": {}} trailing"#,
        r#"{"credsStore": 7}"#,
    ] {
        let place = Place::with(text);
        let error = place.store("a.io", &alice()).await.expect_err(text);
        assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
        if !text.contains("trailing") {
            place.erase("a.io").await.expect_err(text);
        }
        assert_eq!(place.text(), text);
    }
    let place = Place::empty();
    fs::create_dir(place.path()).expect("a directory");
    let error = place.store("a.io", &alice()).await.expect_err("a directory");
    assert!(matches!(error, Error::Unreadable { .. }), "{error:?}");
    // The parent is a file: holds for root too.
    let place = Place::with("{}");
    let below = ConfigEditor::of_file(place.path().join("config.json"));
    let error = below
        .store(&registry("a.io"), &alice())
        .await
        .expect_err("below a file");
    assert!(
        matches!(error, Error::Unreadable { .. } | Error::Unwritable { .. }),
        "{error:?}"
    );
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().expect("a file").permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn it_is_for_its_owner_alone() {
        let place = Place::empty();
        let path = place.dir.path().join("home/.docker/config.json");
        let editor = ConfigEditor::of_file(&path);
        editor.store(&registry("a.io"), &alice()).await.expect("stored");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(&path.with_file_name("config.json.lock")), 0o600);
        assert_eq!(mode(path.parent().expect("a parent")), 0o700);
        assert_eq!(mode(&place.dir.path().join("home")), 0o700);
        // One that was open is closed.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("a mode");
        editor.store(&registry("b.io"), &alice()).await.expect("stored");
        assert_eq!(mode(&path), 0o600);
    }

    #[tokio::test]
    async fn links_are_followed_and_stay() {
        let place = Place::empty();
        let real = place.dir.path().join("dotfiles/real.json");
        fs::create_dir(real.parent().expect("a parent")).expect("a directory");
        symlink("dotfiles/link", place.path()).expect("a link");
        symlink("real.json", place.dir.path().join("dotfiles/link")).expect("a link");
        // To nothing at first.
        for name in ["a.io", "b.io"] {
            place.store(name, &alice()).await.expect("stored");
            assert!(place.path().is_symlink());
            assert!(fs::read_to_string(&real).expect("a file").contains(name));
        }
        let looped = place.dir.path().join("loop");
        symlink("loop", &looped).expect("a link");
        let error = ConfigEditor::of_file(&looped)
            .store(&registry("a.io"), &alice())
            .await;
        assert!(chain(&error.expect_err("a loop")).contains("symbolic links"));
    }
}

#[test]
fn no_change_is_lost_among_many_writers() {
    let place = Place::empty();
    std::thread::scope(|threads| {
        for i in 0..32 {
            let place = &place;
            threads.spawn(move || {
                // Without a runtime it blocks.
                let stored =
                    futures_util::FutureExt::now_or_never(place.store(&format!("r{i}.io"), &alice()));
                stored.expect("done").expect("stored");
            });
        }
    });
    let config = DockerConfig::from_file(place.path()).expect("a config");
    for i in 0..32 {
        let found = futures_util::FutureExt::now_or_never(ask(&config, &format!("r{i}.io")));
        assert_eq!(found.expect("no helper").expect("an answer"), alice(), "{i}");
    }
    assert_eq!(place.names(), ["config.json", "config.json.lock"]);
}

#[test]
fn the_environment_says_where() {
    let editor = |name: &'static str, value: &'static str| {
        ConfigEditor::new(&Environment::from_lookup(move |asked| {
            (asked == name).then(|| value.into())
        }))
    };
    let home = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    let path = |editor: Result<ConfigEditor, Error>| editor.expect("a place").path().to_owned();
    assert_eq!(
        path(editor(home, "/home/a")),
        Path::new("/home/a/.docker/config.json")
    );
    assert_eq!(
        path(editor("DOCKER_CONFIG", "/etc/x")),
        Path::new("/etc/x/config.json")
    );
    let error = editor("PATH", "/bin").expect_err("no home");
    assert_eq!(
        error.to_string(),
        "no place for credentials: neither DOCKER_CONFIG nor a home directory is set"
    );
}

#[cfg(not(feature = "helper"))]
#[tokio::test]
async fn a_helper_that_cannot_run_is_no_reason_for_plain_text() {
    let place = Place::with(r#"{"credsStore":"desktop"}"#);
    let error = place.store("a.io", &alice()).await.expect_err("a helper");
    assert!(matches!(error, Error::Helper { .. }));
    assert_eq!(place.text(), r#"{"credsStore":"desktop"}"#);
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_is_edited_or_refused(text in any::<String>()) {
        if let Ok(mut document) = ConfigDocument::parse(&text) {
            document.set(&registry("a.io"), &alice()).expect("a credential");
        }
    }

    #[test]
    fn edits_lose_nothing(
        others in prop::collection::btree_map("[a-z]{1,8}x", json(), 0..5),
        entries in prop::collection::btree_map("[a-z]{1,5}\\.example(/[a-z]{1,4})?", json(), 0..5),
    ) {
        let mut want: serde_json::Map<_, _> = others.into_iter().collect();
        let entries: serde_json::Map<_, _> = entries.into_iter().collect();
        want.insert("auths".into(), entries.into());
        let mut want = serde_json::Value::Object(want);
        let mut document = ConfigDocument::parse(&want.to_string()).expect("a config");

        document.set(&registry("a.io"), &alice()).expect("a credential");
        want["auths"]["a.io"] = serde_json::json!({"auth": "YWxpY2U6d29uZGVybGFuZA=="});
        let text = document.to_text();
        let got: serde_json::Value = serde_json::from_str(text.expose()).expect("JSON");
        prop_assert_eq!(&got, &want);
        // What is written is read, and written again as it is.
        let again = ConfigDocument::parse(text.expose()).expect("a config");
        let text_again = again.to_text();
        prop_assert_eq!(text_again.expose(), text.expose());

        prop_assert!(document.remove(&registry("a.io")));
        want["auths"].as_object_mut().expect("entries").remove("a.io");
        let got: serde_json::Value = serde_json::from_str(document.to_text().expose()).expect("JSON");
        prop_assert_eq!(got, want);
    }

    #[test]
    fn what_is_stored_is_found(user in "[^:]{0,12}", password in any::<String>()) {
        let credential = Credential::basic(user, password);
        let mut document = ConfigDocument::default();
        if document.set(&registry("a.io"), &credential).is_ok() {
            let config = DockerConfig::parse(document.to_text().expose()).expect("a config");
            let found = futures_util::FutureExt::now_or_never(ask(&config, "a.io"));
            prop_assert_eq!(found.expect("no helper").expect("an answer"), credential);
        }
    }
}
