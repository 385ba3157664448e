//! What parsed values can do.

use std::collections::{BTreeMap, HashSet};

use oci_spec::image::Digest;
use wharf_name::{DigestReference, ParseErrorKind as Kind, Reference, Registry, Repository, Tag};

use crate::SHA256;

#[test]
fn accessors_of_a_tag() {
    let tag: Tag = "gcr.io/project-id/image:latest".parse().expect("a tag");
    assert_eq!(tag.registry().as_str(), "gcr.io");
    assert_eq!(tag.repository().path(), "project-id/image");
    assert_eq!(tag.repository().to_string(), "gcr.io/project-id/image");
    assert_eq!(tag.tag(), "latest");
    let reference = Reference::from(tag);
    assert_eq!((reference.tag(), reference.digest()), (Some("latest"), None));
}

#[test]
fn accessors_of_a_digest() {
    let text = format!("example.text/foo/bar:v1.0.0@{SHA256}");
    let reference: Reference = text.parse().expect("a digest reference");
    assert_eq!(reference.identifier(), SHA256);
    assert_eq!(reference.to_string(), format!("example.text/foo/bar@{SHA256}"));
    assert_eq!(reference.as_typed(), text);
    assert_eq!(reference.tag(), Some("v1.0.0"));
    assert_eq!(reference.digest().map(AsRef::as_ref), Some(SHA256));
}

#[test]
fn children_are_checked() {
    let registry: Registry = "example.com".parse().expect("a registry");
    let repository = registry.repository("repo").expect("a repository");
    assert_eq!(
        repository.tag("foo").expect("a tag").to_string(),
        "example.com/repo:foo"
    );
    assert_eq!(
        repository.tag("foo").expect("a tag").as_typed(),
        "example.com/repo:foo"
    );
    let digest: Digest = SHA256.parse().expect("a digest");
    assert_eq!(
        repository.digest(digest).to_string(),
        format!("example.com/repo@{SHA256}")
    );
    // Go attaches anything, and cleans `a/../b` to `b`.
    assert_eq!(
        repository.tag("!bad!").expect_err("not a tag").kind(),
        Kind::TagCharacter
    );
    assert_eq!(
        registry.repository("a/../b").expect_err("dots").kind(),
        Kind::RepositoryComponent
    );
    assert_eq!(
        registry.repository("").expect_err("empty").kind(),
        Kind::RepositoryLength
    );
    assert_eq!(
        registry.repository("a:b").expect_err("a tag").kind(),
        Kind::RepositoryCharacter
    );
    let hub = Registry::docker_hub();
    assert_eq!(hub.repository("ubuntu").expect("a name").path(), "library/ubuntu");
    let bare: Registry = "myreg".parse().expect("a registry");
    let error = bare
        .repository("app")
        .expect_err("would read as a name on the hub");
    assert_eq!(
        (error.kind(), error.hint()),
        (Kind::RegistryAmbiguous, Some("add the port to `myreg`"))
    );
}

#[test]
fn equality_is_of_the_meaning() {
    let spellings = [
        "ubuntu",
        "library/ubuntu",
        "docker.io/ubuntu:latest",
        "Index.Docker.IO/library/ubuntu",
    ];
    let values: HashSet<Reference> = spellings.iter().map(|s| s.parse().expect(s)).collect();
    assert_eq!(values.len(), 1);
    assert_ne!("gcr.io".parse::<Registry>(), "gcr.io:443".parse::<Registry>());
    let with_tag: Reference = format!("a:v1@{SHA256}").parse().expect("a reference");
    let without: Reference = format!("a@{SHA256}").parse().expect("a reference");
    assert_eq!(with_tag, without);
}

#[test]
fn the_hub_has_three_names() {
    let is_hub = |text: &str| text.parse::<Registry>().expect(text).is_docker_hub();
    assert!(is_hub("docker.io") && is_hub("index.docker.io") && is_hub("registry-1.docker.io"));
    assert!(!is_hub("hub.docker.io") && !is_hub("docker.io:443"));
    assert_eq!(Registry::docker_hub(), "".parse().expect("the default"));
}

#[test]
fn json_is_the_canonical_text() {
    #[track_caller]
    fn check<T>(typed: &str, want: &str)
    where
        T: serde::Serialize + serde::de::DeserializeOwned + std::str::FromStr + PartialEq + std::fmt::Debug,
    {
        let Ok(value) = typed.parse::<T>() else {
            panic!("{typed} does not parse")
        };
        let json = serde_json::to_string(&value).expect("a string");
        assert_eq!(json, format!("{want:?}"));
        assert_eq!(serde_json::from_str::<T>(&json).expect("what was written"), value);
        let map: BTreeMap<String, T> = serde_json::from_str(&format!("{{\"k\":{typed:?}}}")).expect("a map");
        assert_eq!(map["k"], value);
    }
    check::<Registry>("", "index.docker.io");
    check::<Registry>("GCR.io", "gcr.io");
    check::<Repository>("ubuntu", "index.docker.io/library/ubuntu");
    check::<Tag>("ubuntu", "index.docker.io/library/ubuntu:latest");
    check::<DigestReference>(
        &format!("a:v@{SHA256}"),
        &format!("index.docker.io/library/a@{SHA256}"),
    );
    check::<Reference>("ubuntu:x", "index.docker.io/library/ubuntu:x");
    check::<Reference>(&format!("gcr.io/a@{SHA256}"), &format!("gcr.io/a@{SHA256}"));
    let error = serde_json::from_str::<Reference>("\"a b\"").expect_err("a space");
    assert!(
        error
            .to_string()
            .contains("could not parse reference: a b: repository can only"),
        "{error}"
    );
    let error = serde_json::from_str::<Tag>("7").expect_err("a number");
    assert!(error.to_string().contains("expected a tag"), "{error}");
}

#[test]
fn debug_shows_the_canonical_text() {
    let tag: Tag = "ubuntu".parse().expect("a tag");
    assert_eq!(
        format!("{tag:?}"),
        r#"Tag("index.docker.io/library/ubuntu:latest")"#
    );
}

#[test]
fn a_bare_host_and_port_is_noticed() {
    let looks = |text: &str| text.parse::<Tag>().expect(text).looks_like_registry();
    assert!(looks("localhost:5000") && looks("registry.example.com:443"));
    assert!(!looks("ubuntu:2404") && !looks("localhost:5000/a:1") && !looks("localhost:latest"));
    assert!(!looks("localhost"));
}
