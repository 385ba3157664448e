use proptest::prelude::*;

use super::*;
use crate::mirror::{Access, ConfigError, UpstreamFor};
use crate::settings::{PlainHttp, Verification};

fn parse(text: &str) -> RegistriesConf {
    RegistriesConf::parse(text, "r.conf").expect("a configuration")
}

/// The rules as text: `prefix -> mirrors (T: no tags, L: digests last, I: insecure); upstream`.
fn rules(conf: &RegistriesConf) -> Vec<String> {
    let show = |endpoint: &crate::mirror::Endpoint| {
        let mut text = endpoint.registry().map_or("-".to_owned(), ToString::to_string);
        let insecure = endpoint.plain_http() == Some(PlainHttp::Allowed)
            && endpoint
                .tls()
                .is_some_and(|tls| tls.verification == Verification::InsecureSkip);
        for (is, letter) in [
            (!endpoint.capabilities().resolve, " T"),
            (endpoint.capabilities().digests_last, " L"),
            (insecure, " I"),
        ] {
            text.push_str(if is { letter } else { "" });
        }
        text
    };
    let mirrors = conf.mirrors();
    let one = |rule: &crate::mirror::Rule| {
        let mirrors: Vec<_> = rule.mirrors().iter().map(show).collect();
        let blocked = if rule.access() == Access::Blocked {
            "blocked "
        } else {
            ""
        };
        let upstream = rule.upstream().map_or(String::new(), |(endpoint, reach)| {
            assert_eq!(reach, UpstreamFor::Reads);
            format!("; {}", show(endpoint))
        });
        format!("{blocked}{} -> {}{upstream}", rule.prefix(), mirrors.join(", "))
    };
    mirrors.rules().iter().map(one).collect()
}

#[track_caller]
fn check(text: &str, want: &[&str]) {
    assert_eq!(rules(&parse(text)), want, "{text}");
}

#[test]
fn registries() {
    check("", &[]);
    check(
        r#"
        [[registry]]
        prefix = "example.com/foo"
        insecure = false
        blocked = false
        location = "internal-registry-for-example.com/bar"

        [[registry.mirror]]
        location = "example-mirror-0.local/mirror-for-foo"

        [[registry.mirror]]
        location = "example-mirror-1.local/mirrors/foo"
        insecure = true
        "#,
        &[
            "example.com/foo -> example-mirror-0.local, example-mirror-1.local I; internal-registry-for-example.com",
        ],
    );
    check("[[registry]]\nlocation = \"a.example/x/\"", &["a.example/x -> "]);
    check(
        "[[registry]]\nprefix = \"a.example\"\nlocation = \"A.example/\"",
        &["a.example -> "],
    );
    check(
        "[[registry]]\nprefix = \"\"\nlocation = \"a.example\"\ninsecure = true",
        &["a.example -> ; - I"],
    );
    check(
        "[[registry]]\nprefix = \"*.a.example\"\nblocked = true",
        &["blocked *.a.example -> "],
    );
    check(
        "[[registry]]\nprefix = \"*.a.example\"\nlocation = \"b.example\"",
        &["*.a.example -> ; b.example"],
    );
    check(
        "[[registry]]\nlocation = \"docker.io\"\nblocked = true\nunknown = [1]",
        &["blocked docker.io -> "],
    );
    // Of two tables for one prefix the later one counts.
    check(
        "[[registry]]\nprefix = \"a.example\"\nlocation = \"b.example\"\n[[registry]]\nprefix = \"a.example\"",
        &["a.example -> "],
    );
    check(
        r#"
        [[registry]]
        location = "a.example"
        mirror-by-digest-only = true
        mirror = [{ location = "one.example" }, { location = "two.example", pull-from-mirror = "" }]
        [[registry]]
        location = "b.example"
        mirror = [
            { location = "one.example", pull-from-mirror = "all" },
            { location = "two.example", pull-from-mirror = "digest-only" },
            { location = "three.example", pull-from-mirror = "tag-only" },
        ]
        "#,
        &[
            "a.example -> one.example T, two.example T",
            "b.example -> one.example, two.example T, three.example L",
        ],
    );
}

