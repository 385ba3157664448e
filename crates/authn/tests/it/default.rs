//! Where credentials are looked for.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use wharf_authn::{Credential, DefaultKeychain, DockerConfig, Environment, Error};

use crate::{ask, chain};

/// A home with nothing in it, and variables that point into it.
struct Place {
    dir: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let home = dir.path().join("home").to_str().expect("UTF-8").to_owned();
        fs::create_dir(&home).expect("a home");
        let home_variable = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        Self {
            dir,
            variables: vec![(home_variable, home)],
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Sets a variable to a path in this place.
    fn set(mut self, name: &'static str, path: &str) -> Self {
        let value = self.path(path).to_str().expect("UTF-8").to_owned();
        self.variables.push((name, value));
        self
    }

    /// Sets a variable to a text.
    fn set_text(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.variables.push((name, text.into()));
        self
    }

    /// Writes a file whose credentials for `registry` are its own path.
    fn file(self, path: &str, registry: &str) -> Self {
        let text = entry(registry, path);
        self.raw(path, &text)
    }

    fn raw(self, path: &str, text: &str) -> Self {
        write(&self.path(path), text);
        self
    }

    fn keychain(&self) -> DefaultKeychain {
        DefaultKeychain::new(Environment::from_lookup(|name| {
            // The last one counts, as in a shell.
            self.variables
                .iter()
                .rfind(|(known, _)| *known == name)
                .map(|(_, value)| value.into())
        }))
    }

    async fn ask(&self, registry: &str) -> Result<Credential, Error> {
        ask(&self.keychain(), registry).await
    }

    /// The file that answers for `a.io`.
    async fn answers(&self) -> Option<String> {
        match self.ask("a.io").await.expect("an answer") {
            Credential::Basic { username, .. } => Some(username),
            _ => None,
        }
    }
}

fn entry(registry: &str, user: &str) -> String {
    format!(r#"{{"auths": {{"{registry}": {{"username": "{user}", "password": "p"}}}}}}"#)
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
    fs::write(path, text).expect("a file");
}

/// One line a source, first to last.
const ORDER: [&str; 5] = [
    "auth-file.json",
    "variable",
    "docker/config.json",
    "runtime/containers/auth.json",
    "config/containers/auth.json",
];

/// All variables set; those sources filled for `a.io` that are in `filled`.
fn place(filled: &[&str]) -> Place {
    let mut place = Place::new()
        .set("REGISTRY_AUTH_FILE", "auth-file.json")
        .set("DOCKER_CONFIG", "docker")
        .set("XDG_RUNTIME_DIR", "runtime")
        .set("XDG_CONFIG_HOME", "config");
    for source in ORDER {
        let registry = if filled.contains(&source) {
            "a.io"
        } else {
            "other.io"
        };
        place = match source {
            "variable" => place.set_text("DOCKER_AUTH_CONFIG", entry(registry, source)),
            path => place.file(path, registry),
        };
    }
    place
}

#[tokio::test]
async fn the_first_source_with_an_entry_answers() {
    for first in 0..ORDER.len() {
        assert_eq!(
            place(&ORDER[first..]).answers().await.as_deref(),
            Some(ORDER[first])
        );
        // Alone, behind sources that have nothing for this registry.
        assert_eq!(
            place(&ORDER[first..=first]).answers().await.as_deref(),
            Some(ORDER[first])
        );
    }
    assert_eq!(place(&[]).answers().await, None);
}

#[tokio::test]
async fn homes() {
    assert_eq!(Place::new().answers().await, None);
    let docker = || Place::new().file("home/.docker/config.json", "a.io");
    assert_eq!(
        docker().answers().await.as_deref(),
        Some("home/.docker/config.json")
    );
    let podman = || Place::new().file("home/.config/containers/auth.json", "a.io");
    assert_eq!(
        podman().answers().await.as_deref(),
        Some("home/.config/containers/auth.json")
    );
    let both = docker().file("home/.config/containers/auth.json", "a.io");
    assert_eq!(both.answers().await.as_deref(), Some("home/.docker/config.json"));
    // `DOCKER_CONFIG` and `XDG_CONFIG_HOME` are instead of the home.
    assert_eq!(docker().set("DOCKER_CONFIG", "nowhere").answers().await, None);
    assert_eq!(podman().set("XDG_CONFIG_HOME", "nowhere").answers().await, None);
    let instead = docker().set("DOCKER_CONFIG", "x").file("x/config.json", "a.io");
    assert_eq!(instead.answers().await.as_deref(), Some("x/config.json"));
    // Empty is unset.
    let empty = docker()
        .set_text("DOCKER_CONFIG", "")
        .set_text("DOCKER_AUTH_CONFIG", "")
        .set_text("REGISTRY_AUTH_FILE", "");
    assert_eq!(empty.answers().await.as_deref(), Some("home/.docker/config.json"));
    // Go looks into the working directory.
    let nothing = DefaultKeychain::new(Environment::default());
    assert_eq!(
        ask(&nothing, "a.io").await.expect("an answer"),
        Credential::Anonymous
    );
    let relative = Place::new()
        .set_text("XDG_CONFIG_HOME", "relative")
        .set_text("XDG_RUNTIME_DIR", "relative");
    assert_eq!(relative.answers().await, None);
}

/// Rows in which Go answers something else, as its one file is another or its variable is none.
#[tokio::test]
async fn places_that_go_reads_otherwise() {
    async fn check(place: Place, want: Option<&str>) {
        assert_eq!(place.answers().await.as_deref(), want);
    }
    const DOCKER: &str = "home/.docker/config.json";
    const PODMAN: &str = "home/.config/containers/auth.json";
    let docker = || Place::new().file(DOCKER, "a.io");
    let podman = || Place::new().file(PODMAN, "a.io");

    // Go: docker's file.
    let named = docker().set("REGISTRY_AUTH_FILE", "x").file("x", "a.io");
    check(named, Some("x")).await;
    // Go: nothing, as docker's file is there.
    check(podman().file(DOCKER, "b.io"), Some(PODMAN)).await;
    check(podman().raw(DOCKER, "{}"), Some(PODMAN)).await;
    let elsewhere = podman().file(DOCKER, "a.io").set("DOCKER_CONFIG", "nowhere");
    check(elsewhere, Some(PODMAN)).await;
    // Go: an error, as a file is in the home.
    let directory = docker().set("DOCKER_CONFIG", "x").file("x/config.json/y", "a.io");
    check(directory, None).await;
    let directory = podman().set("DOCKER_CONFIG", "x").file("x/config.json/y", "a.io");
    check(directory, Some(PODMAN)).await;
    // Go: the runtime's file, which is the first of podman's.
    let runtime = podman()
        .set("XDG_RUNTIME_DIR", "run")
        .file("run/containers/auth.json", "b.io");
    check(runtime, Some(PODMAN)).await;
}

#[tokio::test]
async fn the_text_in_a_variable() {
    async fn check(text: &str, asked: &str, want: Credential) {
        let place = Place::new()
            .set_text("DOCKER_AUTH_CONFIG", text)
            .file("home/.docker/config.json", "a.io");
        assert_eq!(place.ask(asked).await.expect("an answer"), want, "{text}");
    }
    let file = || Credential::basic("home/.docker/config.json", "p");
    let variable = || Credential::basic("u", "p");
    check(
        r#"{"auths": {"a.io": {"auth": "dTpw"}}}"#,
        "a.io/org/app",
        variable(),
    )
    .await;
    check(r#"{"auths": {"b.io": {"auth": "dTpw"}}}"#, "a.io", file()).await;
    check("{}", "a.io", file()).await;
    check(r#"{"auths": {"a.io": {}}}"#, "a.io", file()).await;
    // Go ignores these three: `auth` is missing, a field is unknown, something follows.
    check(
        r#"{"auths": {"a.io": {"username": "u", "password": "p"}}}"#,
        "a.io",
        variable(),
    )
    .await;
    check(
        r#"{"auths": {"a.io": {"auth": "dTpw", "email": "e"}}, "future": 1}"#,
        "a.io",
        variable(),
    )
    .await;
    check(r#"{"auths": {"a.io": {"auth": "dTpw"}}} {}"#, "a.io", variable()).await;
    // Go wants the very key.
    check(
        r#"{"auths": {"https://a.io/v2/": {"auth": "dTpw"}}}"#,
        "a.io/org",
        variable(),
    )
    .await;
    check(
        r#"{"auths": {"a.io/org": {"auth": "dTpw"}}}"#,
        "a.io/org/app",
        variable(),
    )
    .await;
    check(
        r#"{"auths": {"a.io/org": {"auth": "dTpw"}}}"#,
        "a.io/other",
        file(),
    )
    .await;
    // Go looks for the repository everywhere before it looks for the registry anywhere.
    let both = Place::new()
        .set_text("DOCKER_AUTH_CONFIG", r#"{"auths": {"a.io": {"auth": "dTpw"}}}"#)
        .file("home/.docker/config.json", "a.io/org");
    assert_eq!(both.ask("a.io/org").await.expect("an answer"), variable());
}

#[tokio::test]
async fn what_is_no_file_is_passed_over() {
    let missing = Place::new()
        .set("REGISTRY_AUTH_FILE", "missing")
        .file("home/.docker/config.json", "a.io");
    assert_eq!(
        missing.answers().await.as_deref(),
        Some("home/.docker/config.json")
    );
    // An optional secret in Kubernetes.
    let directory = Place::new().file("home/.docker/config.json/x", "a.io");
    assert_eq!(directory.answers().await, None);
    let below_a_file = Place::new()
        .raw("home/.docker", "")
        .set("REGISTRY_AUTH_FILE", "home/.docker/x");
    assert_eq!(below_a_file.answers().await, None);
    assert_eq!(
        Place::new().raw("home/.docker/config.json", "").answers().await,
        None
    );
}

#[tokio::test]
async fn what_is_damaged_is_named() {
    let broken = Place::new().raw("home/.docker/config.json", "}{");
    let error = broken.ask("a.io").await.expect_err("not JSON");
    let path = broken.path("home/.docker/config.json");
    assert_eq!(
        chain(&error),
        format!(
            "parsing config file ({}): invalid JSON at line 1 column 1",
            path.display()
        )
    );

    let variable = Place::new().set_text("DOCKER_AUTH_CONFIG", "hunter2");
    let error = variable.ask("a.io").await.expect_err("not JSON");
    assert_eq!(
        chain(&error),
        "parsing config file (environment variable DOCKER_AUTH_CONFIG): invalid JSON at line 1 column 1"
    );
    assert!(!format!("{:?}", variable.keychain()).contains("hunter2"));

    let entry = Place::new().raw(
        "home/.docker/config.json",
        r#"{"auths": {"a.io": {"auth": "!"}}}"#,
    );
    let error = entry.ask("a.io").await.expect_err("a bad entry");
    let path = entry.path("home/.docker/config.json");
    assert_eq!(
        chain(&error),
        format!(
            r#"unusable credentials for "a.io" in {}: unable to decode auth field: not base64"#,
            path.display()
        )
    );
    assert_eq!(entry.ask("b.io").await.expect("an answer"), Credential::Anonymous);

    // One that comes first is not passed over for one that is sound.
    let first = Place::new()
        .set("REGISTRY_AUTH_FILE", "auth.json")
        .raw("auth.json", "{")
        .file("home/.docker/config.json", "a.io");
    first.ask("a.io").await.expect_err("a broken file");
    // One that is not reached does not matter.
    let last = Place::new()
        .file("home/.docker/config.json", "a.io")
        .raw("home/.config/containers/auth.json", "{");
    assert_eq!(last.answers().await.as_deref(), Some("home/.docker/config.json"));
}

#[cfg(unix)]
#[tokio::test]
async fn what_cannot_be_read_is_named() {
    let place = Place::new().raw("home/.docker/x", "");
    let path = place.path("home/.docker/config.json");
    std::os::unix::fs::symlink(&path, &path).expect("a link to itself");
    let error = place.ask("a.io").await.expect_err("a loop");
    assert!(matches!(error, Error::Unreadable { .. }));
    assert!(chain(&error).starts_with(&format!("cannot read the credentials in {}: ", path.display())));
}

/// Modes mean nothing to root, who runs the tests in containers: there, what others may not read is read.
#[cfg(unix)]
#[tokio::test]
async fn what_is_for_others_is_named_or_passed_over() {
    use std::os::unix::fs::PermissionsExt as _;

    let close = |path: &Path| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o000)).expect("a mode");
        let is_closed = fs::read_dir(path).is_err() && fs::read(path).is_err();
        is_closed && path.metadata().expect("its owner sees it").permissions().mode() & 0o777 == 0
    };
    let file = Place::new().file("home/.docker/config.json", "a.io");
    let path = file.path("home/.docker/config.json");
    match close(&path) {
        // It is there, and what is in it may matter.
        true => {
            let error = file.ask("a.io").await.expect_err("a closed file");
            assert!(
                chain(&error).contains(&path.display().to_string()),
                "{}",
                chain(&error)
            );
        }
        false => assert!(file.answers().await.is_some()),
    }
    let directory = Place::new()
        .file("home/.docker/config.json", "a.io")
        .file("home/.config/containers/auth.json", "a.io");
    let is_closed = close(&directory.path("home/.docker"));
    let want = match is_closed {
        // Nobody knows whether there is one.
        true => "home/.config/containers/auth.json",
        false => "home/.docker/config.json",
    };
    assert_eq!(directory.answers().await.as_deref(), Some(want));
    // That the directory can be removed.
    fs::set_permissions(directory.path("home/.docker"), fs::Permissions::from_mode(0o700)).expect("a mode");
}

#[test]
fn files_are_capped_and_have_to_be_text() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("config.json");
    fs::write(&path, " ".repeat((4 << 20) + 1)).expect("a file");
    let error = DockerConfig::from_file(&path).expect_err("too large");
    assert_eq!(
        chain(&error),
        format!(
            "{} is larger than 4194304 bytes and cannot hold credentials",
            path.display()
        )
    );
    fs::write(&path, " ".repeat(4 << 20)).expect("a file");
    DockerConfig::from_file(&path).expect("just small enough");
    fs::write(&path, b"\xff{}").expect("a file");
    assert!(matches!(
        DockerConfig::from_file(&path).expect_err("not UTF-8"),
        Error::Unreadable { .. }
    ));
    let missing = dir.path().join("missing");
    assert!(matches!(
        DockerConfig::from_file(missing).expect_err("missing"),
        Error::Unreadable { .. }
    ));
}

#[tokio::test]
async fn changes_are_noticed() {
    let place = Place::new();
    let keychain = place.keychain();
    assert_eq!(
        ask(&keychain, "a.io").await.expect("an answer"),
        Credential::Anonymous
    );
    let path = place.path("home/.docker/config.json");
    write(&path, &entry("a.io", "first"));
    assert_eq!(
        ask(&keychain, "a.io").await.expect("an answer"),
        Credential::basic("first", "p")
    );
    assert_eq!(
        ask(&keychain, "a.io").await.expect("an answer"),
        Credential::basic("first", "p")
    );
    // As docker does it: same size, replaced.
    let next = place.path("home/.docker/next");
    write(&next, &entry("a.io", "other"));
    fs::rename(&next, &path).expect("replaced");
    assert_eq!(
        ask(&keychain, "a.io").await.expect("an answer"),
        Credential::basic("other", "p")
    );
    fs::remove_file(&path).expect("removed");
    assert_eq!(
        ask(&keychain, "a.io").await.expect("an answer"),
        Credential::Anonymous
    );
}

/// As the shell's `<(…)` is one.
#[cfg(unix)]
#[tokio::test]
async fn a_pipe_is_read_once() {
    let place = Place::new().set("REGISTRY_AUTH_FILE", "pipe");
    let path = place.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo starts").success());
    let writer = std::thread::spawn(move || fs::write(path, entry("a.io", "piped")));
    let keychain = place.keychain();
    for asked in ["a.io", "a.io/org/app"] {
        assert_eq!(
            ask(&keychain, asked).await.expect("an answer"),
            Credential::basic("piped", "p")
        );
    }
    writer.join().expect("no panic").expect("it was read");
}

#[test]
fn a_check_finds_what_is_damaged_and_nothing_else() {
    // A later source is checked although an earlier one would answer.
    let later = Place::new()
        .set("REGISTRY_AUTH_FILE", "auth.json")
        .file("auth.json", "a.io")
        .raw("home/.docker/config.json", "}{");
    let error = later.keychain().check().expect_err("not JSON");
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    let missing = Place::new().set("REGISTRY_AUTH_FILE", "missing");
    assert!(missing.keychain().check().is_ok());
    let good = Place::new().file("home/.docker/config.json", "a.io");
    assert!(good.keychain().check().is_ok());
}
