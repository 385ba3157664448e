//! What loses or damages data elsewhere, without a word.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use wharf::registry::hook::{Fault, Reaction};

use crate::fixture::{image, index};
use crate::registry::TestRegistry;
use crate::sandbox::{Sandbox, read};

fn start() -> (TestRegistry, Sandbox) {
    let registry = TestRegistry::start();
    let sandbox = Sandbox::new().hide(registry.host.clone(), "[host]");
    std::fs::create_dir_all(sandbox.path("root/etc")).expect("directory");
    std::fs::write(sandbox.path("root/etc/motd"), "hello\n").expect("file");
    (registry, sandbox)
}

fn manifest(sandbox: &Sandbox, image: &str) -> Value {
    serde_json::from_str(&sandbox.stdout(&["manifest", image])).expect("JSON")
}

/// An archive of one file with these bytes.
fn archive(content: &[u8]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    archive
        .append_data(&mut header, "file", content)
        .expect("written");
    archive.into_inner().expect("whole")
}

#[test]
fn edits_keep_what_an_image_refers_to() {
    let (registry, sandbox) = start();
    registry.put_image("app:v1", &image());
    let app = registry.at("app:v1");
    let subject = json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "size": 2,
        "digest": format!("sha256:{:0>64}", 1),
    });
    let mut edited = manifest(&sandbox, &app);
    edited["subject"] = subject.clone();
    edited["artifactType"] = "application/vnd.example".into();
    edited["example.org"] = json!({"kept": [1]});
    let output = sandbox.fed(&["edit", "manifest", &app], edited.to_string());
    assert!(output.status.success(), "{}", sandbox.show(&output));
    let to = registry.at("app:v2");
    for arguments in [
        ["mutate", &app, "-l=a=b", "-t", &to],
        ["mutate", &app, "--append=root", "-t", &to],
        ["append", "-b", &app, "-froot", &format!("-t{to}")],
        [
            "rebase",
            &app,
            "--old_base=oci:none",
            "--new_base=oci:none",
            &format!("-t{to}"),
        ],
    ] {
        if arguments[0] == "rebase" {
            sandbox.stdout(&["copy", &app, "oci:none"]);
        }
        sandbox.stdout(&arguments);
        let after = manifest(&sandbox, &to);
        assert_eq!(after["subject"], subject, "{arguments:?}");
        assert_eq!(after["artifactType"], edited["artifactType"], "{arguments:?}");
        assert_eq!(after["example.org"], edited["example.org"], "{arguments:?}");
    }
}

/// Docker's media types and OCI's do not go together in one image.
#[test]
fn an_image_is_of_one_family() {
    let (registry, sandbox) = start();
    let at = |name: &str| registry.at(name);
    let append = |name: &str, more: &[&str]| {
        sandbox.stdout(&[&["append", "-f", "root", "-t", &at(name)], more].concat())
    };
    append("docker:base", &[]);
    append("oci:base", &["--oci-empty-base"]);
    for (family, word) in [("docker", "vnd.docker."), ("oci", "vnd.oci.")] {
        let (base, app) = (at(&format!("{family}:base")), at(&format!("{family}:app")));
        append(&format!("{family}:app"), &["-b", &base]);
        let rebased = |new: &str| {
            let (old, new) = (format!("--old_base={base}"), format!("--new_base={new}"));
            vec!["rebase".to_owned(), app.clone(), old, new]
        };
        for command in [
            vec!["flatten".to_owned(), app.clone()],
            rebased(&at("docker:base")),
            rebased(&at("oci:base")),
        ] {
            let tag = ["-t".to_owned(), at("made:v1")];
            sandbox.stdout(&[&command[..], &tag].concat());
            let made = manifest(&sandbox, &at("made:v1"));
            let layers = made["layers"].as_array().expect("layers");
            let types = [&made, &made["config"]].into_iter().chain(layers);
            for part in types {
                let media_type = part["mediaType"].as_str().expect("a media type");
                assert!(media_type.contains(word), "{command:?}: {made}");
            }
        }
    }
}

#[test]
fn what_is_compressed_already_is_stored_as_it_is() {
    let (registry, sandbox) = start();
    let plain = archive(b"content");
    let compressed = zstd::encode_all(&plain[..], 3).expect("compressed");
    let to = registry.at("app:v1");
    let output = sandbox.fed(&["append", "-f", "-", "-t", &to], &compressed);
    assert!(output.status.success(), "{}", sandbox.show(&output));
    let layer = &manifest(&sandbox, &to)["layers"][0];
    assert_eq!(layer["digest"], wharf::v1::sha256(&compressed).to_string());
    assert_eq!(layer["mediaType"], "application/vnd.oci.image.layer.v1.tar+zstd");
    assert_eq!(sandbox.stdout(&["cat", &to, "file"]), "content");
}

#[test]
fn a_broken_layer_leaves_no_file_and_no_image() {
    let (registry, sandbox) = start();
    let whole = archive(&vec![7; 100_000]);
    std::fs::write(sandbox.path("cut.tar"), &whole[..60_000]).expect("file");
    std::fs::write(sandbox.path("kept.tar"), "mine").expect("file");
    let to = registry.at("app:v1");
    for output in [&["-o", "new.tar"][..], &["-o", "kept.tar"], &[]] {
        let arguments = [&["append", "-f", "root,cut.tar", "-t", &to], output].concat();
        let shown = sandbox.crane(&arguments);
        assert!(
            shown.contains("Error: appending cut.tar: layer is not a valid tar archive"),
            "{shown}"
        );
    }
    assert_eq!(sandbox.list(), ["cut.tar", "kept.tar", "root"]);
    assert_eq!(read(&sandbox.path("kept.tar")), b"mine");
    assert_eq!(registry.digest("app:v1"), None);
}

#[test]
fn a_tag_of_several_platforms_stays_one() {
    let (registry, sandbox) = start();
    let before = registry.put_index("multi:v1", &index());
    let multi = registry.at("multi:v1");
    for arguments in [
        vec!["mutate", &multi, "--user=me"],
        vec!["mutate", &multi, "--append=root"],
        vec!["index", "filter", &multi, "--platform=linux/s390x"],
        vec!["rebase", &multi, "--old_base=a", "--new_base=b"],
    ] {
        let shown = sandbox.crane(&arguments);
        assert!(shown.starts_with("exit 1\n-- stderr\nError: "), "{shown}");
    }
    assert_eq!(registry.digest("multi:v1"), Some(before));
}

#[test]
fn a_registry_that_asks_to_wait_is_not_asked_again() {
    let (registry, sandbox) = start();
    registry.put_image("app:v1", &image());
    let busy = Reaction::status(StatusCode::TOO_MANY_REQUESTS).with_retry_after("30");
    let fault = Fault::on(Method::GET, "/manifests/").then(busy);
    let handle = registry.registry.faults().add(fault);
    let shown = sandbox.crane(&["manifest", "--timeout=2", &registry.at("app:v1")]);
    assert!(shown.contains("[time] retrying attempt=1 "), "{shown}");
    assert!(shown.ends_with("Error: not done after 2 s\n"), "{shown}");
    assert_eq!(handle.hits(), 1);
}