#[test]
fn names() {
    let conf = parse(
        r#"
        unqualified-search-registries = ["docker.io", "quay.io:443", "localhost"]
        short-name-mode = "enforcing"
        [aliases]
        "alpine" = "docker.io/library/alpine"
        "gone" = ""
        "#,
    );
    let search: Vec<_> = conf.search_registries().iter().map(Registry::as_str).collect();
    assert_eq!(search, ["index.docker.io", "quay.io:443", "localhost"]);
    assert_eq!(conf.aliases()["alpine"], "docker.io/library/alpine");
}

#[test]
fn drop_ins() {
    let first = parse(
        "unqualified-search-registries = [\"a.example\"]\n[aliases]\nx = \"a.example/x\"\ny = \"a.example/y\"\n\
         [[registry]]\nprefix = \"a.example\"\nlocation = \"b.example\"\n[[registry]]\nprefix = \"c.example\"",
    );
    let second =
        parse("[aliases]\nx = \"b.example/x\"\n[[registry]]\nprefix = \"a.example\"\nblocked = true");
    let both = first.clone().with_drop_in(second);
    assert_eq!(rules(&both), ["c.example -> ", "blocked a.example -> "]);
    assert_eq!(both.search_registries().len(), 1);
    assert_eq!(both.aliases()["x"], "b.example/x");
    assert_eq!(both.aliases()["y"], "a.example/y");
    let none = first.with_drop_in(parse("unqualified-search-registries = []"));
    assert_eq!(none.search_registries().len(), 0);
}

fn text_of(error: &ConfigError) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}

#[track_caller]
fn refused(text: &str, want: &str) {
    let error = RegistriesConf::parse(text, "r.conf").expect_err(text);
    assert_eq!(text_of(&error), want);
}

#[test]
fn errors_say_where() {
    refused(
        "[registries.search]\nregistries = ['registry1.com']",
        "r.conf, line 1, registries: this is version 1 of the format, which is not supported; \
         write `[[registry]]` tables instead",
    );
    refused(
        "\n[[registry]]\nlocation = 1",
        "r.conf, line 3, registry[0].location: must be a string, and is a value of type integer",
    );
    refused(
        "registry = 1",
        "r.conf, line 1, registry: must be an array, and is a value of type integer",
    );
    refused(
        "[[registry]]\nblocked = true",
        "r.conf, line 1, registry[0]: missing",
    );
    refused(
        "[[registry]]\nlocation = \"a.example\"\n[[registry.mirror]]\ninsecure = true",
        "r.conf, line 3, registry[0].mirror[0]: missing",
    );
    refused(
        "[[registry]]\nlocation = \"https://a.example\"",
        "r.conf, line 2, registry[0].location: `https://a.example` is not a place in a registry: \
         it must not begin with a scheme",
    );
    refused(
        "[[registry]]\nprefix = \"a.example/x:v1\"\nblocked = true",
        "r.conf, line 2, registry[0].prefix: `a.example/x:v1` is not a place in a registry: \
         a tag or digest in it is not supported",
    );
    refused(
        "[[registry]]\nlocation = \"*.a.example\"",
        "r.conf, line 2, registry[0].location: `*.a.example` is not a place in a registry: \
         `*` can only be the first label of a prefix",
    );
    refused(
        "[[registry]]\nlocation = \"a.example\"\ninsecure = \"yes\"",
        "r.conf, line 3, registry[0].insecure: must be true or false, and is a value of type string",
    );
    refused(
        "[[registry]]\nlocation = \"a.example\"\npull-from-mirror = \"all\"",
        "r.conf, line 3, registry[0].pull-from-mirror: only a mirror can have this key",
    );
    refused(
        "[[registry]]\nlocation = \"a.example\"\n[[registry.mirror]]\nlocation = \"m.example\"\npull-from-mirror = \"x\"",
        "r.conf, line 5, registry[0].mirror[0].pull-from-mirror: must be one of all, digest-only, tag-only",
    );
    refused(
        "[[registry]]\nlocation = \"a.example\"\nmirror-by-digest-only = true\n\
         mirror = [{ location = \"m.example\", pull-from-mirror = \"all\" }]",
        "r.conf, line 4, registry[0].mirror[0].pull-from-mirror: cannot be together with `mirror-by-digest-only`",
    );
    refused(
        "[[registry]]\nprefix = \"a.example\"\nlocation = \"m.example\"\ninsecure = true\n\
         [[registry]]\nprefix = \"b.example\"\nlocation = \"m.example\"",
        "r.conf, registry, location \"m.example\": one location has several settings for `insecure` or `blocked`",
    );
    refused(
        "unqualified-search-registries = [\"a.example\", \"b\"]",
        "r.conf, line 1, unqualified-search-registries[1]: `b` is not a place in a registry: \
         a host without a dot needs a port",
    );
    for location in [
        "alice:secret@a.example",
        "https://alice:secret@a.example",
        "*.alice:secret@a.example",
    ] {
        let text = format!("[[registry]]\nprefix = {location:?}");
        let error = RegistriesConf::parse(&text, "r.conf").expect_err(location);
        assert!(!text_of(&error).contains("secret"), "{}", text_of(&error));
    }
    let syntax = RegistriesConf::parse("a = 1\nb = \"secret", "r.conf").expect_err("no end");
    assert_eq!(syntax.line, Some(2));
    assert!(!text_of(&syntax).contains("secret"));
    let large = " ".repeat((1 << 20) + 1);
    refused(&large, "r.conf: larger than 1048576 bytes");
    let deep = format!("a = {}", "[".repeat(100_000));
    assert!(RegistriesConf::parse(&deep, "r.conf").is_err());
}

