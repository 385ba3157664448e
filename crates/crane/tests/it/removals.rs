//! What `crane mutate` takes away, and layers stored in another way.

use insta::assert_snapshot;
use serde_json::Value;

use crate::fixture::{index, packed};
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;

fn json(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    serde_json::from_str(&sandbox.stdout(arguments)).expect("JSON")
}

fn start() -> (TestRegistry, Sandbox, String) {
    let registry = TestRegistry::start();
    let sandbox = Sandbox::new().hide(registry.host.clone(), "[host]");
    std::fs::create_dir(sandbox.path("root")).expect("directory");
    std::fs::write(sandbox.path("root/hello"), "world\n".repeat(1000)).expect("file");
    let image = registry.run(packed(&sandbox.path("root"), "amd64"));
    registry.put_image("app:v1", &image);
    let app = registry.at("app:v1");
    (registry, sandbox, app)
}

#[test]
fn labels_variables_and_annotations_go() {
    let (_registry, sandbox, app) = start();
    sandbox.stdout(&[
        "mutate", &app, "-l", "a=1", "-l", "b=2", "-e", "A=1", "-e", "B=2", "-a", "x=1", "-a", "y=2",
    ]);
    sandbox.stdout(&[
        "mutate",
        &app,
        "--remove-label=a",
        "--remove-label=none",
        "--remove-env=A",
        "--remove-annotation=x",
        "-l",
        "c=3",
    ]);
    let config = json(&sandbox, &["config", &app]);
    assert_eq!(
        config["config"]["Labels"],
        serde_json::json!({"b": "2", "c": "3", "of": "real files"})
    );
    assert_eq!(config["config"]["Env"], serde_json::json!(["B=2"]));
    assert_eq!(
        json(&sandbox, &["manifest", &app])["annotations"],
        serde_json::json!({"y": "2"})
    );
}

#[test]
fn layers_are_stored_in_another_way() {
    let (registry, sandbox, app) = start();
    let zstd = registry.at("app:zstd");
    sandbox.stdout(&["mutate", &app, "--recompress=zstd", "-t", &zstd]);
    let manifest = json(&sandbox, &["manifest", &zstd]);
    assert_eq!(
        manifest["layers"][0]["mediaType"],
        "application/vnd.oci.image.layer.v1.tar+zstd"
    );
    // The content, and so the config, stays.
    assert_eq!(
        sandbox.stdout(&["config", &zstd]),
        sandbox.stdout(&["config", &app])
    );
    assert_eq!(
        sandbox.stdout(&["cat", &zstd, "hello"]),
        sandbox.stdout(&["cat", &app, "hello"])
    );
    assert!(
        sandbox
            .stdout(&["validate", "--remote", &zstd])
            .starts_with("PASS")
    );
    assert_snapshot!(sandbox.crane(&["mutate", &app, "--recompress=bzip2"]), @r#"
    exit 1
    -- stderr
    Error: invalid argument "bzip2" for "--recompress" flag: must be gzip or zstd
    "#);
}

#[test]
fn a_whole_index_is_changed() {
    let (registry, sandbox, _) = start();
    registry.put_index("multi:v1", &index());
    let (multi, new) = (registry.at("multi:v1"), registry.at("multi:new"));
    sandbox.stdout(&[
        "mutate",
        &multi,
        "--all-platforms",
        "--recompress=gzip",
        "--remove-annotation=kept",
        "-t",
        &new,
    ]);
    let manifest = json(&sandbox, &["manifest", &new]);
    assert_eq!(manifest["annotations"], Value::Null);
    for child in manifest["manifests"].as_array().expect("an index") {
        let digest = child["digest"].as_str().expect("a digest");
        let image = json(&sandbox, &["manifest", &registry.at(&format!("multi@{digest}"))]);
        assert_eq!(
            image["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+gzip",
            "{child}"
        );
    }
}
