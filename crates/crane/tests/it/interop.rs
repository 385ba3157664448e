//! With other tools: docker-registry, skopeo and umoci, as Debian ships them. What is missing is said and
//! passed over.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use wharf::layout::{AppendOptions, Layout};
use wharf_testkit::{Served, docker_registry, is_installed, run};

use crate::fixture::{index_of, packed};
use crate::registry::TestRegistry;
use crate::sandbox::{Sandbox, read};
use crate::serve::ServedCrane;

/// Two registries of different make, and a place to work in.
struct Harbour {
    sandbox: Sandbox,
    foreign: Served,
    ours: ServedCrane,
}

impl Harbour {
    fn open() -> Option<Self> {
        let sandbox = Sandbox::new();
        let foreign = docker_registry(&sandbox.path(""), "")?;
        let ours = ServedCrane::start(&sandbox, &["--disk", "ours"]);
        Some(Self {
            sandbox,
            foreign,
            ours,
        })
    }

    /// Pushes a layout to docker-registry, copies it from there to ours, pulls it back, and says its digest,
    /// which is the same all the way.
    #[track_caller]
    fn ship(&self, layout: &str) -> String {
        let (foreign, ours) = (self.foreign("ship:v1"), self.ours("ship:v1"));
        let pushed = self.sandbox.stdout(&["push", layout, &foreign]);
        let digest = pushed.trim_end().rsplit('@').next().expect("a digest").to_owned();
        assert_eq!(digest, only_entry(&self.sandbox.path(layout)));
        assert_eq!(self.sandbox.stdout(&["digest", &foreign]).trim_end(), digest);
        self.sandbox.stdout(&["copy", &foreign, &ours]);
        assert_eq!(self.sandbox.stdout(&["digest", &ours]).trim_end(), digest);
        self.sandbox.stdout(&["pull", "--format=oci", &ours, "back"]);
        assert_eq!(only_entry(&self.sandbox.path("back")), digest);
        assert_eq!(
            blobs(&self.sandbox.path("back")),
            blobs(&self.sandbox.path(layout))
        );
        digest
    }

    /// Has skopeo read what was shipped from both registries, and carry what came back on to a third place.
    #[track_caller]
    fn let_skopeo_check(&self, digest: &str) {
        if !is_installed("skopeo") {
            return;
        }
        let docker = |reference: String| format!("docker://{reference}");
        for (number, from) in [self.foreign("ship:v1"), self.ours("ship:v1")]
            .into_iter()
            .enumerate()
        {
            let raw = self.skopeo(&["inspect", "--raw", "--tls-verify=false", &docker(from.clone())]);
            assert_eq!(wharf::v1::sha256(&raw.stdout).to_string(), digest);
            let name = format!("skopeo{number}");
            let to = format!("oci:{}:v1", self.sandbox.path(&name).display());
            self.skopeo(&[
                "copy",
                "--all",
                "--preserve-digests",
                "--src-tls-verify=false",
                &docker(from),
                &to,
            ]);
            assert_eq!(only_entry(&self.sandbox.path(&name)), digest);
            assert_eq!(
                blobs(&self.sandbox.path(&name)),
                blobs(&self.sandbox.path("back"))
            );
        }
        let back = format!("oci:{}", self.sandbox.path("back").display());
        for to in [self.foreign("on:v1"), self.ours("on:v1")] {
            self.skopeo(&[
                "copy",
                "--all",
                "--preserve-digests",
                "--dest-tls-verify=false",
                &back,
                &docker(to.clone()),
            ]);
            assert_eq!(self.sandbox.stdout(&["digest", &to]).trim_end(), digest);
        }
        assert_eq!(self.sandbox.stdout(&["ls", &self.ours("on")]), "v1\n");
        assert_eq!(self.sandbox.stdout(&["catalog", self.ours.host()]), "on\nship\n");
        assert_eq!(
            self.sandbox.stdout(&["catalog", self.foreign.host()]),
            "on\nship\n"
        );
    }

    #[track_caller]
    fn skopeo(&self, arguments: &[&str]) -> Output {
        run(Command::new("skopeo")
            .arg("--insecure-policy")
            .args(arguments)
            .env("HOME", self.sandbox.path("")))
    }

    fn foreign(&self, name: &str) -> String {
        format!("{}/{name}", self.foreign.host())
    }

