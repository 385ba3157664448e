//! What parses, and what does not.

use std::error::Error as _;

use oci_spec::image::{Arch, DigestAlgorithm, MediaType, Os};
use proptest::prelude::*;

use crate::{Config, Document, Error, IndexManifest, Manifest, View, media_type};

const HASH: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn config(json: &str) -> Config {
    Config::new(json.to_owned(), MediaType::ImageConfig)
}

fn index(json: &str) -> IndexManifest {
    IndexManifest::new(json.to_owned(), MediaType::ImageIndex)
}

/// A manifest with these further members.
fn manifest(members: &str) -> Manifest {
    let json = format!(r#"{{"config":{{"digest":"{HASH}","size":0}}{members}}}"#);
    Manifest::new(json, MediaType::ImageManifest)
}

#[track_caller]
fn invalid<T: View>(document: &Document<T>, want: &str) {
    match document.view() {
        Err(error @ Error::InvalidDocument { .. }) => {
            let cause = error.source().expect("has a cause").to_string();
            assert!(cause.contains(want), "{cause}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn empty_objects_give_defaults() {
    let config = config("{}");
    let view = config.view().expect("a config may lack anything");
    assert_eq!(*view.os(), Os::Other(String::new()));
    assert_eq!(*view.architecture(), Arch::Other(String::new()));
    assert_eq!(view.rootfs().typ(), "layers");
    assert!(view.rootfs().diff_ids().is_empty());
    assert!(view.created().is_none() && view.config().is_none() && view.history().is_none());
    let index = index("{}");
    let view = index.view().expect("an index may lack anything");
    assert_eq!(view.schema_version(), 2);
    assert!(view.manifests().is_empty() && view.media_type().is_none());
    invalid(
        &Manifest::new("{}", MediaType::ImageManifest),
        "config is missing",
    );
}

#[test]
fn null_stands_for_missing() {
    let config = config(
        r#"{"os":null,"created":null,"history":[null,{"empty_layer":null}],"rootfs":{"type":null,"diff_ids":null},
        "config":{"Env":[null,"A=1"],"Labels":{"a":null},"Volumes":{"/v":null},"Cmd":null,"Healthcheck":null}}"#,
    );
    let view = config.view().expect("valid");
    assert_eq!(view.rootfs().typ(), "layers");
    assert_eq!(view.history().as_ref().map(Vec::len), Some(2));
    let inner = view.config().as_ref().expect("there");
    assert_eq!(*inner.env(), Some(vec![String::new(), "A=1".to_owned()]));
    assert_eq!(
        inner.labels().as_ref().and_then(|labels| labels.get("a")),
        Some(&String::new())
    );
    assert_eq!(*inner.volumes(), Some(vec!["/v".to_owned()]));
    let nulls = r#","layers":null,"annotations":null,"subject":null,"mediaType":null"#;
    let manifest = manifest(nulls);
    assert!(manifest.view().expect("valid").layers().is_empty());
    assert!(
        index(r#"{"manifests":null}"#)
            .view()
            .expect("valid")
            .manifests()
            .is_empty()
    );
}

#[test]
fn descriptors_may_be_unusual() {
    let unusual = format!(
        r#"{{"manifests":[
            {{"digest":"{HASH}","size":9223372036854775807}},
            {{"digest":"blake3+x:abc=","size":1,"mediaType":"x/y; z","vendor":1}}
        ]}}"#
    );
    let index = index(&unusual);
    let manifests = index.view().expect("valid").manifests();
    assert_eq!(manifests[0].media_type().as_ref(), "");
    assert_eq!(manifests[0].size(), i64::MAX as u64);
    assert_eq!(
        *manifests[1].digest().algorithm(),
        DigestAlgorithm::from("blake3+x")
    );
    assert_eq!(manifests[1].media_type().as_ref(), "x/y; z");
}

#[test]
fn platforms_have_dots() {
    let json = format!(
        r#"{{"manifests":[{{"digest":"{HASH}","size":1,"platform":{{
            "os":"windows","os.version":"10.0","os.features":["win32k"],"os_version":"wrong"
        }}}}]}}"#
    );
    let index = index(&json);
    let platform = index.view().expect("valid").manifests()[0]
        .platform()
        .clone()
        .expect("there");
    assert_eq!(platform.os_version().as_deref(), Some("10.0"));
    assert_eq!(*platform.os_features(), Some(vec!["win32k".to_owned()]));
    assert_eq!(*platform.architecture(), Arch::Other(String::new()));
    let config = config(r#"{"os.version":"10.0","os.features":["win32k"]}"#);
    assert_eq!(
        config.view().expect("valid").os_version().as_deref(),
        Some("10.0")
    );
}

