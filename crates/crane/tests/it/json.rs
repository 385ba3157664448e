//! What commands print with `--json`.

use insta::assert_snapshot;
use serde_json::Value;

use crate::fixture::{image, index, other_image};
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;

fn start() -> (TestRegistry, Sandbox) {
    let registry = TestRegistry::start();
    let sandbox = Sandbox::new().hide(registry.host.clone(), "[host]");
    registry.put_image("app:v1", &image());
    registry.put_index("multi:v1", &index());
    (registry, sandbox)
}

/// What a command prints with `--json`, which has to be one document.
#[track_caller]
fn json(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let output = sandbox
        .command(&[&["--quiet"], arguments, &["--json"]].concat())
        .output()
        .expect("crane starts");
    let document: Result<Value, _> = serde_json::from_slice(&output.stdout);
    assert!(document.is_ok(), "{arguments:?}: {}", sandbox.show(&output));
    sandbox.show(&output)
}

#[test]
fn what_there_is() {
    let (registry, sandbox) = start();
    registry.put_image("app:v2", &other_image());
    assert_snapshot!(json(&sandbox, &["ls", &registry.at("app")]), @r#"
    exit 0
    -- stdout
    {
      "name": "[host]/app",
      "tags": [
        "v1",
        "v2"
      ]
    }
    "#);
    assert_snapshot!(json(&sandbox, &["ls", "--full-ref", &registry.at("app")]), @r#"
    exit 0
    -- stdout
    {
      "name": "[host]/app",
      "tags": [
        "[host]/app:v1",
        "[host]/app:v2"
      ]
    }
    "#);
    assert_snapshot!(json(&sandbox, &["catalog", &registry.host]), @r#"
    exit 0
    -- stdout
    {
      "name": "[host]",
      "repositories": [
        "app",
        "multi"
      ]
    }
    "#);
    assert_snapshot!(json(&sandbox, &["digest", &registry.at("app:v1")]), @r#"
    exit 0
    -- stdout
    {
      "reference": "[host]/app@sha256:51beb566bce5c162e49ff5d8a3ea75d507c4583d4329bd6739329ca374a1300c",
      "digest": "sha256:51beb566bce5c162e49ff5d8a3ea75d507c4583d4329bd6739329ca374a1300c",
      "mediaType": "application/vnd.oci.image.manifest.v1+json",
      "size": 547
    }
    "#);
    assert_snapshot!(json(&sandbox, &["digest", "--platform=linux/arm64", &registry.at("multi:v1")]), @r#"
    exit 0
    -- stdout
    {
      "reference": "[host]/multi@sha256:47db1d5c2c853d56fd50eb5e931febacb20dc6c0cfa19d42d8fae2faceb40bc3",
      "digest": "sha256:47db1d5c2c853d56fd50eb5e931febacb20dc6c0cfa19d42d8fae2faceb40bc3",
      "mediaType": "application/vnd.oci.image.manifest.v1+json",
      "size": 397,
      "platform": "linux/arm64/v8"
    }
    "#);
    sandbox.stdout(&["pull", &registry.at("app:v1"), "file.tar"]);
    assert_snapshot!(json(&sandbox, &["digest", "--tarball=file.tar"]), @r#"
    exit 0
    -- stdout
    {
      "digest": "sha256:75d4d7a9f195cb26322383a07ec366da0f74c823e96164eca234cbd8e5d2b4dc",
      "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
      "size": 583
    }
    "#);
    assert_snapshot!(json(&sandbox, &["index", "list", &registry.at("multi:v1")]), @r#"
    exit 0
    -- stdout
    [
      {
        "digest": "sha256:1fb95e91ccc05287930cccfeb815db650828c4999e01cdc9a435844329826023",
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "size": 397,
        "platform": "linux/amd64"
      },
      {
        "digest": "sha256:47db1d5c2c853d56fd50eb5e931febacb20dc6c0cfa19d42d8fae2faceb40bc3",
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "size": 397,
        "platform": "linux/arm64/v8"
      },
      {
        "digest": "sha256:cf4ad7c74b1d93a8928b398b1971f15af9f6329cf497f737020aa23e9bd84cf8",
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "size": 397,
        "platform": "windows/amd64:10.0.20348.1"
      }
    ]
    "#);
    assert_snapshot!(json(&sandbox, &["version"]).replace(env!("CARGO_PKG_VERSION"), "[version]"), @r#"
    exit 0
    -- stdout
    {
      "name": "crane",
      "version": "[version]"
    }
    "#);
}

#[test]
fn documents() {
    let (registry, sandbox) = start();
    assert_snapshot!(json(&sandbox, &["manifest", &registry.at("app:v1")]), @r#"
    exit 0
    -- stdout
    {
      "schemaVersion": 2,
      "mediaType": "application/vnd.oci.image.manifest.v1+json",
      "config": {
        "mediaType": "application/vnd.oci.image.config.v1+json",
        "size": 532,
        "digest": "sha256:378bc66a9124f26accf68beb1d7f4e09c7add74264f6535811ed3f6636a2c1a2"
      },
      "layers": [
        {
          "mediaType": "application/vnd.oci.image.layer.v1.tar",
          "size": 2560,
          "digest": "sha256:1ae8f52203f9b94ed0a0618a14101ab0f7840cf98e17bfa9818028717c1c7fbf"
        },
        {
          "mediaType": "application/vnd.oci.image.layer.v1.tar",
          "size": 2560,
          "digest": "sha256:5e2ec8efc9d7cac0e8d4cf3b1bbe16773c40d9790fd10dd4128a46d50c01b094"
        }
      ]
    }
    "#);
    for command in ["manifest", "config"] {
        let plain = sandbox.stdout(&[command, &registry.at("app:v1")]);
        let shown = sandbox.stdout(&[command, "--json", &registry.at("app:v1")]);
        let value = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        assert_eq!(value(&plain), value(&shown));
    }
    std::fs::write(sandbox.path("config"), "no JSON").expect("writable");
    let artifact = registry.at("artifact:v1");
    sandbox.stdout(&["artifact", "push", &artifact, "--config=config:text/plain"]);
    assert_snapshot!(sandbox.crane(&["config", "--json", &artifact]), @"
    exit 1
    -- stderr
    Error: this is no JSON: expected ident at line 1 column 2
    ");
}

#[test]
fn what_was_stored() {
    let (registry, sandbox) = start();
    let app = registry.at("app:v1");
    assert_snapshot!(json(&sandbox, &["tag", &app, "v2"]), @r#"
    exit 0
    -- stdout
    {
      "reference": "[host]/app@sha256:51beb566bce5c162e49ff5d8a3ea75d507c4583d4329bd6739329ca374a1300c",
      "digest": "sha256:51beb566bce5c162e49ff5d8a3ea75d507c4583d4329bd6739329ca374a1300c",
      "mediaType": "application/vnd.oci.image.manifest.v1+json",
      "size": 547
    }
    "#);
    assert_snapshot!(json(&sandbox, &["copy", &app, "oci:dir:v1"]), @r#"
    exit 0
    -- stdout
    {
      "reference": "oci:dir@sha256:51beb566bce5c162e49ff5d8a3ea75d507c4583d4329bd6739329ca374a1300c",
      "digest": "sha256:51beb566bce5c162e49ff5d8a3ea75d507c4583d4329bd6739329ca374a1300c",
      "mediaType": "application/vnd.oci.image.manifest.v1+json",
      "size": 547
    }
    "#);
    let [one, all] = ["copied:v1", "all"].map(|name| registry.at(name));
    let same = json(&sandbox, &["push", "dir", &one]);
    assert!(same.contains("\"reference\": \"[host]/copied@sha256:"), "{same}");
    assert_eq!(same, json(&sandbox, &["mutate", &app, "--tag", &one]));
    sandbox.stdout(&["copy", &registry.at("multi:v1"), &registry.at("all:v2")]);
    assert_snapshot!(json(&sandbox, &["copy", "-a", "-n", &registry.at("app"), &all]), @r#"
    exit 0
    -- stdout
    {
      "copied": [
        "v1"
      ],
      "kept": [
        "v2"
      ],
      "failed": [],
      "report": {
        "manifests": {
          "count": 1,
          "bytes": 547
        },
        "moved": {
          "count": 0,
          "bytes": 0
        },
        "mounted": {
          "count": 3,
          "bytes": 5652
        },
        "present": {
          "count": 0,
          "bytes": 0
        },
        "skipped": {
          "count": 0,
          "bytes": 0
        },
        "requests": 6
      }
    }
    "#);

    let at = |name: &str| registry.at(name);
    let made = [
        vec!["append", "-t", "[made]", "-f", "root"],
        vec!["flatten", "[app]", "-t", "[made]"],
        vec![
            "rebase",
            "[app]",
            "--old_base=[app]",
            "--new_base=[app]",
            "-t",
            "[made]",
        ],
        vec!["index", "append", "-m", "[app]", "-t", "[made]"],
        vec![
            "index",
            "filter",
            "[multi]",
            "--platform=linux/arm64",
            "-t",
            "[made]",
        ],
        vec!["artifact", "push", "[made]", "root/file"],
        vec!["attach", "[app]", "root/file"],
    ];
    std::fs::create_dir(sandbox.path("root")).expect("directory");
    std::fs::write(sandbox.path("root/file"), "").expect("file");
    for line in made {
        let line: Vec<String> = line
            .iter()
            .map(|word| {
                let names = [
                    ("[app]", at("app:v1")),
                    ("[multi]", at("multi:v1")),
                    ("[made]", at("made:v1")),
                ];
                names
                    .iter()
                    .fold((*word).to_owned(), |word, (name, is)| word.replace(name, is))
            })
            .collect();
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let output = sandbox.command(&[&line[..], &["--json", "-q"]].concat()).output();
        let output = output.expect("crane starts");
        assert!(output.status.success(), "{}", sandbox.show(&output));
        let stored: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let named = stored["reference"].as_str().expect("a reference");
        let described: Value =
            serde_json::from_str(&sandbox.stdout(&["digest", "--json", named])).expect("JSON");
        for member in ["reference", "digest", "mediaType", "size"] {
            assert!(!stored[member].is_null(), "{line:?}: {member}");
            assert_eq!(stored[member], described[member], "{line:?}: {member}");
        }
    }
    let shown = json(&sandbox, &["index", "append", "./new", "-m", &app]);
    assert!(shown.contains("\"reference\": \"oci:./new@sha256:"), "{shown}");
}

#[test]
fn what_was_found() {
    let (registry, sandbox) = start();
    let app = registry.at("app:v1");
    assert_snapshot!(json(&sandbox, &["validate", "--remote", &app]), @r#"
    exit 0
    -- stdout
    [
      {
        "name": "[host]/app:v1",
        "valid": true,
        "findings": []
      }
    ]
    "#);
    sandbox.stdout(&["pull", "--format=oci", &app, "layout"]);
    let blobs = sandbox.path("layout/blobs/sha256");
    let layer = "1ae8f52203f9b94ed0a0618a14101ab0f7840cf98e17bfa9818028717c1c7fbf";
    std::fs::write(blobs.join(layer), "damaged").expect("writable");
    assert_snapshot!(json(&sandbox, &["validate", "--remote=oci:layout"]), @r#"
    exit 1
    -- stdout
    [
      {
        "name": "oci:layout",
        "valid": false,
        "findings": [
          {
            "severity": "error",
            "text": "layers[0] (sha256:1ae8f52203f9b94ed0a0618a14101ab0f7840cf98e17bfa9818028717c1c7fbf): size: want 2560, got 7"
          }
        ]
      }
    ]
    -- stderr
    Error: layers[0] (sha256:1ae8f52203f9b94ed0a0618a14101ab0f7840cf98e17bfa9818028717c1c7fbf): size: want 2560, got 7
    "#);
}
