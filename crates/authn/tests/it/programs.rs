//! Credential helpers, real programs: `programs/`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use wharf_authn::{
    Authenticator, ConfigEditor, Credential, DefaultKeychain, DockerConfig, Environment, Error, HelperFault,
    HelperKeychain, Helpers, Keychain, Stored,
};

use crate::{ask, chain, resource};

fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/programs")
}

/// The helpers of this folder, and the shell's own programs.
fn path() -> String {
    format!("{}:/usr/local/bin:/usr/bin:/bin", programs().display())
}

pub(crate) fn helpers() -> Arc<Helpers> {
    Arc::new(Helpers::new(&Environment::from_lookup(|name| {
        (name == "PATH").then(|| path().into())
    })))
}

fn config(text: &str) -> DockerConfig {
    DockerConfig::parse(text)
        .expect("a config")
        .with_helpers(helpers())
}

/// The password that `found` gives for a server, up to the part that tells runs apart.
fn password(credential: &Credential) -> &str {
    match credential {
        Credential::Basic { password, .. } => password.expose().rsplit_once(' ').expect("a run").0,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn answers() {
    let helpers = helpers();
    let found = helpers.get("found", "test.io").await.expect("an answer");
    assert_eq!(password(&found), "get test.io");
    assert_eq!(
        helpers.get("token", "x").await.expect("an answer"),
        Credential::identity_token("refresh")
    );
    assert_eq!(
        helpers.get("lower", "x").await.expect("an answer"),
        Credential::basic("user", "pass")
    );
    assert_eq!(
        helpers.get("chatty", "x").await.expect("an answer"),
        Credential::basic("user", "pass")
    );
    assert_eq!(
        helpers.get("none", "x").await.expect("an answer"),
        Credential::Anonymous
    );
    assert_eq!(
        helpers.get("empty", "x").await.expect("an answer"),
        Credential::Anonymous
    );
}

#[tokio::test]
async fn failures() {
    async fn check(helper: &str, want: &str) {
        let error = helpers().get(helper, "test.io").await.expect_err(helper);
        let lead = format!("error getting credentials for test.io from docker-credential-{helper}: ");
        assert_eq!(chain(&error), format!("{lead}{want}"));
        assert!(!format!("{error:?}").contains("hunter2"));
    }
    check(
        "fails",
        "exit status: 7, out: `the vault is locked`, err: `try   again later`",
    )
    .await;
    check("leaks", "exit status: 3, out: `…`").await;
    check("garbage", "unreadable answer: invalid JSON at line 1 column 1").await;
    check(
        "mistyped",
        "unreadable answer: a value of the wrong type at line 1 column 12",
    )
    .await;
    check("huge", "answer larger than 65536 bytes").await;
    check("endless", "answer larger than 65536 bytes").await;
    check("missing", "executable file not found in PATH").await;
    check("plain", "executable file not found in PATH").await;
    check("../programs/docker-credential-found", "not a name of a program").await;
    check("", "not a name of a program").await;
}

/// One argument, and the server without the end of a line.
#[tokio::test]
async fn questions() {
    let found = helpers().get("exact", "test.io").await.expect("an answer");
    assert_eq!(found, Credential::basic("1 get 7", "x"));
}

/// What helpers say when they have no credentials, and what sounds like it.
#[tokio::test]
async fn refusals() {
    async fn check(text: &str, want: Option<&str>) {
        match (helpers().get("repeats", text).await, want) {
            (found, None) => assert_eq!(found.expect(text), Credential::Anonymous),
            (found, Some(want)) => {
                let error = chain(&found.expect_err(text));
                assert!(error.ends_with(want), "{error}");
            }
        }
    }
    check("credentials not found in native keychain", None).await;
    check("  credentials not found in native keychain \n", None).await;
    check(
        "no credentials server URL",
        Some(": exit status: 1, out: `no credentials server URL`"),
    )
    .await;
    check(
        "no credentials username",
        Some(": exit status: 1, out: `no credentials username`"),
    )
    .await;
    check(
        "credentials not found in native keychain, or so",
        Some("out: `credentials not found in native keychain, or so`"),
    )
    .await;
    check("", Some(": exit status: 1, out: ``")).await;
}

/// Two that wait for each other are there at the same time.
#[tokio::test]
async fn different_registries_are_asked_for_side_by_side() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = |name| dir.path().join(name).to_str().expect("UTF-8").to_owned();
    let (a, b, helpers) = (server("a"), server("b"), helpers());
    let met = tokio::try_join!(helpers.get("meets", &a), helpers.get("meets", &b));
    let want = Credential::basic("user", "met");
    assert_eq!(met.expect("both"), (want.clone(), want));
}

#[tokio::test]
async fn one_helper_for_everything() {
    let keychain = |helper: &str| HelperKeychain::new(helper).with_helpers(helpers());
    let ask = async |helper, text| crate::ask(&keychain(helper), text).await;
    let found = ask("found", "test.io/org/app").await.expect("an answer");
    assert_eq!(password(&found), "get test.io");
    let found = ask("found", "docker.io/library/ubuntu").await.expect("an answer");
    assert_eq!(password(&found), "get https://index.docker.io/v1/");
    assert_eq!(
        ask("token", "test.io").await.expect("an answer"),
        Credential::identity_token("refresh")
    );
    assert_eq!(
        ask("none", "test.io").await.expect("an answer"),
        Credential::Anonymous
    );
    // Go: anonymous.
    let error = ask("fails", "test.io").await.expect_err("it fails");
    assert!(matches!(error, Error::Helper { .. }));

    for (helper, want) in [
        ("token", "used docker-credential-token: an identity token"),
        ("none", "docker-credential-none has none"),
        (
            "refuses",
            "failed: error getting credentials for test.io from docker-credential-refuses: exit status: 1, out: `no: ",
        ),
    ] {
        let explained = keychain(helper).explain(&resource("test.io")).await.to_string();
        assert!(
            explained.starts_with(&format!("credential helper: {want}")),
            "{explained}"
        );
    }
}

#[tokio::test]
async fn the_working_directory_is_not_searched() {
    // Test programs run in the folder of their crate.
    let relative = |name: &str| (name == "PATH").then(|| ":tests/it/programs:.".into());
    let helpers = Helpers::new(&Environment::from_lookup(relative));
    let error = helpers.get("token", "x").await.expect_err("not in PATH");
    assert!(matches!(error, Error::Helper { source, .. } if matches!(*source, HelperFault::NotFound)));
}

#[tokio::test]
async fn a_file_says_which_helper_is_responsible() {
    let file = config(
        r#"{"credsStore": "none", "auths": {"a.io": {"auth": "dTpw"}, "found.io": {"auth": "dTpw"}},
            "credHelpers": {"found.io": "found", "off.io": "", "docker.io": "found", "token.io": "token"}}"#,
    );
    let ask = async |text| ask(&file, text).await.expect("an answer");
    // A helper before `auths`, and asked for the registry only.
    assert_eq!(password(&ask("found.io/org/app").await), "get found.io");
    assert_eq!(
        password(&ask("docker.io/library/ubuntu").await),
        "get https://index.docker.io/v1/"
    );
    assert_eq!(ask("token.io").await, Credential::identity_token("refresh"));
    assert_eq!(ask("off.io").await, Credential::Anonymous);
    // The store has nothing.
    assert_eq!(ask("a.io").await, Credential::basic("u", "p"));
    assert_eq!(ask("b.io").await, Credential::Anonymous);

    // Two sources make no credential: in Go the file's token survives beside the helper's answer.
    let file = config(r#"{"credsStore": "token", "auths": {"a.io": {"registrytoken": "t"}}}"#);
    assert_eq!(
        crate::ask(&file, "a.io").await.expect("an answer"),
        Credential::identity_token("refresh")
    );
    // A store that fails does not hide a helper that works.
    let file = config(r#"{"credsStore": "fails", "credHelpers": {"a.io": "token"}}"#);
    assert_eq!(
        crate::ask(&file, "a.io/org/app").await.expect("an answer"),
        Credential::identity_token("refresh")
    );
    // All spellings of Docker Hub name its helper; other hosts and paths name none.
    for key in [
        "docker.io",
        "index.docker.io",
        "https://index.docker.io/v1/",
        "registry-1.docker.io",
    ] {
        let file = config(&format!(r#"{{"credHelpers": {{"{key}": "token"}}}}"#));
        let found = crate::ask(&file, "docker.io/org/app").await.expect("an answer");
        assert_eq!(found, Credential::identity_token("refresh"), "{key}");
    }
    for key in ["io", "a.io/org", "a.io:443", "https://b.io"] {
        let file = config(&format!(r#"{{"credHelpers": {{"{key}": "token"}}}}"#));
        let found = crate::ask(&file, "a.io/org/app").await.expect("an answer");
        assert_eq!(found, Credential::Anonymous, "{key}");
    }
}

#[tokio::test]
async fn a_failing_helper_counts_only_if_nothing_else_is_found() {
    let file = config(r#"{"credsStore": "fails", "auths": {"a.io": {"auth": "dTpw"}}}"#);
    assert_eq!(
        ask(&file, "a.io").await.expect("an entry"),
        Credential::basic("u", "p")
    );
    assert!(matches!(
        ask(&file, "b.io").await.expect_err("nothing"),
        Error::Helper { .. }
    ));

    let home = tempfile::tempdir().expect("a home");
    let write = |path: &str, text: &str| {
        let path = home.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        std::fs::write(path, text).expect("a file");
    };
    write(".docker/config.json", r#"{"credsStore": "fails"}"#);
    write(
        ".config/containers/auth.json",
        r#"{"auths": {"a.io": {"auth": "dTpw"}}}"#,
    );
    let keychain = DefaultKeychain::new(Environment::from_lookup(|name| match name {
        "HOME" => Some(home.path().into()),
        "PATH" => Some(path().into()),
        _ => None,
    }));
    assert_eq!(
        ask(&keychain, "a.io").await.expect("an entry"),
        Credential::basic("u", "p")
    );
    let error = ask(&keychain, "b.io").await.expect_err("nothing");
    assert!(
        chain(&error).contains("docker-credential-fails: exit status: 7"),
        "{}",
        chain(&error)
    );
}

#[tokio::test]
async fn one_run_answers_all_who_wait_and_all_for_a_while() {
    let helpers = helpers();
    let one = || helpers.get("found", "test.io");
    let (a, b, c) = tokio::try_join!(one(), one(), one()).expect("answers");
    assert!(a == b && b == c, "each run has another password");
    assert!(one().await.expect("an answer") == a);
    assert!(helpers.get("found", "other.io").await.expect("an answer") != a);

    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(59)).await;
    assert!(one().await.expect("an answer") == a);
    tokio::time::advance(Duration::from_secs(2)).await;
    tokio::time::resume();
    assert!(one().await.expect("an answer") != a);
}

#[tokio::test]
async fn one_failure_answers_all_who_wait_and_all_for_a_moment() {
    let helpers = helpers();
    // It says who it is, which tells its runs apart.
    let one = async || chain(&helpers.get("refuses", "test.io").await.expect_err("a refusal"));
    let (a, b, c) = tokio::join!(one(), one(), one());
    assert!(a.contains("exit status: 1, out: `no: "), "{a}");
    assert_eq!((&a, &a), (&b, &c));
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(4)).await;
    assert_eq!(one().await, a);
    tokio::time::advance(Duration::from_secs(2)).await;
    tokio::time::resume();
    assert_ne!(one().await, a);
}

#[tokio::test]
async fn who_leaves_takes_the_answer_from_nobody() {
    let helpers = helpers();
    let mut first = Box::pin(helpers.get("found", "test.io"));
    let mut second = Box::pin(helpers.get("found", "test.io"));
    assert!(first.as_mut().now_or_never().is_none());
    assert!(second.as_mut().now_or_never().is_none());
    drop(first);
    assert_eq!(password(&second.await.expect("an answer")), "get test.io");
}

#[tokio::test]
async fn a_refused_answer_is_asked_for_again() {
    let file = config(r#"{"credsStore": "found"}"#);
    let found = file
        .resolve(&resource("test.io"))
        .await
        .expect("an authenticator");
    let first = found.credential().await.expect("a credential");
    assert!(!found.rejected(&first.identity()), "it is fresh");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(6)).await;
    tokio::time::resume();
    assert!(!found.rejected(&Credential::basic("a", "b").identity()));
    assert!(found.rejected(&first.identity()));
    assert!(!found.rejected(&first.identity()), "told already");
    assert!(found.credential().await.expect("a credential") != first);
}

#[tokio::test]
async fn what_is_stored_is_found_listed_and_erased() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("server");
    let server = file.to_str().expect("UTF-8");
    let helpers = helpers();
    let get = async || helpers.get("keeps", server).await.expect("an answer");
    assert_eq!(get().await, Credential::Anonymous);
    // What was remembered is forgotten by each of these.
    for credential in [
        Credential::basic("user", r#"hunter2 "\/\" é"#),
        Credential::identity_token("refresh"),
        Credential::basic("", "token"),
    ] {
        helpers.store("keeps", server, &credential).await.expect("stored");
        assert_eq!(get().await, credential);
    }
    helpers.erase("keeps", server).await.expect("erased");
    assert_eq!(get().await, Credential::Anonymous);
    // Nothing to erase.
    helpers.erase("keeps", server).await.expect("nothing to erase");

    let listed = helpers.list("keeps").await.expect("a list");
    let want = [("https://index.docker.io/v1/", "alice"), ("test.io", "<token>")];
    assert_eq!(
        listed,
        want.map(|(server, user)| (server.to_owned(), user.to_owned()))
            .into()
    );
}

#[tokio::test]
async fn login_leaves_secrets_to_the_helper() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("config.json");
    std::fs::write(
        &file,
        r#"{"auths":{"a.io":{"auth":"dTpw","email":"e"}},"credsStore":"discards"}"#,
    )
    .expect("a file");
    let editor = ConfigEditor::of_file(&file).with_helpers(helpers());
    let registry = "a.io".parse().expect("a registry");
    let stored = editor
        .store(&registry, &Credential::basic("user", "hunter2"))
        .await
        .expect("stored");
    assert_eq!(stored, Stored::Helper("discards".into()));
    let text = || std::fs::read_to_string(&file).expect("a file");
    assert_eq!(
        text(),
        "{\n\t\"auths\": {\n\t\t\"a.io\": {\n\t\t\t\"email\": \"e\"\n\t\t}\n\t},\n\t\"credsStore\": \"discards\"\n}"
    );
    let erased = editor.erase(&registry).await.expect("erased");
    assert_eq!(erased, Stored::Helper("discards".into()));
    assert_eq!(text(), "{\n\t\"auths\": {},\n\t\"credsStore\": \"discards\"\n}");

    // A helper that fails leaves the file as it was, without the secret.
    let failing = r#"{"credHelpers":{"a.io":"echoes"}}"#;
    std::fs::write(&file, failing).expect("a file");
    editor
        .store(&registry, &Credential::basic("user", "hunter2"))
        .await
        .expect_err("it fails");
    assert_eq!(text(), failing);
    // Where no helper is to be asked, it is in the file.
    std::fs::write(&file, r#"{"credsStore":"echoes","credHelpers":{"a.io":""}}"#).expect("a file");
    let stored = editor
        .store(&registry, &Credential::basic("user", "hunter2"))
        .await;
    assert_eq!(stored.expect("stored"), Stored::File);
}

#[tokio::test]
async fn failures_of_the_other_verbs() {
    #[track_caller]
    fn check<T: std::fmt::Debug>(done: Result<T, Error>, want: &str) {
        let error = done.expect_err(want);
        assert_eq!(chain(&error), want);
        assert!(!format!("{error:?}").contains("hunter2"));
    }
    let helpers = helpers();
    let secret = Credential::basic("user", "hunter2");
    // It repeats what it was told.
    check(
        helpers.store("echoes", "test.io", &secret).await,
        "error storing credentials for test.io in docker-credential-echoes: exit status: 3, out: `…`, err: `…`",
    );
    check(
        helpers
            .store("keeps", "test.io", &Credential::registry_token("hunter2"))
            .await,
        "error storing credentials for test.io in docker-credential-keeps: helpers keep passwords and identity tokens only",
    );
    check(
        helpers.erase("fails", "test.io").await,
        "error erasing credentials for test.io in docker-credential-fails: exit status: 7, out: `the vault is locked`, err: `try   again later`",
    );
    check(
        helpers.list("garbage").await,
        "error listing credentials of docker-credential-garbage: unreadable answer: invalid JSON at line 1 column 1",
    );
    check(
        helpers.list("missing").await,
        "error listing credentials of docker-credential-missing: executable file not found in PATH",
    );
}

#[tokio::test]
async fn an_authenticator_renews_what_is_old() {
    let file = config(r#"{"credsStore": "found"}"#);
    let found = file
        .resolve(&resource("test.io"))
        .await
        .expect("an authenticator");
    let first = found.credential().await.expect("a credential");
    assert!(found.credential().await.expect("a credential") == first);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    assert!(found.credential().await.expect("a credential") != first);
}

#[tokio::test(start_paused = true)]
async fn a_helper_that_takes_too_long_is_given_up() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = dir.path().join("pid");
    let environment = Environment::from_lookup(|name| (name == "PATH").then(|| path().into()));
    let helpers = Helpers::new(&environment).with_timeout(Duration::from_secs(5));
    // The clock moves on as soon as all there is to do is wait.
    let error = helpers
        .get("hangs", server.to_str().expect("UTF-8"))
        .await
        .expect_err("it hangs");
    assert!(
        chain(&error).ends_with(": no answer within 5 s"),
        "{}",
        chain(&error)
    );
}

/// A helper that hangs, and who takes part in that.
#[cfg(target_os = "linux")]
struct Hanging {
    asked: tokio::task::JoinHandle<Result<Credential, Error>>,
    pids: Vec<String>,
    _dir: tempfile::TempDir,
}

#[cfg(target_os = "linux")]
impl Hanging {
    async fn start(helper: &'static str, helpers: Helpers) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("pids");
        let asked = tokio::spawn({
            let file = file.clone();
            async move { helpers.get(helper, file.to_str().expect("UTF-8")).await }
        });
        let pids = until(|| std::fs::read_to_string(&file).ok()).await;
        let pids: Vec<String> = pids.split_whitespace().map(str::to_owned).collect();
        for pid in &pids {
            assert!(is_alive(pid), "{pid}");
        }
        Self {
            asked,
            pids,
            _dir: dir,
        }
    }

    async fn are_gone(&self) {
        for pid in &self.pids {
            until(|| (!is_alive(pid)).then_some(())).await;
        }
    }
}

/// Whether there is such a process, which is not dead and waiting to be collected.
#[cfg(target_os = "linux")]
fn is_alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_helper_that_nobody_waits_for_is_killed_with_all_that_it_has_started() {
    for (helper, size) in [("hangs", 1), ("family", 3)] {
        let mut hanging = Hanging::start(helper, Helpers::clone(&helpers())).await;
        assert_eq!(hanging.pids.len(), size);
        hanging.asked.abort();
        assert!((&mut hanging.asked).await.expect_err("aborted").is_cancelled());
        hanging.are_gone().await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_helper_that_takes_too_long_is_killed_with_all_that_it_has_started() {
    let limited = Helpers::clone(&helpers()).with_timeout(Duration::from_secs(3600));
    let mut hanging = Hanging::start("family", limited).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(3601)).await;
    tokio::time::resume();
    let error = (&mut hanging.asked)
        .await
        .expect("not aborted")
        .expect_err("it hangs");
    assert!(
        chain(&error).ends_with(": no answer within 3600 s"),
        "{}",
        chain(&error)
    );
    hanging.are_gone().await;
}

/// An agent that a helper starts for later is not what is waited for, and is not killed.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_a_helper_leaves_behind_is_not_waited_for() {
    let helpers = helpers();
    let asked = tokio::spawn(async move { helpers.get("lingers", "test.io").await });
    let Credential::Basic { password, .. } = asked.await.expect("not aborted").expect("an answer") else {
        panic!("no password");
    };
    assert!(is_alive(password.expose()));
    let ended = std::process::Command::new("kill").arg(password.expose()).status();
    assert!(ended.expect("kill starts").success());
}

/// Waits for something that another process does.
#[cfg(target_os = "linux")]
async fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "it did not happen");
        tokio::task::yield_now().await;
    }
}
