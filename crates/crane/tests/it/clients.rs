//! Other people's clients at our registry, as far as Debian ships them. What is missing is said and passed over.

use std::process::{Command, Output};

use wharf_testkit::{is_installed, pass_over, run};

use crate::fixture::image;
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;
use crate::serve::ServedCrane;
use crate::serving::htpasswd;

/// A registry that wants a password in one of its ways, or none.
fn served(sandbox: &Sandbox, auth: Option<&str>) -> ServedCrane {
    let Some(auth) = auth else {
        return ServedCrane::start(sandbox, &["--disk=ours"]);
    };
    htpasswd(sandbox);
    let auth = format!("--auth={auth}");
    ServedCrane::start(sandbox, &["--disk=ours", "--htpasswd=users", &auth])
}

/// The credentials of the one user, if the registry wants some.
fn credentials(auth: Option<&str>, flag: &str) -> Vec<String> {
    auth.map(|_| format!("{flag}=alice:wonderland"))
        .into_iter()
        .collect()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn skopeo_does_all_that_it_can() {
    if !is_installed("skopeo") {
        return;
    }
    let source = TestRegistry::start();
    source.put_image("app:v1", &image());
    source.put_image("app:v2", &image());
    for auth in [None, Some("basic"), Some("bearer")] {
        let sandbox = Sandbox::new();
        let served = served(&sandbox, auth);
        let skopeo = |arguments: &[&str], flags: Vec<String>| {
            run(Command::new("skopeo")
                .arg("--insecure-policy")
                .args(arguments)
                .args(flags)
                .env("HOME", sandbox.path("")))
        };
        let at = |name: &str| format!("docker://{}/{name}", served.host());
        let (from, to) = (format!("docker://{}", source.at("app:v1")), at("app:v1"));
        let plain = ["--src-tls-verify=false", "--dest-tls-verify=false"];
        let copy = ["copy", "--preserve-digests", plain[0], plain[1], &from, &to];
        skopeo(&copy, credentials(auth, "--dest-creds"));
        let inspect = ["inspect", "--tls-verify=false", "--format={{.Digest}}", &to];
        let digest = text(&skopeo(&inspect, credentials(auth, "--creds")));
        assert_eq!(Some(digest.trim_end().to_owned()), source.digest("app:v1"));

        let mirror = served.host().to_string() + "/mirror";
        let from = source.at("app");
        let sync = [
            "sync",
            plain[0],
            plain[1],
            "--src=docker",
            "--dest=docker",
            &from,
            &mirror,
        ];
        skopeo(&sync, credentials(auth, "--dest-creds"));
        let tags = at("mirror/app");
        let list = ["list-tags", "--tls-verify=false", &tags];
        let listed: serde_json::Value = {
            let listed = skopeo(&list, credentials(auth, "--creds"));
            serde_json::from_slice(&listed.stdout).expect("JSON")
        };
        assert_eq!(listed["Tags"], serde_json::json!(["v1", "v2"]));

        let gone = at("app:v1");
        skopeo(
            &["delete", "--tls-verify=false", &gone],
            credentials(auth, "--creds"),
        );
        let left = Command::new("skopeo")
            .args(["inspect", "--tls-verify=false", &gone])
            .args(credentials(auth, "--creds"))
            .env("HOME", sandbox.path(""))
            .output()
            .expect("skopeo runs");
        let said = String::from_utf8_lossy(&left.stderr).into_owned();
        assert!(
            !left.status.success() && said.contains("manifest unknown"),
            "{auth:?}: {said}"
        );
    }
}

/// Builds nothing, which needs no privileges: an image from an archive goes there and back.
#[test]
fn buildah_pushes_and_pulls() {
    if !is_installed("buildah") {
        return;
    }
    let source = TestRegistry::start();
    source.put_image("app:v1", &image());
    let sandbox = Sandbox::new();
    let served = served(&sandbox, None);
    let buildah = |arguments: &[&str]| {
        Command::new("buildah")
            .args(["--storage-driver=vfs", "--root"])
            .arg(sandbox.path("root"))
            .arg("--runroot")
            .arg(sandbox.path("runroot"))
            .args(arguments)
            .env("HOME", sandbox.path(""))
            .output()
            .expect("buildah runs")
    };
    let pulled = buildah(&["pull", "--tls-verify=false", &source.at("app:v1")]);
    if !pulled.status.success() {
        let why = String::from_utf8_lossy(&pulled.stderr).into_owned();
        // Where it may not unpack layers. Anything else is wrong.
        assert!(
            why.contains("permitted") || why.contains("user namespace"),
            "{why}"
        );
        pass_over("buildah", &why);
        return;
    }
    let there = format!("{}/built:v1", served.host());
    let pushed = buildah(&[
        "push",
        "--tls-verify=false",
        &source.at("app:v1"),
        &format!("docker://{there}"),
    ]);
    assert!(
        pushed.status.success(),
        "{}",
        String::from_utf8_lossy(&pushed.stderr)
    );
    assert_eq!(
        sandbox.stdout(&["validate", "--remote", &there]),
        format!("PASS: {there}\n")
    );
    let back = buildah(&["pull", "--tls-verify=false", &format!("docker://{there}")]);
    assert!(back.status.success(), "{}", String::from_utf8_lossy(&back.stderr));
}
