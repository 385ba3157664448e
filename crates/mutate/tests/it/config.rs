//! The edits of configs that people ask for.

use std::sync::Arc;

use wharf_mutate::{Addendum, ConfigEdits, append_layers, edit_config, set_config};
use wharf_v1::oci_spec::image::MediaType;
use wharf_v1::{Config, Error, Image as _, PlatformSpec, conformance};

use crate::support::{assembled, base, check_kept, layer, raw};

const FULL: &str = r#"{ "created":"2024-01-02T03:04:05Z", "author":"dave", "os":"linux", "architecture":"arm", "variant":"v7", "x":1, "config":{"User":"u","Env":["A=1","B=2"],"Cmd":["c"],"Entrypoint":["e"],"Labels":{"l":"1"},"WorkingDir":"/w","StopSignal":"9","ExposedPorts":{"80/tcp":{}},"Volumes":{"/v":{}},"OnBuild":["x"]}, "rootfs":{"type":"layers","diff_ids":[]} }"#;

/// What the edits make of the config, behind the image's own fields.
async fn edited(config: &'static str, edits: ConfigEdits) -> String {
    let image = edit_config(
        Arc::new(assembled(config, MediaType::ImageConfig, "")),
        move |config| edits.apply(config),
    );
    let (_, config) = raw(&image).await;
    conformance::image(image).await;
    config
}

async fn check(edits: ConfigEdits, want: &str) {
    let canonical = concat!(
        r#"{"architecture":"arm","author":"dave","created":"2024-01-02T03:04:05Z","os":"linux","#,
        r#""rootfs":{"type":"layers","diff_ids":[]},"config":{"Cmd":["c"],"Entrypoint":["e"],"#,
        r#""Env":["A=1","B=2"],"Labels":{"l":"1"},"OnBuild":["x"],"User":"u","Volumes":{"/v":{}},"#,
        r#""WorkingDir":"/w","ExposedPorts":{"80/tcp":{}},"StopSignal":"9"},"variant":"v7","x":1}"#,
    );
    let got = edited(FULL, edits).await;
    let (before, after) = want.split_once(" -> ").expect("two sides");
    assert!(canonical.contains(before), "{before}");
    assert_eq!(got, canonical.replacen(before, after, 1));
}

fn edits() -> ConfigEdits {
    ConfigEdits::new()
}

