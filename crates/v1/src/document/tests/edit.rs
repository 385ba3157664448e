//! Edits lose nothing, and what they write is canonical.

use oci_spec::image::{
    ConfigBuilder, Descriptor, HistoryBuilder, ImageConfiguration, ImageConfigurationBuilder, ImageIndex,
    ImageManifest, MediaType, PlatformBuilder, RootFsBuilder,
};
use proptest::prelude::*;
use serde_json::Value;

use crate::{Config, Document, IndexManifest, Manifest, View};

const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const C: &str = "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";

fn config(json: &str) -> Config {
    Config::new(json.to_owned(), MediaType::ImageConfig)
}

fn text<T: View>(document: &Document<T>) -> &str {
    std::str::from_utf8(document.raw()).expect("JSON is UTF-8")
}

#[track_caller]
fn check_config(json: &str, edit: impl FnOnce(&mut ImageConfiguration), want: &str) {
    assert_eq!(text(&config(json).edit(edit).expect("valid")), want);
}

#[track_caller]
fn check_manifest(json: &str, edit: impl FnOnce(&mut ImageManifest), want: &str) {
    let manifest = Manifest::new(json.to_owned(), MediaType::ImageManifest);
    assert_eq!(text(&manifest.edit(edit).expect("valid")), want);
}

#[track_caller]
fn check_index(json: &str, edit: impl FnOnce(&mut ImageIndex), want: &str) {
    let index = IndexManifest::new(json.to_owned(), MediaType::ImageIndex);
    assert_eq!(text(&index.edit(edit).expect("valid")), want);
}

fn descriptor(digest: &str) -> Descriptor {
    Descriptor::new(
        MediaType::ImageLayer,
        7,
        digest.parse::<oci_spec::image::Digest>().expect("a digest"),
    )
}

#[test]
fn no_change_is_no_change() {
    let json = "{ \"os\" : \"linux\" , \"x\":  1 }";
    let document = config(json);
    let edited = document.edit(|config| {
        config.set_os("linux".into());
    });
    assert_eq!(text(&edited.expect("valid")), json);
}

#[test]
fn unknown_fields_survive_at_every_level_of_a_config() {
    check_config(
        r#"{
            "x": { "deep": [ 1.50, "a<b", null ] }, "os": "linux", "architecture": "amd64",
            "config": {
                "Vendor": 1e3, "Env": ["A=1"],
                "Healthcheck": { "StartInterval": 5000000000, "Retries": 3, "Test": ["NONE"] },
                "OnBuild": ["RUN <x>"], "Shell": ["sh"], "ArgsEscaped": true
            },
            "history": [ {"x-a": 1, "comment": "a"}, {"x-b": 2, "comment": "b"} ],
            "rootfs": {"x-r": {}, "type": "layers", "diff_ids": ["a", "b"]},
            "docker_version": "1.2", "container": "c", "created": "2024-01-02T03:04:05.600Z"
        }"#,
        |config| {
            config.set_author(Some("dave".to_owned()));
        },
        concat!(
            r#"{"architecture":"amd64","author":"dave","container":"c","created":"2024-01-02T03:04:05.6Z","#,
            r#""docker_version":"1.2","#,
            r#""history":[{"created":"0001-01-01T00:00:00Z","comment":"a","x-a":1},"#,
            r#"{"created":"0001-01-01T00:00:00Z","comment":"b","x-b":2}],"os":"linux","#,
            r#""rootfs":{"type":"layers","diff_ids":["a","b"],"x-r":{}},"#,
            r#""config":{"Healthcheck":{"Test":["NONE"],"Retries":3,"StartInterval":5000000000},"#,
            r#""Env":["A=1"],"OnBuild":["RUN \u003cx\u003e"],"ArgsEscaped":true,"Shell":["sh"],"Vendor":1e3},"#,
            r#""x":{"deep":[1.50,"a<b",null]}}"#,
        ),
    );
}