#[test]
fn the_last_of_equal_names_counts() {
    let config = config(r#"{"author":"a","os":"linux","author":"b"}"#);
    assert_eq!(config.view().expect("valid").author().as_deref(), Some("b"));
}

#[test]
fn sets_come_sorted() {
    let config = config(r#"{"config":{"ExposedPorts":{"9/tcp":{},"80/tcp":{},"443/tcp":{},"1/udp":{}}}}"#);
    let inner = config.view().expect("valid").config().clone().expect("there");
    assert_eq!(
        inner.exposed_ports().clone().expect("there"),
        ["1/udp", "443/tcp", "80/tcp", "9/tcp"]
    );
}

#[test]
fn no_json() {
    invalid(&config(""), "EOF");
    invalid(&config("{"), "EOF");
    invalid(&config("{} {}"), "trailing characters");
    invalid(&config("{}x"), "trailing characters");
    invalid(&config("null"), "not an object");
    invalid(&config("[]"), "not an object");
    invalid(
        &Config::new(&b"{\"os\":\"\xff\"}"[..], MediaType::ImageConfig),
        "invalid unicode",
    );
    invalid(&config(&"[".repeat(100_000)), "recursion limit");
    invalid(&config(&r#"{"a":"#.repeat(100_000)), "recursion limit");
}

#[test]
fn wrong_types_are_placed() {
    invalid(&config(r#"{"os":1}"#), "os is not a string");
    invalid(
        &config(r#"{"config":{"Env":{}}}"#),
        "config.Env is not a list of strings",
    );
    invalid(
        &config(r#"{"config":{"Env":[1]}}"#),
        "config.Env is not a list of strings",
    );
    invalid(
        &config(r#"{"config":{"Labels":{"a":1}}}"#),
        "config.Labels is not a map of strings",
    );
    invalid(
        &config(r#"{"config":{"Volumes":[]}}"#),
        "config.Volumes is not an object",
    );
    invalid(&config(r#"{"history":{}}"#), "history is not a list");
    invalid(
        &config(r#"{"history":[{},{"created":0}]}"#),
        "history[1].created is not a string",
    );
    invalid(
        &config(r#"{"history":[{"empty_layer":"x"}]}"#),
        "history[0].empty_layer is not true or false",
    );
    invalid(&index(r#"{"manifests":[[]]}"#), "manifests[0] is not an object");
    invalid(
        &index(r#"{"manifests":[{"size":1}]}"#),
        "manifests[0].digest is missing",
    );
    invalid(
        &manifest(r#","schemaVersion":-1"#),
        "schemaVersion is not a whole number",
    );
    invalid(&manifest(r#","layers":[{}]"#), "layers[0].size is missing");
}

#[test]
fn absurd_sizes_are_refused() {
    for size in [
        "-1",
        "9223372036854775808",
        "1e400",
        "1.5",
        "\"1\"",
        "99999999999999999999999",
    ] {
        let document = manifest(&format!(r#","layers":[{{"digest":"{HASH}","size":{size}}}]"#));
        assert!(
            matches!(document.view(), Err(Error::InvalidDocument { .. })),
            "{size}"
        );
    }
    invalid(
        &manifest(&format!(r#","layers":[{{"digest":"{HASH}","size":-1}}]"#)),
        "layers[0].size is not",
    );
}

#[test]
fn digests_must_be_some() {
    for digest in ["", ":", "sha256:", "sha256:abc", "../x:y", "sha256"] {
        let document = manifest(&format!(r#","layers":[{{"digest":"{digest}","size":1}}]"#));
        assert!(
            matches!(document.view(), Err(Error::InvalidDocument { .. })),
            "{digest}"
        );
    }
}

/// CVE-2021-41190.
#[test]
fn ambiguous_documents_are_refused() {
    let child = format!(r#"[{{"digest":"{HASH}","size":1}}]"#);
    invalid(
        &manifest(&format!(r#","manifests":{child}"#)),
        "manifests for something else",
    );
    invalid(
        &manifest(&format!(r#","Manifests":{child}"#)),
        "Manifests for something else",
    );
    invalid(
        &manifest(r#","mediaType":"application/vnd.oci.image.index.v1+json""#),
        "take mediaType for something else",
    );
    let list = media_type::DOCKER_MANIFEST_LIST;
    invalid(
        &manifest(&format!(r#","mediaType":"{list}""#)),
        "take mediaType for something else",
    );
    invalid(
        &index(&format!(r#"{{"layers":{child}}}"#)),
        "layers for something else",
    );
    invalid(
        &index(&format!(r#"{{"fsLayers":{child}}}"#)),
        "fsLayers for something else",
    );
    invalid(
        &index(&format!(r#"{{"config":{{"digest":"{HASH}"}}}}"#)),
        "config for something else",
    );
    let schema2 = media_type::DOCKER_MANIFEST;
    invalid(
        &index(&format!(r#"{{"mediaType":"{schema2}"}}"#)),
        "take mediaType for something else",
    );
    // Go would read these names, and we would not.
    invalid(
        &manifest(&format!(r#","Layers":{child}"#)),
        "Layers for something else",
    );
    invalid(
        &index(&format!(r#"{{"manifestS":{child}}}"#)),
        "manifestS for something else",
    );
    invalid(&index(r#"{"MediaType":"x"}"#), "MediaType for something else");
    // What is empty says nothing.
    assert!(manifest(r#","manifests":[]"#).view().is_ok());
    assert!(index(r#"{"layers":null,"config":{}}"#).view().is_ok());
    // Both families of names mean the same kind, and unknown names may mean any.
    assert!(manifest(&format!(r#","mediaType":"{schema2}""#)).view().is_ok());
    assert!(
        manifest(r#","mediaType":"application/vnd.example+json""#)
            .view()
            .is_ok()
    );
}

#[track_caller]
fn stored_as(stored: &str, good: bool) {
    let manifest = manifest("").with_media_type(MediaType::from(stored));
    match manifest.view() {
        Ok(_) => assert!(good, "{stored}"),
        Err(Error::UnexpectedMediaType { got, .. }) => {
            assert!(!good && got.as_ref() == stored, "{stored}");
        }
        Err(other) => panic!("{stored}: {other:?}"),
    }
}

#[test]
fn the_stored_media_type_counts() {
    stored_as(media_type::OCI_MANIFEST, true);
    stored_as(media_type::DOCKER_MANIFEST, true);
    stored_as("application/octet-stream", true);
    stored_as("", true);
    stored_as(media_type::OCI_INDEX, false);
    stored_as(media_type::DOCKER_MANIFEST_LIST, false);
    stored_as(media_type::DOCKER_SCHEMA1_SIGNED, false);
    stored_as(media_type::OCI_CONFIG, false);
    stored_as(media_type::OCI_LAYER, false);
}

#[test]
fn verified_documents() {
    let raw = "{}";
    let digest = crate::sha256(raw);
    let config = Config::verified(raw, MediaType::ImageConfig, &digest).expect("matches");
    config.check(&config.descriptor()).expect("describes itself");
    let error = Config::verified("{ }", MediaType::ImageConfig, &digest).expect_err("other bytes");
    assert!(matches!(error, Error::DigestMismatch { read: 3, .. }));
    let mut long = config.descriptor();
    long.set_size(3);
    assert!(matches!(
        config.check(&long),
        Err(Error::SizeMismatch { got: 2, want: 3 })
    ));
    let mut other = config.descriptor();
    other.set_digest(crate::sha256("x"));
    assert!(matches!(config.check(&other), Err(Error::DigestMismatch { .. })));
}

#[test]
fn a_document_may_have_a_sha512_digest() {
    let mut hasher = crate::Hasher::new(&DigestAlgorithm::Sha512).expect("supported");
    hasher.update(b"{}");
    let digest = hasher.finish();
    let config = Config::verified("{}", MediaType::ImageConfig, &digest).expect("matches");
    assert_eq!(*config.digest(), digest);
    // By whatever digest it was asked for, it can be checked against another.
    Config::new("{}", MediaType::ImageConfig)
        .check(&config.descriptor())
        .expect("same bytes");
}

proptest! {
    #[test]
    fn parsing_never_panics(bytes: Vec<u8>) {
        let _ = Config::new(bytes.clone(), MediaType::ImageConfig).view();
        let _ = Manifest::new(bytes.clone(), MediaType::ImageManifest).view();
        let _ = IndexManifest::new(bytes, MediaType::ImageIndex).view();
    }
}