#[tokio::test]
async fn each_sets_or_removes_one_thing() {
    check(edits().env("A", "3"), r#""A=1" -> "A=3""#).await;
    check(edits().env("C", ""), r#""B=2" -> "B=2","C=""#).await;
    check(edits().without_env("A"), r#""A=1", -> "#).await;
    check(
        edits().without_env("A").without_env("B"),
        r#""Env":["A=1","B=2"], -> "#,
    )
    .await;
    check(edits().label("l", "<"), r#""l":"1" -> "l":"\u003c""#).await;
    check(edits().label("k", "2"), r#"{"l":"1"} -> {"k":"2","l":"1"}"#).await;
    check(edits().without_label("l"), r#""Labels":{"l":"1"}, -> "#).await;
    check(edits().entrypoint(["a", "b"]), r#"["e"] -> ["a","b"]"#).await;
    check(edits().without_entrypoint(), r#""Entrypoint":["e"], -> "#).await;
    check(edits().cmd(["a"]), r#"["c"] -> ["a"]"#).await;
    check(edits().without_cmd(), r#""Cmd":["c"], -> "#).await;
    check(edits().user("1:2"), r#""User":"u" -> "User":"1:2""#).await;
    check(edits().without_user(), r#""User":"u", -> "#).await;
    check(edits().working_dir("/x"), r#""/w" -> "/x""#).await;
    check(edits().without_working_dir(), r#""WorkingDir":"/w", -> "#).await;
    check(edits().stop_signal("SIGINT"), r#""9" -> "SIGINT""#).await;
    check(edits().without_stop_signal(), r#","StopSignal":"9" -> "#).await;
    check(
        edits().exposed_port("443/tcp"),
        r#"{"80/tcp":{}} -> {"443/tcp":{},"80/tcp":{}}"#,
    )
    .await;
    check(
        edits().without_exposed_port("80/tcp"),
        r#""ExposedPorts":{"80/tcp":{}}, -> "#,
    )
    .await;
    check(edits().volume("/a"), r#"{"/v":{}} -> {"/a":{},"/v":{}}"#).await;
    check(edits().without_volume("/v"), r#""Volumes":{"/v":{}}, -> "#).await;
    check(
        edits().created("1970-01-01T00:00:00Z"),
        "2024-01-02T03:04:05Z -> 1970-01-01T00:00:00Z",
    )
    .await;
    check(
        edits().without_created(),
        "2024-01-02T03:04:05Z -> 0001-01-01T00:00:00Z",
    )
    .await;
    check(edits().author("eve"), "dave -> eve").await;
    check(edits().without_author(), r#""author":"dave", -> "#).await;
    check(
        edits().platform(PlatformSpec::new("linux", "arm").to_platform()),
        r#","variant":"v7" -> "#,
    )
    .await;
    check(
        edits().platform(PlatformSpec::new("linux", "arm").with_variant("v6").to_platform()),
        "v7 -> v6",
    )
    .await;
}

#[tokio::test]
async fn the_last_edit_counts() {
    check(edits().user("a").user("b").without_user(), r#""User":"u", -> "#).await;
    check(edits().without_cmd().cmd(["a"]), r#"["c"] -> ["a"]"#).await;
}

#[tokio::test]
async fn what_is_so_already_changes_no_byte() {
    let same = edits()
        .env("A", "1")
        .without_env("Z")
        .label("l", "1")
        .without_label("z")
        .entrypoint(["e"])
        .cmd(["c"])
        .user("u")
        .working_dir("/w")
        .stop_signal("9")
        .exposed_port("80/tcp")
        .without_exposed_port("81/tcp")
        .volume("/v")
        .without_volume("/z")
        .created("2024-01-02T03:04:05Z")
        .author("dave")
        .platform(PlatformSpec::new("linux", "arm").with_variant("v7").to_platform());
    assert_eq!(edited(FULL, same).await, FULL);
    let nothing = edits()
        .without_env("A")
        .without_label("l")
        .without_entrypoint()
        .without_cmd()
        .cmd(Vec::<String>::new())
        .without_user()
        .without_working_dir()
        .without_stop_signal()
        .without_exposed_port("80/tcp")
        .without_volume("/v")
        .without_created()
        .without_author();
    for config in [
        r#"{ "os":"linux", "rootfs":{"type":"layers","diff_ids":[]} }"#,
        r#"{ "os":"linux", "created":"0001-01-01T00:00:00Z", "author":"", "config":{"User":"", "Cmd":[], "Env":[], "Labels":{}}, "rootfs":{"type":"layers","diff_ids":[]} }"#,
    ] {
        assert_eq!(edited(config, nothing.clone()).await, config);
    }
}

#[tokio::test]
async fn configs_are_replaced() {
    let artifact = || Arc::new(assembled("\u{1}binary", "application/x".into(), ""));
    // Of an artifact, by one of another kind, and by that of an image.
    let other = set_config(artifact(), Config::new("{}", MediaType::EmptyJSON));
    let (manifest, config) = raw(&other).await;
    assert_eq!(config, "{}");
    assert!(
        manifest.contains("x-on-config") && manifest.contains("subject"),
        "{manifest}"
    );
    conformance::image(other).await;
    let image = set_config(artifact(), base().config().await.expect("config"));
    check_kept(&image).await;
    conformance::image(image).await;
    // Of an image: the platform that an index gave it follows.
    let mut listed = base().descriptor().await.expect("descriptor");
    listed.set_platform(Some(PlatformSpec::new("linux", "arm64").to_platform()));
    let image = base().with_descriptor(listed).expect("its own");
    let new = Config::new(
        r#"{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}"#,
        MediaType::ImageConfig,
    );
    let image = set_config(Arc::new(image), new.clone());
    let platform = image.descriptor().await.expect("descriptor").platform().clone();
    assert_eq!(platform.expect("has one").architecture().to_string(), "amd64");
    conformance::image(image).await;
    let layered = append_layers(Arc::new(base()), [Addendum::new(layer("x"))]);
    let error = set_config(Arc::new(layered), new).manifest().await;
    assert!(
        matches!(
            error,
            Err(Error::LayerCount {
                layers: 1,
                diff_ids: 0
            })
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn edits_change_the_images_digest_and_size() {
    let image = edit_config(Arc::new(base()), |config| {
        ConfigEdits::new().env("A", "1").apply(config);
    });
    let (before, after) = (
        base().descriptor().await.expect("descriptor"),
        image.descriptor().await.expect("descriptor"),
    );
    assert_ne!(before.digest(), after.digest());
    assert_ne!(
        base().config().await.expect("config").size(),
        image.config().await.expect("config").size()
    );
}
