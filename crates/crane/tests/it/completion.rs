//! What shells complete command lines with.

use std::process::{Command, Stdio};

use insta::assert_snapshot;
use wharf::registry::Registry;
use wharf::registry::auth::{Authentication, Basic, Users};

use crate::fixture::image;
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;

#[test]
fn completion_scripts_are_those_of_the_shells() {
    let sandbox = Sandbox::new();
    for (shell, word) in [
        ("bash", "complete -F _crane"),
        ("zsh", "#compdef crane"),
        ("fish", "complete -c crane"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let script = sandbox.stdout(&["completion", shell]);
        assert!(script.contains(word), "{shell}: {script}");
        assert!(
            sandbox.stdout(&["completion", "--no-descriptions", shell]).len() <= script.len(),
            "{shell}"
        );
    }
    let script = sandbox.path("crane.bash");
    std::fs::write(&script, sandbox.stdout(&["completion", "bash"])).expect("file");
    if let Ok(status) = Command::new("bash").arg("-n").arg(&script).status() {
        assert!(status.success(), "bash cannot parse its script");
    }
    assert_snapshot!(sandbox.crane(&["completion", "tcsh"]), @r#"
    exit 1
    -- stderr
    Error: invalid argument "tcsh" for <SHELL>: the shells are bash, zsh, fish and powershell
    "#);
}

fn start() -> (TestRegistry, Sandbox) {
    let registry = TestRegistry::start();
    let sandbox = Sandbox::new().hide(registry.host.clone(), "[host]");
    for name in ["app:v1", "app:v2", "app:latest", "apple:v1", "other:v1"] {
        registry.put_image(name, &image());
    }
    (registry, sandbox)
}

#[test]
fn references_are_asked_of_the_registry() {
    let (registry, sandbox) = start();
    let check = |words: &[&str], want: &str| {
        let output = sandbox.command(&[&["__complete"], words].concat()).output();
        assert_eq!(sandbox.show(&output.expect("crane starts")), want, "{words:?}");
    };
    check(
        &["digest", &registry.at("app:v")],
        "exit 0\n-- stdout\n[host]/app:v1\n[host]/app:v2\n",
    );
    check(
        &["flatten", "x", &format!("--tag={}", registry.at("app:l"))],
        "exit 0\n-- stdout\n[host]/app:latest\n",
    );
    check(
        &["copy", "--insecure", "x", &registry.at("ap")],
        "exit 0\n-- stdout\n[host]/app\n[host]/apple\n",
    );
    // Nothing to choose from is no failure.
    for words in [
        &[][..],
        &[""],
        &["digest", "app"],
        &["digest", "./dir/file"],
        &["digest", "--platform"],
        &["digest", &registry.at("nope:")],
        &["digest", "127.0.0.1:1/app:"],
        &["digest", "oci:nowhere:"],
    ] {
        check(words, "exit 0\n");
    }
}

#[test]
fn names_in_files_are_completed() {
    let (registry, sandbox) = start();
    for to in [
        "oci:dir:v1",
        "oci:dir:v2",
        "oci:dir:v3$(touch owned)",
        "docker-archive:file:a/b:c",
    ] {
        sandbox.stdout(&["copy", &registry.at("app:v1"), to]);
    }
    assert_eq!(
        sandbox.stdout(&["__complete", "manifest", "oci:dir:"]),
        "oci:dir:v1\noci:dir:v2\n"
    );
    assert_eq!(
        sandbox.stdout(&["__complete", "manifest", "docker-archive:file:a"]),
        "docker-archive:file:a/b:c\n"
    );
}

#[test]
fn credentials_are_those_of_all_commands() {
    let users = Users::new().with("alice", "secret");
    let private = Registry::builder().authentication(Authentication::Basic(Basic::new(users)));
    let registry = TestRegistry::serve(private.build());
    let sandbox = Sandbox::new();
    let asked = |sandbox: &Sandbox| sandbox.stdout(&["__complete", "digest", &registry.at("app:")]);
    assert_eq!(asked(&sandbox), "");
    sandbox.stdout(&["auth", "login", "-u", "alice", "-p", "secret", &registry.host]);
    let (source, _) = start();
    sandbox.stdout(&["copy", &source.at("app:v1"), &registry.at("app:v1")]);
    assert_eq!(asked(&sandbox), format!("{}\n", registry.at("app:v1")));
}

/// What a shell with the script makes of a command line.
fn completed(sandbox: &Sandbox, shell: &str, line: &str) -> Option<String> {
    if !wharf_testkit::is_installed(shell) {
        return None;
    }
    let script = sandbox.path("script");
    std::fs::write(&script, sandbox.stdout(&["completion", shell])).expect("file");
    let program = match shell {
        "bash" => {
            "source ./script; COMP_LINE=$1; COMP_POINT=${#COMP_LINE}; _crane_references; printf '%s\\n' \"${COMPREPLY[@]}\""
        }
        _ => "source ./script; complete -C $argv[1]",
    };
    let mut command = Command::new(shell);
    command.args(["-c", program]);
    if shell == "bash" {
        command.arg("bash");
    }
    let crane = std::path::Path::new(env!("CARGO_BIN_EXE_crane"))
        .parent()
        .expect("a directory");
    command
        .arg(line)
        .current_dir(sandbox.path(""))
        .stdin(Stdio::null())
        .env_clear();
    command.env("HOME", sandbox.path(""));
    command.env("PATH", format!("{}:/usr/bin:/bin", crane.display()));
    let output = command.output().expect("the shell starts");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn shells_complete_references() {
    let (registry, sandbox) = start();
    // To bash a colon ends a word.
    for (shell, before) in [("bash", String::new()), ("fish", registry.at("app:"))] {
        let line = format!("crane digest {}", registry.at("app:v"));
        if let Some(shown) = completed(&sandbox, shell, &line) {
            assert_eq!(shown, format!("{before}v1\n{before}v2\n"), "{shell}");
        }
    }
    let line = format!("crane flatten app --tag={}", registry.at("app:la"));
    if let Some(shown) = completed(&sandbox, "bash", &line) {
        assert_eq!(shown, "latest\n");
    }
}