    fn ours(&self, name: &str) -> String {
        format!("{}/{name}", self.ours.host())
    }
}

#[test]
fn an_image_of_real_files() {
    let Some(harbour) = Harbour::open() else { return };
    let job = async {
        let image = packed(&sources(), "amd64").await;
        let layout = Layout::create(harbour.sandbox.path("image"))
            .await
            .expect("created");
        layout
            .append_image(&image, &AppendOptions::new())
            .await
            .expect("stored");
    };
    runtime().block_on(job);
    let digest = harbour.ship("image");
    harbour.let_skopeo_check(&digest);
}

#[test]
fn an_index_of_several_platforms() {
    let Some(harbour) = Harbour::open() else { return };
    let job = async {
        let mut images = Vec::new();
        for (part, architecture) in [("src", "amd64"), ("tests", "arm64"), ("src/bin", "amd64")] {
            images.push(packed(&sources().join(part), architecture).await);
        }
        let layout = Layout::create(harbour.sandbox.path("index"))
            .await
            .expect("created");
        layout
            .append_index(&index_of(images), &AppendOptions::new())
            .await
            .expect("stored");
    };
    runtime().block_on(job);
    let digest = harbour.ship("index");
    harbour.let_skopeo_check(&digest);
    for platform in ["linux/amd64", "linux/arm64/v8", "windows/amd64"] {
        let shown = harbour
            .sandbox
            .stdout(&["config", "--platform", platform, &harbour.foreign("ship:v1")]);
        assert_eq!(
            shown,
            harbour
                .sandbox
                .stdout(&["config", "--platform", platform, &harbour.ours("ship:v1")])
        );
    }
}

#[test]
fn an_image_that_another_tool_made() {
    if !is_installed("umoci") {
        return;
    }
    let Some(harbour) = Harbour::open() else { return };
    let layout = harbour.sandbox.path("umoci");
    let image = format!("{}:v1", layout.display());
    run(Command::new("umoci").args(["init", "--layout"]).arg(&layout));
    run(Command::new("umoci").args(["new", "--image", &image]));
    run(Command::new("umoci")
        .args(["insert", "--rootless", "--image", &image])
        .arg(sources())
        .arg("/sources"));
    // What the image was before is still there.
    run(Command::new("umoci").args(["gc", "--layout"]).arg(&layout));
    let digest = harbour.ship("umoci");
    harbour.let_skopeo_check(&digest);
}

/// Deleting by digest takes the image out of a registry that does not know deletion by tag.
#[test]
fn deletion_in_docker_registry() {
    let registry = TestRegistry::start();
    registry.put_image("app:v1", &crate::fixture::image());
    let sandbox = Sandbox::new();
    let Some(foreign) = docker_registry(&sandbox.path(""), "") else {
        return;
    };
    let there = format!("{}/app", foreign.host());
    sandbox.stdout(&["copy", &registry.at("app:v1"), &format!("{there}:v1")]);
    let digest = sandbox.stdout(&["digest", "--full-ref", &format!("{there}:v1")]);
    sandbox.stdout(&["delete", digest.trim_end()]);
    let shown = sandbox.crane(&["manifest", digest.trim_end()]);
    assert!(shown.contains("MANIFEST_UNKNOWN"), "{shown}");
}

/// The files that are packed: those of this crate.
fn sources() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The digest of the one thing that a layout lists.
#[track_caller]
fn only_entry(layout: &Path) -> String {
    let index: Value = serde_json::from_slice(&read(&layout.join("index.json"))).expect("JSON");
    let entries = index["manifests"].as_array().expect("entries");
    assert_eq!(entries.len(), 1, "{index}");
    entries[0]["digest"].as_str().expect("a digest").to_owned()
}

/// The names of the blobs of a layout, each of which has the digest that it is named after.
#[track_caller]
fn blobs(layout: &Path) -> Vec<String> {
    let directory = std::fs::read_dir(layout.join("blobs/sha256")).expect("blobs");
    let mut names = Vec::new();
    for blob in directory {
        let blob = blob.expect("entry");
        let name = blob.file_name().into_string().expect("text");
        assert_eq!(wharf::v1::sha256(read(&blob.path())).digest(), name);
        names.push(name);
    }
    names.sort();
    names
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("runtime")
}
