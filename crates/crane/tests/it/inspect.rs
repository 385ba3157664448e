//! Looking at images: inspect, tree, referrers.

use insta::assert_snapshot;
use serde_json::Value;

use crate::fixture::{image, index};
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;

fn start() -> (TestRegistry, Sandbox) {
    let registry = TestRegistry::start();
    let sandbox = Sandbox::new().hide(registry.host.clone(), "[host]");
    std::fs::write(sandbox.path("sbom.json"), "{}\n").expect("file");
    (registry, sandbox)
}

fn attach(sandbox: &Sandbox, image: &str, kind: &str) {
    sandbox.stdout(&[
        "attach",
        image,
        "sbom.json",
        "--artifact-type",
        kind,
        "-a",
        "by=test",
    ]);
}

#[test]
fn a_page_on_an_image() {
    let (registry, sandbox) = start();
    registry.put_image("app:v1", &image());
    assert_snapshot!(sandbox.crane(&["inspect", &registry.at("app:v1")]), @"
    exit 0
    -- stdout
    Name:          [host]/app:v1
    Digest:        sha256:51beb566bce5c162e49ff5d8a3ea75d507c4583d4329bd6739329ca374a1300c
    Media type:    application/vnd.oci.image.manifest.v1+json

    Image for linux/amd64
      Digest:      sha256:51beb566bce5c162e49ff5d8a3ea75d507c4583d4329bd6739329ca374a1300c
      Config:      sha256:378bc66a9124f26accf68beb1d7f4e09c7add74264f6535811ed3f6636a2c1a2
      Size:        6.20 kB
      Created:     0001-01-01T00:00:00Z
      Layers (2)
        sha256:1ae8f52203f9b94ed0a0618a14101ab0f7840cf98e17bfa9818028717c1c7fbf  2.56 kB  random
        sha256:5e2ec8efc9d7cac0e8d4cf3b1bbe16773c40d9790fd10dd4128a46d50c01b094  2.56 kB  random

    Referrers     none
    ");
    attach(&sandbox, &registry.at("app:v1"), "application/vnd.example.sbom");
    let json = sandbox.stdout(&["inspect", "--json", &registry.at("app:v1")]);
    assert_snapshot!(json.replace(&registry.host, "[host]"), @r#"
    {
      "name": "[host]/app:v1",
      "digest": "sha256:51beb566bce5c162e49ff5d8a3ea75d507c4583d4329bd6739329ca374a1300c",
      "mediaType": "application/vnd.oci.image.manifest.v1+json",
      "size": 547,
      "image": {
        "digest": "sha256:51beb566bce5c162e49ff5d8a3ea75d507c4583d4329bd6739329ca374a1300c",
        "configDigest": "sha256:378bc66a9124f26accf68beb1d7f4e09c7add74264f6535811ed3f6636a2c1a2",
        "configMediaType": "application/vnd.oci.image.config.v1+json",
        "totalSize": 6199,
        "platform": "linux/amd64",
        "created": "0001-01-01T00:00:00Z",
        "layers": [
          {
            "digest": "sha256:1ae8f52203f9b94ed0a0618a14101ab0f7840cf98e17bfa9818028717c1c7fbf",
            "mediaType": "application/vnd.oci.image.layer.v1.tar",
            "size": 2560,
            "createdBy": "random"
          },
          {
            "digest": "sha256:5e2ec8efc9d7cac0e8d4cf3b1bbe16773c40d9790fd10dd4128a46d50c01b094",
            "mediaType": "application/vnd.oci.image.layer.v1.tar",
            "size": 2560,
            "createdBy": "random"
          }
        ]
      },
      "referrers": [
        {
          "digest": "sha256:244ae3193bdd78b6bcc3a28d5b9476104c319d79457fbee2e3de46a1a67e167a",
          "mediaType": "application/vnd.oci.image.manifest.v1+json",
          "size": 683,
          "artifactType": "application/vnd.example.sbom",
          "annotations": {
            "by": "test"
          }
        }
      ]
    }
    "#);
}

#[test]
fn a_page_on_an_index() {
    let (registry, sandbox) = start();
    registry.put_index("multi:v1", &index());
    attach(&sandbox, &registry.at("multi:v1"), "application/vnd.example.sbom");
    assert_snapshot!(sandbox.crane(&["inspect", "--platform=linux/arm64", &registry.at("multi:v1")]), @"
    exit 0
    -- stdout
    Name:          [host]/multi:v1
    Digest:        sha256:957814b446d1d4333e609a9fe53cc4d53347cbcb314e711d854b922c5f25f336
    Media type:    application/vnd.oci.image.index.v1+json
    Annotation:    kept=<as is>

    Platforms
      linux/amd64                 sha256:1fb95e91ccc05287930cccfeb815db650828c4999e01cdc9a435844329826023  2.78 kB
      linux/arm64/v8              sha256:47db1d5c2c853d56fd50eb5e931febacb20dc6c0cfa19d42d8fae2faceb40bc3  2.78 kB
      windows/amd64:10.0.20348.1  sha256:cf4ad7c74b1d93a8928b398b1971f15af9f6329cf497f737020aa23e9bd84cf8  2.78 kB

    Image for linux/amd64
      Digest:      sha256:47db1d5c2c853d56fd50eb5e931febacb20dc6c0cfa19d42d8fae2faceb40bc3
      Config:      sha256:92b0597a0eac7cd1ac5a3b535511d6d4a311f296e69e92bc424e7872feefa2d8
      Size:        2.78 kB
      Created:     0001-01-01T00:00:00Z
      Layers (1)
        sha256:95ab06049ec44ed40636c6d4c23b5892b7c6a2c75cb779f2a22e38c62768a8d8  2.05 kB  random

    Referrers
      sha256:fbfca96ae7f6fbd95a80743b68d2f0c06d017b20b6c91be71f059c3da9c6746b  application/vnd.example.sbom  680 B
    ");
    // The same from a layout, but for its name.
    sandbox.stdout(&["copy", &registry.at("multi:v1"), "oci:dir:v1"]);
    attach(&sandbox, "oci:dir:v1", "application/vnd.example.sbom");
    let json = |place: &str| {
        let mut json: Value =
            serde_json::from_str(&sandbox.stdout(&["inspect", "--json", place])).expect("JSON");
        json["name"] = Value::Null;
        json
    };
    assert_eq!(json("oci:dir:v1"), json(&registry.at("multi:v1")));
    assert_snapshot!(sandbox.crane(&["inspect", "--platform=linux/s390x", "oci:dir:v1"]), @"
    exit 1
    -- stderr
    Error: no child with platform linux/s390x (there are: linux/amd64, linux/arm64/v8, windows/amd64:10.0.20348.1)
    ");
}

#[test]
fn a_page_on_what_others_wrote_is_printable() {
    let (registry, sandbox) = start();
    let edits = wharf::mutate::ConfigEdits::new()
        .label("evil", "\u{1b}[2J\nName: other")
        .cmd(["sh", "-c", "true"]);
    let image = wharf::mutate::edit_config(std::sync::Arc::new(image()), move |config| edits.apply(config));
    registry.put_image("app:v1", &image);
    let shown = sandbox.stdout(&["inspect", &registry.at("app:v1")]);
    assert!(
        shown.contains("  Label:       evil=\\u{1b}[2J Name: other\n"),
        "{shown}"
    );
    assert!(
        shown.contains("  Command:     [\"sh\",\"-c\",\"true\"]\n"),
        "{shown}"
    );
}

#[test]
fn trees() {
    let (registry, sandbox) = start();
    registry.put_index("multi:v1", &index());
    attach(&sandbox, &registry.at("multi:v1"), "application/vnd.example.sbom");
    assert_snapshot!(sandbox.crane(&["tree", &registry.at("multi:v1")]), @"
    exit 0
    -- stdout
    [host]/multi:v1 (9.79 kB in all)
    └── index sha256:957814b446d1d4333e609a9fe53cc4d53347cbcb314e711d854b922c5f25f336 771 B
        ├── image sha256:1fb95e91ccc05287930cccfeb815db650828c4999e01cdc9a435844329826023 397 B linux/amd64
        │   ├── config sha256:2aaec795a67b55013f2e7a9ed853a2a066b794b4837ddb08a8fc2d81d9036216 333 B
        │   └── layer sha256:864e0b574dff09c1598e068350e3b187de833be064b534386c58e0972cabea04 2.05 kB
        ├── image sha256:47db1d5c2c853d56fd50eb5e931febacb20dc6c0cfa19d42d8fae2faceb40bc3 397 B linux/arm64/v8
        │   ├── config sha256:92b0597a0eac7cd1ac5a3b535511d6d4a311f296e69e92bc424e7872feefa2d8 333 B
        │   └── layer sha256:95ab06049ec44ed40636c6d4c23b5892b7c6a2c75cb779f2a22e38c62768a8d8 2.05 kB
        ├── image sha256:cf4ad7c74b1d93a8928b398b1971f15af9f6329cf497f737020aa23e9bd84cf8 397 B windows/amd64:10.0.20348.1
        │   ├── config sha256:3000702f22f7c9eef40e1be99e391c62b89debc8e16cbcc3eb1b17bbb8483824 333 B
        │   └── layer sha256:6a6178ed1b4bf452067f1e3cdc152513dfa2b8fa09b21b9d755cac490f4eedc6 2.05 kB
        └── artifact sha256:fbfca96ae7f6fbd95a80743b68d2f0c06d017b20b6c91be71f059c3da9c6746b 680 B application/vnd.example.sbom
            ├── config sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a 2 B
            └── layer sha256:ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356 3 B sbom.json
    ");
    registry.put_image("app:v1", &image());
    assert_snapshot!(sandbox.stdout(&["tree", "--json", &registry.at("app:v1")]), @r#"
    {
      "kind": "image",
      "digest": "sha256:51beb566bce5c162e49ff5d8a3ea75d507c4583d4329bd6739329ca374a1300c",
      "mediaType": "application/vnd.oci.image.manifest.v1+json",
      "size": 547,
      "children": [
        {
          "kind": "config",
          "digest": "sha256:378bc66a9124f26accf68beb1d7f4e09c7add74264f6535811ed3f6636a2c1a2",
          "mediaType": "application/vnd.oci.image.config.v1+json",
          "size": 532
        },
        {
          "kind": "layer",
          "digest": "sha256:1ae8f52203f9b94ed0a0618a14101ab0f7840cf98e17bfa9818028717c1c7fbf",
          "mediaType": "application/vnd.oci.image.layer.v1.tar",
          "size": 2560
        },
        {
          "kind": "layer",
          "digest": "sha256:5e2ec8efc9d7cac0e8d4cf3b1bbe16773c40d9790fd10dd4128a46d50c01b094",
          "mediaType": "application/vnd.oci.image.layer.v1.tar",
          "size": 2560
        }
      ]
    }
    "#);
    assert_snapshot!(sandbox.crane(&["tree", &registry.at("app:nope")]), @"
    exit 1
    -- stderr
    Error: fetching manifest [host]/app:nope: GET http://[host]/v2/app/manifests/nope: MANIFEST_UNKNOWN: no manifest nope in app
    ");
}

#[test]
fn what_refers_to_a_referrer_is_in_the_tree() {
    let (registry, sandbox) = start();
    registry.put_image("app:v1", &image());
    let first = sandbox.stdout(&[
        "attach",
        &registry.at("app:v1"),
        "sbom.json",
        "--artifact-type=a/sbom",
    ]);
    attach(&sandbox, first.trim_end(), "a/signature");
    let tree = sandbox.stdout(&["tree", &registry.at("app:v1")]);
    let at = |text: &str| tree.lines().position(|line| line.contains(text)).expect(text);
    assert!(at("a/sbom") < at("a/signature"), "{tree}");
    let indent = |line: usize| {
        tree.lines()
            .nth(line)
            .expect("a line")
            .find('a')
            .expect("artifact")
    };
    assert!(indent(at("a/sbom")) < indent(at("a/signature")), "{tree}");
}

#[test]
fn referrers() {
    let (registry, sandbox) = start();
    registry.put_image("app:v1", &image());
    let app = registry.at("app:v1");
    assert_snapshot!(sandbox.crane(&["referrers", &app]), @"exit 0");
    attach(&sandbox, &app, "a/sbom");
    attach(&sandbox, &app, "a/signature");
    let lines = sandbox.stdout(&["referrers", &app]);
    assert_eq!(lines.lines().count(), 2, "{lines}");
    assert_snapshot!(sandbox.stdout(&["referrers", &app, "--artifact-type=a/sbom"]), @"sha256:81379d80c344e6cf4fac28686b55f3e7e0834a61c610f02a929241bc124f3a0f  a/sbom  661 B");
    assert_snapshot!(sandbox.stdout(&["referrers", &app, "--artifact-type=a/sbom", "--json"]), @r#"
    [
      {
        "digest": "sha256:81379d80c344e6cf4fac28686b55f3e7e0834a61c610f02a929241bc124f3a0f",
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "size": 661,
        "artifactType": "a/sbom",
        "annotations": {
          "by": "test"
        }
      }
    ]
    "#);
    assert_eq!(
        sandbox.stdout(&["referrers", &app, "--artifact-type=a/none", "--json"]),
        "[]\n"
    );

    sandbox.stdout(&["copy", &app, "oci:dir:v1"]);
    attach(&sandbox, "oci:dir:v1", "a/sbom");
    assert_eq!(
        sandbox.stdout(&["referrers", "oci:dir:v1", "--json"]),
        sandbox.stdout(&["referrers", &app, "--artifact-type=a/sbom", "--json"])
    );
    assert_snapshot!(sandbox.crane(&["referrers", &registry.at("app:nope")]), @"
    exit 1
    -- stderr
    Error: checking manifest [host]/app:nope: HEAD http://[host]/v2/app/manifests/nope: MANIFEST_UNKNOWN: no manifest nope in app
    ");
}

#[test]
fn what_is_listed_but_not_there_is_no_failure() {
    let (registry, sandbox) = start();
    registry.put_index("multi:v1", &index());
    sandbox.stdout(&["copy", &registry.at("multi:v1"), "oci:dir:v1"]);
    let child = sandbox.stdout(&["digest", "--platform=linux/arm64", "oci:dir:v1"]);
    let (_, hex) = child.trim_end().split_once(':').expect("a digest");
    std::fs::remove_file(sandbox.path("dir/blobs/sha256").join(hex)).expect("removed");
    let tree = sandbox.stdout(&["tree", "oci:dir:v1"]);
    let line = tree
        .lines()
        .find(|line| line.contains(hex))
        .expect("it is listed");
    assert!(line.ends_with("linux/arm64/v8 (not there)"), "{tree}");
    let page = sandbox.stdout(&["inspect", "oci:dir:v1"]);
    let line = page
        .lines()
        .find(|line| line.contains(hex))
        .expect("it is listed");
    assert!(line.ends_with("  -"), "{page}");
    assert_eq!(sandbox.stdout(&["referrers", "oci:dir:v1"]), "");
    // Where it is needed it is one.
    let shown = sandbox.crane(&["inspect", "--platform=linux/arm64", "oci:dir:v1"]);
    assert!(shown.starts_with("exit 1\n"), "{shown}");
}