#[test]
fn loading() {
    let dir = tempfile::tempdir().expect("a directory");
    let main = dir.path().join("registries.conf");
    let missing = RegistriesConf::load(&main).expect_err("there is none");
    assert!(
        text_of(&missing).contains("cannot be read"),
        "{}",
        text_of(&missing)
    );

    let drop_ins = dir.path().join("registries.conf.d");
    std::fs::create_dir(&drop_ins).expect("a directory");
    let write = |name: &str, text: &str| std::fs::write(drop_ins.join(name), text).expect("a file");
    write(
        "20.conf",
        "[[registry]]\nprefix = \"a.example\"\nlocation = \"two.example\"",
    );
    write(
        "10.conf",
        "[[registry]]\nprefix = \"a.example\"\nlocation = \"one.example\"\n[aliases]\nx = \"a.example/x\"",
    );
    write("30.conf.bak", "not read");
    write("30.conf", "[aliases]\nx = \"\"");
    let conf = RegistriesConf::load(&main).expect("the directory is there");
    assert_eq!(rules(&conf), ["a.example -> ; two.example"]);
    assert!(conf.aliases().is_empty());

    std::fs::write(&main, "unqualified-search-registries = [\"quay.io\"]").expect("a file");
    assert_eq!(
        RegistriesConf::load(&main)
            .expect("all is fine")
            .search_registries()
            .len(),
        1
    );
    write("40.conf", "[");
    let broken = RegistriesConf::load(&main).expect_err("one is broken");
    assert!(broken.file.ends_with("registries.conf.d/40.conf"));
}

proptest! {
    #[test]
    fn no_text_panics(text in r#"([\[\]{}="a-z.\n *0-9:/-]|registry|mirror|location|prefix){0,40}"#) {
        let _ = RegistriesConf::parse(&text, "r.conf");
    }

    #[test]
    fn no_location_panics(text in r"[a-zA-Z*.:/@\[\]_-]{0,20}") {
        let text = format!("[[registry]]\nlocation = {text:?}\n[[registry.mirror]]\nlocation = {text:?}");
        if let Ok(conf) = RegistriesConf::parse(&text, "r.conf") {
            prop_assert_eq!(conf.mirrors().rules().len(), 1);
        }
    }
}