#[test]
fn the_config_of_a_config_is_edited_field_by_field() {
    check_config(
        r#"{"config":{"User":"u","Env":["A=1"],"Labels":{"b":"2"},"Memory":0,"Volumes":{"/v":{}}}}"#,
        |config| {
            let mut inner = config.config().clone().expect("there");
            inner
                .set_user(None)
                .set_labels(Some(
                    [("z", "&"), ("b", "2"), ("a", "1")]
                        .map(|(k, v)| (k.into(), v.into()))
                        .into(),
                ))
                .set_exposed_ports(Some(vec!["80/tcp".to_owned(), "443/tcp".to_owned()]));
            config.set_config(Some(inner));
        },
        concat!(
            r#"{"architecture":"","created":"0001-01-01T00:00:00Z","os":"","#,
            r#""rootfs":{"type":"layers","diff_ids":null},"#,
            r#""config":{"Env":["A=1"],"Labels":{"a":"1","b":"2","z":"\u0026"},"Volumes":{"/v":{}},"#,
            r#""ExposedPorts":{"443/tcp":{},"80/tcp":{}},"Memory":0}}"#,
        ),
    );
}

#[test]
fn history_entries_keep_what_is_theirs() {
    let history = r#"{"history":[{"comment":"a","x":1},{"comment":"b","x":2},{"comment":"c","x":3}]}"#;
    let entry = |comment: &str| {
        HistoryBuilder::default()
            .comment(comment)
            .build()
            .expect("nothing required")
    };
    let with = |entries: &str| {
        let entries = entries.replace('{', r#"{"created":"0001-01-01T00:00:00Z","#);
        format!(
            r#"{{"architecture":"","created":"0001-01-01T00:00:00Z","history":[{entries}],"os":"","rootfs":{{"type":"layers","diff_ids":null}},"config":{{}}}}"#
        )
    };
    // Edited in place.
    check_config(
        history,
        |config| {
            config.set_history(Some(vec![entry("a"), entry("B"), entry("c")]));
        },
        &with(r#"{"comment":"a","x":1},{"comment":"B","x":2},{"comment":"c","x":3}"#),
    );
    // Removed, added, reordered.
    check_config(
        history,
        |config| {
            config.set_history(Some(vec![entry("new"), entry("c"), entry("a"), entry("a")]));
        },
        &with(r#"{"comment":"new"},{"comment":"c","x":3},{"comment":"a","x":1},{"comment":"a"}"#),
    );
    // Gone.
    check_config(
        history,
        |config| {
            config.set_history(None);
        },
        &with("").replace(r#""history":[],"#, ""),
    );
}

#[test]
fn descriptors_keep_what_is_theirs() {
    let json = format!(
        r#"{{"x":0,"schemaVersion":2,"config":{{"digest":"{A}","size":1,"x":1,"mediaType":"m"}},
        "layers":[{{"x":2,"digest":"{A}","size":2,"mediaType":"m"}},
                  {{"x":3,"digest":"{B}","size":3,"mediaType":"m","annotations":{{"b":"<","a":""}}}}]}}"#
    );
    // A new layer in front, the second annotated: what is unknown follows the digest.
    check_manifest(
        &json,
        |manifest| {
            let layers = manifest.layers_mut();
            layers[1].set_annotations(Some([("k".to_owned(), "v".to_owned())].into()));
            layers.insert(0, descriptor(C));
        },
        &format!(
            concat!(
                r#"{{"schemaVersion":2,"config":{{"mediaType":"m","size":1,"digest":"{a}","x":1}},"layers":["#,
                r#"{{"mediaType":"application/vnd.oci.image.layer.v1.tar","size":7,"digest":"{c}"}},"#,
                r#"{{"mediaType":"m","size":2,"digest":"{a}","x":2}},"#,
                r#"{{"mediaType":"m","size":3,"digest":"{b}","annotations":{{"k":"v"}},"x":3}}],"x":0}}"#,
            ),
            a = A,
            b = B,
            c = C,
        ),
    );
    // Other content in the same place: nothing unknown is claimed of it. The config stays the config.
    check_manifest(
        &json,
        |manifest| {
            manifest.layers_mut().truncate(1);
            manifest.layers_mut()[0] = descriptor(C);
            manifest.set_config(descriptor(B));
        },
        &format!(
            concat!(
                r#"{{"schemaVersion":2,"#,
                r#""config":{{"mediaType":"application/vnd.oci.image.layer.v1.tar","size":7,"digest":"{b}","x":1}},"#,
                r#""layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar","size":7,"digest":"{c}"}}],"x":0}}"#,
            ),
            b = B,
            c = C,
        ),
    );
}

#[test]
fn exchanged_content_keeps_what_is_said_of_its_place() {
    let json = format!(
        r#"{{"config":{{"digest":"{A}","size":1}},"layers":[{{"x":1,"digest":"{A}","size":2}},{{"x":2,"digest":"{B}","size":3}}]}}"#
    );
    let manifest = Manifest::new(json, MediaType::ImageManifest);
    let exchange = |manifest: &mut ImageManifest| {
        manifest.set_layers(vec![descriptor(B), descriptor(C)]);
    };
    let edited = manifest.edit_in_place(exchange).expect("valid");
    let layers = |first: &str, second: &str| {
        format!(
            concat!(
                r#"{{"schemaVersion":2,"config":{{"mediaType":"","size":1,"digest":"{a}"}},"layers":["#,
                r#"{{"mediaType":"application/vnd.oci.image.layer.v1.tar","size":7,"digest":"{b}"{first}}},"#,
                r#"{{"mediaType":"application/vnd.oci.image.layer.v1.tar","size":7,"digest":"{c}"{second}}}]}}"#,
            ),
            a = A,
            b = B,
            c = C,
            first = first,
            second = second,
        )
    };
    assert_eq!(text(&edited), layers(r#","x":1"#, r#","x":2"#));
    let edited = manifest.edit(exchange).expect("valid");
    assert_eq!(
        text(&edited),
        layers(r#","x":2"#, ""),
        "else it follows the digest"
    );
    // A list that changes its length has no places to go by.
    let edited = manifest.edit_in_place(|manifest| {
        manifest.layers_mut().remove(0);
    });
    assert!(text(&edited.expect("valid")).contains(r#""x":2"#));
}

#[test]
fn layers_with_one_digest_stay_apart() {
    let json = format!(
        r#"{{"config":{{"digest":"{A}","size":1}},
        "layers":[{{"x":1,"digest":"{B}","size":2}},{{"x":2,"digest":"{B}","size":2}}]}}"#
    );
    check_manifest(
        &json,
        |manifest| {
            manifest.set_annotations(Some([("k".to_owned(), "v".to_owned())].into()));
        },
        &format!(
            concat!(
                r#"{{"schemaVersion":2,"config":{{"mediaType":"","size":1,"digest":"{a}"}},"#,
                r#""layers":[{{"mediaType":"","size":2,"digest":"{b}","x":1}},"#,
                r#"{{"mediaType":"","size":2,"digest":"{b}","x":2}}],"annotations":{{"k":"v"}}}}"#,
            ),
            a = A,
            b = B,
        ),
    );
}

#[test]
fn platforms_are_written_with_dots() {
    let json = format!(
        r#"{{"manifests":[{{"digest":"{A}","size":1,"platform":{{"x":1,"os":"windows","os.version":"1"}}}}],"subject":{{"digest":"{B}","size":2,"y":1}}}}"#
    );
    check_index(
        &json,
        |index| {
            let mut children = index.manifests().clone();
            let mut platform = children[0].platform().clone().expect("there");
            platform
                .set_os_features(Some(vec!["f".to_owned()]))
                .set_variant(Some("v".to_owned()));
            children[0].set_platform(Some(platform));
            let platform = PlatformBuilder::default()
                .os("linux")
                .architecture("amd64")
                .os_version("2");
            let mut second = descriptor(C);
            second.set_platform(Some(platform.build().expect("all fields")));
            children.push(second);
            index.set_manifests(children);
        },
        &format!(
            concat!(
                r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"","size":1,"digest":"{a}","platform":"#,
                r#"{{"architecture":"","os":"windows","os.version":"1","os.features":["f"],"variant":"v","x":1}}}},"#,
                r#"{{"mediaType":"application/vnd.oci.image.layer.v1.tar","size":7,"digest":"{c}","platform":"#,
                r#"{{"architecture":"amd64","os":"linux","os.version":"2"}}}}],"#,
                r#""subject":{{"mediaType":"","size":2,"digest":"{b}","y":1}}}}"#,
            ),
            a = A,
            b = B,
            c = C,
        ),
    );
}

#[test]
fn an_edit_can_change_the_media_type() {
    let index = IndexManifest::new("{}", MediaType::ImageIndex);
    let list = MediaType::from(crate::media_type::DOCKER_MANIFEST_LIST);
    let edited = index.edit(|index| {
        index.set_media_type(Some(list.clone()));
    });
    assert_eq!(*edited.expect("valid").media_type(), list);
    let edited = index.edit(|index| {
        index.set_schema_version(3);
    });
    assert_eq!(*edited.expect("valid").media_type(), MediaType::ImageIndex);
}

#[test]
fn invalid_documents_cannot_be_edited() {
    assert!(config("[]").edit(|_| {}).is_err());
    assert!(config("[]").canonical().is_err());
    assert!(config("[]").indented(" ").is_err());
}

#[test]
fn what_is_empty_is_left_out() {
    check_config(
        r#"{"author":"","history":[],"variant":null,"os.features":[],"x":null,
        "config":{"Tty":false,"Env":[],"Labels":{},"Image":"","Healthcheck":{},"Cmd":null,"y":[]}}"#,
        |config| {
            config.set_os("linux".into());
        },
        concat!(
            r#"{"architecture":"","created":"0001-01-01T00:00:00Z","os":"linux","#,
            r#""rootfs":{"type":"layers","diff_ids":null},"config":{"Healthcheck":{},"y":[]},"x":null}"#,
        ),
    );
}

#[test]
fn foreign_shapes_of_fields_that_we_do_not_read_survive() {
    check_config(
        r#"{"config":{"Healthcheck":[ 1 ],"Shell":"sh","Tty":"x","OnBuild":[ 1, {} ]},"container":7}"#,
        |config| {
            config.set_os("linux".into());
        },
        concat!(
            r#"{"architecture":"","container":7,"created":"0001-01-01T00:00:00Z","os":"linux","#,
            r#""rootfs":{"type":"layers","diff_ids":null},"#,
            r#""config":{"Healthcheck":[1],"OnBuild":[1,{}],"Tty":"x","Shell":"sh"}}"#,
        ),
    );
}

#[test]
fn indented_for_people() {
    let document = config(r#"{"os":"linux","config":{}}"#)
        .indented("   ")
        .expect("valid");
    assert_eq!(text(&document), "{\n   \"os\": \"linux\",\n   \"config\": {}\n}");
}

/// Any JSON, not nested deeply.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f32>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z<é]{1,4}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Unknown members, whose names are not among the known ones.
fn unknown() -> impl Strategy<Value = Vec<(String, Value)>> {
    prop::collection::hash_map("x-[a-z<\"é]{0,4}", json(), 0..3).prop_map(|map| map.into_iter().collect())
}

fn with_unknown(mut value: Value, unknown: &[(String, Value)]) -> Value {
    if let Some(members) = value.as_object_mut() {
        members.extend(unknown.iter().cloned());
    }
    value
}

/// A config, with unknown members on every level.
fn configs() -> impl Strategy<Value = Value> {
    let labels = prop::option::of(prop::collection::hash_map(".{1,5}", ".{0,5}", 1..4));
    let texts = || prop::option::of(prop::collection::vec(".{1,6}", 1..3));
    let ports = prop::option::of(prop::collection::vec("[0-9]{1,4}/tcp", 1..4));
    let inner = (texts(), texts(), labels, ports, unknown());
    (
        inner,
        prop::collection::vec((".{0,5}", unknown()), 0..4),
        ".{0,6}",
        unknown(),
    )
        .prop_map(|((env, cmd, labels, ports, inner), history, author, outer)| {
            let mut config = ConfigBuilder::default().build().expect("nothing required");
            config
                .set_env(env)
                .set_cmd(cmd)
                .set_labels(labels)
                .set_exposed_ports(ports);
            let rootfs = RootFsBuilder::default()
                .diff_ids(vec![A.to_owned()])
                .build()
                .expect("nothing required");
            let view = ImageConfigurationBuilder::default()
                .author(author)
                .created("2024-01-02T03:04:05Z")
                .rootfs(rootfs)
                .config(config)
                .build()
                .expect("nothing required");
            let mut value = serde_json::to_value(view).expect("in memory");
            value["config"] = with_unknown(value["config"].take(), &inner);
            let entries = history.iter().map(|(comment, unknown)| {
                with_unknown(
                    serde_json::json!({ "created": "2024-01-02T03:04:05Z", "comment": comment }),
                    unknown,
                )
            });
            value["history"] = entries.collect();
            with_unknown(value, &outer)
        })
}

/// What a document says, without what canonical form leaves out or fills in.
fn meaning(mut value: Value) -> Value {
    fn strip(value: &mut Value, known: bool) {
        if let Some(members) = value.as_object_mut() {
            members.retain(|name, value| {
                let known = known && !name.starts_with("x-");
                strip(value, known && matches!(name.as_str(), "config" | "history"));
                !known || !matches!(value.to_string().as_str(), "\"\"" | "[]" | "{}")
            });
        }
        if let Some(elements) = value.as_array_mut() {
            elements.iter_mut().for_each(|element| strip(element, known));
        }
    }
    strip(&mut value, true);
    value
}

proptest! {
    #[test]
    fn canonical_form_says_the_same(value in configs()) {
        let text = value.to_string();
        let document = config(&text);
        let canonical = document.canonical().expect("valid");
        // Parsed again, because serde_json does not read every float as it wrote it.
        let value: Value = serde_json::from_str(&text).expect("valid");
        let written: Value = serde_json::from_slice(canonical.raw()).expect("valid");
        prop_assert_eq!(meaning(written), meaning(value));
        prop_assert_eq!(canonical.view().expect("valid").author().clone().unwrap_or_default(),
            document.view().expect("valid").author().clone().unwrap_or_default());
    }

    #[test]
    fn canonical_form_is_its_own(value in configs()) {
        let canonical = config(&value.to_string()).canonical().expect("valid");
        let again = canonical.canonical().expect("valid");
        prop_assert_eq!(canonical.raw(), again.raw());
        let pretty = canonical.indented("\t").expect("valid").canonical().expect("valid");
        prop_assert_eq!(pretty.raw(), canonical.raw());
    }

    #[test]
    fn an_edit_and_its_undoing_leave_nothing_behind(value in configs()) {
        let document = config(&value.to_string());
        let author = document.view().expect("valid").author().clone();
        let edited = document.edit(|config| { config.set_author(Some("someone else".to_owned())); }).expect("valid");
        let undone = edited.edit(|config| { config.set_author(author); }).expect("valid");
        let canonical = document.canonical().expect("valid");
        prop_assert_eq!(undone.raw(), canonical.raw());
    }

    #[test]
    fn writing_never_panics(value in json()) {
        let bytes = value.to_string();
        let _ = Config::new(bytes.clone(), MediaType::ImageConfig).canonical();
        let _ = Manifest::new(bytes.clone(), MediaType::ImageManifest).canonical();
        let _ = IndexManifest::new(bytes, MediaType::ImageIndex).canonical();
    }
}
