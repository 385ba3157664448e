//! With skopeo, which reads and writes credentials as podman and buildah do: what it leaves behind is found, and it
//! finds what is stored here.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use wharf_authn::{ConfigEditor, Credential, DockerConfig};
use wharf_testkit::{Served, docker_registry, is_installed, run};

use crate::ask;

/// Made by Debian's htpasswd 2.4 (`htpasswd -nbB alice wonderland`).
const HTPASSWD: &str = "alice:$2y$05$bfw/V5k15pgs043y2vnpHOA27hhCNv.qYlQh7Dzen.ix6VI5ZBFp.\n";

/// A registry that asks for alice's password, and a file of credentials.
struct Setting {
    registry: Served,
    dir: TempDir,
}

impl Setting {
    fn start() -> Option<Self> {
        if !is_installed("skopeo") {
            return None;
        }
        let dir = tempfile::tempdir().expect("a directory");
        let htpasswd = dir.path().join("htpasswd");
        std::fs::write(&htpasswd, HTPASSWD).expect("a file");
        let auth = format!(
            "auth: {{htpasswd: {{realm: wharf, path: '{}'}}}}",
            htpasswd.display()
        );
        let registry = docker_registry(dir.path(), &auth)?;
        Some(Self { registry, dir })
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("auth.json")
    }

    /// The registry, or something in it.
    fn name(&self, path: &str) -> String {
        format!("{}{path}", self.registry.host())
    }

    fn skopeo(&self, arguments: &[&str], path: &str) -> Command {
        let mut command = Command::new("skopeo");
        command.args(arguments).arg("--authfile").arg(self.file());
        command.arg(self.name(path)).env("HOME", self.dir.path());
        command
    }

    fn login(&self, path: &str) {
        let with = [
            "login",
            "--tls-verify=false",
            "--username=alice",
            "--password=wonderland",
        ];
        run(&mut self.skopeo(&with, path));
    }

    /// What is here for something in the registry, as a file says that another program wrote.
    async fn found(&self, path: &str) -> Credential {
        let config = DockerConfig::from_file(self.file()).expect("a config");
        ask(&config, &self.name(path)).await.expect("an answer")
    }

    fn editor(&self) -> ConfigEditor {
        ConfigEditor::of_file(self.file())
    }
}

fn alice() -> Credential {
    Credential::basic("alice", "wonderland")
}

#[tokio::test]
async fn what_its_login_leaves_is_found() {
    let Some(setting) = Setting::start() else { return };
    setting.login("");
    for path in ["", "/app", "/team/app"] {
        assert_eq!(setting.found(path).await, alice(), "{path}");
    }
    run(&mut setting.skopeo(&["logout"], ""));
    assert_eq!(setting.found("/app").await, Credential::Anonymous);

    // For a part of a registry.
    setting.login("/team");
    assert_eq!(setting.found("/team/app").await, alice());
    assert_eq!(setting.found("/teams/app").await, Credential::Anonymous);
    assert_eq!(setting.found("").await, Credential::Anonymous);
}

#[tokio::test]
async fn it_finds_what_is_stored_and_no_longer_what_is_erased() {
    let Some(setting) = Setting::start() else { return };
    let registry = setting.name("").parse().expect("a registry");
    // Beside what it has written itself.
    setting.login("/team");
    setting.editor().store(&registry, &alice()).await.expect("stored");
    let known = run(&mut setting.skopeo(&["login", "--get-login"], ""));
    assert_eq!(known.stdout, b"alice\n");
    // It shows the registry what it found, who lets it in: there is no such repository.
    let looked = Command::new("skopeo")
        .args(["list-tags", "--tls-verify=false", "--authfile"])
        .args([
            setting.file().as_path(),
            Path::new(&format!("docker://{}", setting.name("/app"))),
        ])
        .env("HOME", setting.dir.path())
        .output()
        .expect("skopeo starts");
    let said = String::from_utf8_lossy(&looked.stderr);
    assert!(said.contains("404 (Not Found)"), "{said}");

    setting.editor().erase(&registry).await.expect("erased");
    let known = setting
        .skopeo(&["login", "--get-login"], "")
        .output()
        .expect("skopeo starts");
    assert!(!known.status.success(), "{known:?}");
    assert_eq!(setting.found("/team/app").await, alice());
}
