//! `crane mutate`.

use insta::assert_snapshot;

use crate::edit::{config, manifest, start};
use crate::fixture::{image, index};

#[test]
fn mutate_edits_config_and_manifest() {
    let (registry, sandbox) = start();
    registry.put_image("app:v1", &image());
    let (app, new) = (registry.at("app:v1"), registry.at("app:v2"));
    let shown = sandbox.stdout(&[
        "mutate",
        &app,
        "-t",
        &new,
        "-a",
        "k=v",
        "-l",
        "one=1,two=2",
        "-l",
        "text=a,b",
        "-e",
        "PATH=/a=b",
        "--entrypoint",
        "/bin/sh,-c",
        "--cmd=echo,hi",
        "--user",
        "me",
        "-w",
        "/work",
        "--exposed-ports",
        "80/tcp,81",
        "--set-platform",
        "linux/arm64/v8",
    ]);
    assert_eq!(
        shown,
        format!(
            "{}@{}\n",
            registry.at("app"),
            registry.digest("app:v2").expect("pushed")
        )
    );
    let config = config(&sandbox, &new);
    assert_snapshot!(config["config"].to_string(), @r#"{"Cmd":["echo","hi"],"Entrypoint":["/bin/sh","-c"],"Env":["PATH=/a=b"],"ExposedPorts":{"80/tcp":{},"81":{}},"Labels":{"one":"1","text":"a,b","two":"2"},"User":"me","WorkingDir":"/work"}"#);
    assert_snapshot!(format!("{} {} {}", config["os"], config["architecture"], config["variant"]), @r#""linux" "arm64" "v8""#);
    assert_eq!(manifest(&sandbox, &new)["annotations"]["k"], "v");

    // In place, and what was set is removed again.
    sandbox.stdout(&["mutate", &new, "--user=", "--workdir=", "--entrypoint=/app"]);
    let config = crate::edit::config(&sandbox, &new);
    assert_snapshot!(config["config"].to_string(), @r#"{"Entrypoint":["/app"],"Env":["PATH=/a=b"],"ExposedPorts":{"80/tcp":{},"81":{}},"Labels":{"one":"1","text":"a,b","two":"2"}}"#);
    // Nothing asked for, nothing changed.
    let before = registry.digest("app:v2");
    sandbox.stdout(&["mutate", &new]);
    assert_eq!(registry.digest("app:v2"), before);
}

#[test]
fn mutate_says_what_it_cannot_do() {
    let (registry, sandbox) = start();
    registry.put_image("app:v1", &image());
    registry.put_index("multi:v1", &index());
    let (app, multi) = (registry.at("app:v1"), registry.at("multi:v1"));
    let before = registry.digest("multi:v1");
    for (arguments, want) in [
        (
            vec!["mutate", &app, "-l", "a="],
            "parsing label \"a\", value is empty",
        ),
        (
            vec!["mutate", &app, "-a", "a="],
            "parsing annotation \"a\", value is empty",
        ),
        (
            vec!["mutate", &app, "-e", "a"],
            "invalid argument \"a\" for \"-e, --env\" flag: a must be formatted as key=value",
        ),
        (
            vec!["mutate", &app, "--set-platform", "all"],
            "--set-platform: an image is for one platform",
        ),
        (
            vec!["mutate", &app, "--repo", &app, "-t", &app],
            "repository can't be set when a tag is specified",
        ),
        (
            vec!["mutate", &multi, "-l", "a=b"],
            "[host]/multi:v1 is an index: choose one of its images with --platform, or change all of them with --all-platforms",
        ),
    ] {
        assert_eq!(
            sandbox.crane(&arguments),
            format!("exit 1\n-- stderr\nError: {want}\n"),
            "{arguments:?}"
        );
    }
    assert_eq!(registry.digest("multi:v1"), before);
}

#[test]
fn mutate_changes_an_index() {
    let (registry, sandbox) = start();
    registry.put_index("multi:v1", &index());
    let (multi, new) = (registry.at("multi:v1"), registry.at("multi:v2"));
    sandbox.stdout(&["mutate", &multi, "-a", "k=v", "-t", &new]);
    let annotated = manifest(&sandbox, &new);
    assert_eq!(annotated["annotations"]["k"], "v");
    assert_eq!(annotated["manifests"], manifest(&sandbox, &multi)["manifests"]);

    sandbox.stdout(&["mutate", &multi, "--all-platforms", "-l", "a=b", "-t", &new]);
    for platform in ["linux/amd64", "linux/arm64", "windows/amd64"] {
        let config = sandbox.stdout(&["config", &new, "--platform", platform]);
        assert!(config.contains(r#""Labels":{"a":"b"}"#), "{platform}: {config}");
    }
    sandbox.stdout(&[
        "mutate",
        &multi,
        "--platform=linux/arm64",
        "-l",
        "a=b",
        "-t",
        &registry.at("arm:v1"),
    ]);
    assert!(manifest(&sandbox, &registry.at("arm:v1"))["layers"].is_array());
}

#[test]
fn mutate_appends_and_goes_elsewhere() {
    let (registry, sandbox) = start();
    let digest = registry.put_image("app:v1", &image());
    std::fs::create_dir(sandbox.path("more")).expect("directory");
    std::fs::write(sandbox.path("more/file"), "content").expect("file");
    let by_digest = registry.at(&format!("app@{digest}"));
    let shown = sandbox.stdout(&["mutate", &by_digest, "--append", "more"]);
    assert_eq!(
        registry.digest("app:v1").as_deref(),
        Some(digest.as_str()),
        "the tag moved"
    );
    assert_eq!(
        manifest(&sandbox, shown.trim_end())["layers"]
            .as_array()
            .map(Vec::len),
        Some(3)
    );

    let shown = sandbox.stdout(&[
        "mutate",
        &by_digest,
        "-l",
        "a=b",
        "--repo",
        &registry.at("other:ignored"),
    ]);
    assert!(shown.starts_with(&registry.at("other@sha256:")), "{shown}");

    assert_eq!(
        sandbox.stdout(&["mutate", &registry.at("app:v1"), "-l", "a=b", "-o", "file.tar"]),
        ""
    );
    assert_snapshot!(sandbox.crane(&["validate", "--tarball", "file.tar"]), @"
    exit 0
    -- stdout
    PASS: file.tar
    ");
}
