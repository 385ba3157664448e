//! Every text of the compatibility tables and what it parses to.

use wharf_name::{ParseErrorKind as Kind, ParseOptions, Reference};

use crate::SHA256;

/// Which modes accept a text.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    /// Default and strict.
    Both,
    /// Default only.
    Weak,
}
use Mode::{Both, Weak};

/// `(registry, path, identifier)`.
type Parts<'a> = (&'a str, &'a str, &'a str);

fn weak() -> ParseOptions {
    ParseOptions::default()
}

fn strict() -> ParseOptions {
    ParseOptions::default().with_strict()
}

/// `@D` at the end of a text stands for a digest.
fn expand(text: &str) -> String {
    text.replace("@D", &format!("@{SHA256}"))
}

#[track_caller]
fn check(input: &str, want: (Mode, Parts<'_>)) {
    let input = expand(input);
    let (mode, (registry, path, identifier)) = want;
    let identifier = if identifier == "D" { SHA256 } else { identifier };
    let check_one = |reference: Reference| {
        let found = (
            reference.registry().as_str(),
            reference.repository().path(),
            reference.identifier(),
        );
        assert_eq!(found, (registry, path, identifier), "{input}");
        assert_eq!(reference.as_typed(), input, "as typed");
        let separator = if reference.digest().is_some() { '@' } else { ':' };
        assert_eq!(
            reference.to_string(),
            format!("{registry}/{path}{separator}{identifier}"),
            "{input}"
        );
        assert_eq!(
            reference.to_string().parse::<Reference>().as_ref(),
            Ok(&reference),
            "{input}"
        );
    };
    check_one(
        weak()
            .parse_reference(&input)
            .unwrap_or_else(|error| panic!("{error}")),
    );
    match strict().parse_reference(&input) {
        Ok(reference) if mode == Both => check_one(reference),
        Ok(reference) => panic!("strict took {input} as {reference}"),
        Err(error) if mode == Both => panic!("{error}"),
        Err(_) => {}
    }
}

#[track_caller]
fn check_refused(input: &str, kind: Kind) {
    let input = expand(input);
    for options in [weak(), strict()] {
        match options.parse_reference(&input) {
            Ok(reference) => panic!("{input} is taken as {reference}"),
            // Without defaults, the missing tag is noticed before what is wrong with the rest.
            Err(error) if options_are_strict(&options) && error.kind() == Kind::TagLength => {}
            Err(error) => assert_eq!(error.kind(), kind, "{error}"),
        }
    }
}

fn options_are_strict(options: &ParseOptions) -> bool {
    options.parse_registry("").is_err()
}

const HUB: &str = "index.docker.io";

#[test]
fn registries_that_print_as_typed_in_both_modes() {
    for input in [
        "gcr.io",
        "gcr.io:9001",
        "index.docker.io",
        "us.gcr.io",
        "example.text",
        "localhost",
        "localhost:9090",
        "registry:5000",
        "my_registry:5000",
        "[2001:db8::1]",
        "[2001:db8::1]:5000",
        "xn--bcher-kva.example",
        "a--b.example",
        "gcr.io:443",
        "host.example:1",
        "host.example:65535",
    ] {
        for options in [weak(), strict()] {
            let registry = options
                .parse_registry(input)
                .unwrap_or_else(|error| panic!("{input}: {error}"));
            assert_eq!(registry.as_str(), input);
            assert_eq!(registry.as_typed(), input);
        }
    }
}

#[test]
fn registries_are_canonical() {
    for (input, want) in [
        ("docker.io", HUB),
        ("DOCKER.IO", HUB),
        ("Foo.COM", "foo.com"),
        ("LOCALHOST:5000", "localhost:5000"),
        ("[2001:DB8:0:0::1]:5000", "[2001:db8::1]:5000"),
        ("foo.com:0080", "foo.com:80"),
        // Kept as typed: the same service, but not the same name.
        ("registry-1.docker.io", "registry-1.docker.io"),
        ("docker.io:443", "docker.io:443"),
    ] {
        for options in [weak(), strict()] {
            let registry = options
                .parse_registry(input)
                .unwrap_or_else(|error| panic!("{input}: {error}"));
            assert_eq!(registry.as_str(), want);
            assert_eq!(registry.as_typed(), input);
        }
    }
    let gcr = weak().with_default_registry("gcr.io").expect("a registry");
    assert_eq!(gcr.parse_registry("").expect("the default").as_str(), "gcr.io");
    assert_eq!(gcr.parse_registry("docker.io").expect("the hub").as_str(), HUB);
    assert_eq!(weak().parse_registry("").expect("the default").as_str(), HUB);
    assert_eq!(
        strict().parse_registry("").expect_err("no default").kind(),
        Kind::RegistryMissing
    );
    let alias = weak().with_default_registry("docker.io").expect("a registry");
    assert_eq!(
        alias.parse_repository("ubuntu").expect("a name").as_str(),
        "index.docker.io/library/ubuntu"
    );
}

#[test]
fn registries_that_are_none() {
    let long_label = format!("{}.example", "a".repeat(64));
    let long_host = format!("{}a", "a.".repeat(127));
    for input in [
        "white space",
        "gcr?com",
        "gcr.io/",
        "gcr.io/a",
        "user@gcr.io",
        "gcr.io#x",
        "gcr%2eio",
        "gcr.io:http",
        "gcr.io:+80",
        "gcr.io:-1",
        " gcr.io",
        "gcr.io\n",
        "gcr.io\u{7f}",
        // Go takes all of these.
        "host:",
        "host:0",
        "host:65536",
        "host:99999",
        "host:99999999999999999999",
        ":5000",
        ":",
        "bücher.example",
        "<gcr.io",
        "a,b",
        "a!b",
        "$a",
        "a&b",
        "a'b",
        "(a)",
        "a*b",
        "a+b",
        "a;b",
        "a=b",
        "\"a\"",
        ".",
        "..",
        ".com",
        "gcr.io.",
        "gcr..io",
        "-gcr.io",
        "gcr-.io",
        "gcr.io-:80",
        &long_label,
        &long_host,
        "::1",
        "fe80::1",
        "2001:db8::abc",
        "::1:5000",
        "[::1",
        "[::1]5000",
        "[::1]:",
        "[::1]:0",
        "[::1]:x",
        "[]",
        "[]:5000",
        "[127.0.0.1]",
        "[::1]]",
        "[[::1]]",
        "[fe80::1%25eth0]:5000",
        "[fe80::1%eth0]:5000",
        "a[::1]",
    ] {
        for options in [weak(), strict()] {
            let error = options.parse_registry(input).expect_err(input);
            assert_eq!(error.kind(), Kind::Registry, "{input}");
        }
    }
    for input in [
        "https://gcr.io",
        "http://localhost:5000",
        "https://gcr.io/v2/",
        "docker://gcr.io",
    ] {
        assert_eq!(
            weak().parse_registry(input).expect_err(input).kind(),
            Kind::UrlScheme,
            "{input}"
        );
    }
}

#[test]
fn repositories() {
    for input in [
        "gcr.io/g-convoy/hello-world",
        "gcr.io/google.com/project-id/hello-world",
        "us.gcr.io/project-id/sub-repo",
        "example.text/foo/bar",
        "mirror.gcr.io/ubuntu",
        "index.docker.io/library/ubuntu",
        "example.com/a",
        "example.com/a/b",
        "[::1]:5000/a",
        "localhost/a",
        "example.com/a__b/c--d/e.f/g_h",
    ] {
        for options in [weak(), strict()] {
            let repository = options
                .parse_repository(input)
                .unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((repository.as_str(), repository.as_typed()), (input, input));
        }
    }
    for (input, want) in [
        (
            "namespace/pathcomponent/image",
            "index.docker.io/namespace/pathcomponent/image",
        ),
        ("library/ubuntu", "index.docker.io/library/ubuntu"),
        ("ubuntu", "index.docker.io/library/ubuntu"),
        ("a", "index.docker.io/library/a"),
        ("0", "index.docker.io/library/0"),
    ] {
        let repository = weak()
            .parse_repository(input)
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((repository.as_str(), repository.as_typed()), (want, input));
        assert_eq!(
            strict().parse_repository(input).expect_err(input).kind(),
            Kind::RegistryMissing
        );
    }
    for (input, want) in [
        ("white space", Kind::RepositoryCharacter),
        ("b@char/image", Kind::RepositoryCharacter),
        ("app:two", Kind::RepositoryCharacter),
        ("gcr.io/app:two", Kind::RepositoryCharacter),
        ("", Kind::RepositoryMissing),
        // Go takes all of these.
        ("a//b", Kind::RepositoryComponent),
        ("/a", Kind::RepositoryComponent),
        ("a/", Kind::RepositoryComponent),
        ("/", Kind::RepositoryComponent),
        (".", Kind::RepositoryComponent),
        ("..", Kind::RepositoryComponent),
        ("-a", Kind::RepositoryComponent),
        ("a-", Kind::RepositoryComponent),
        ("a..b", Kind::RepositoryComponent),
        ("a___b", Kind::RepositoryComponent),
        ("a._b", Kind::RepositoryComponent),
        ("a-_b", Kind::RepositoryComponent),
        ("_", Kind::RepositoryComponent),
        ("_a", Kind::RepositoryComponent),
        ("gcr.io/a/../b", Kind::RepositoryComponent),
        ("gcr.io/./b", Kind::RepositoryComponent),
    ] {
        assert_eq!(
            weak().parse_repository(input).expect_err(input).kind(),
            want,
            "{input}"
        );
        assert!(strict().parse_repository(input).is_err(), "{input}");
    }
    let hub = strict()
        .parse_repository("index.docker.io/foo")
        .expect_err("no library");
    assert_eq!(hub.kind(), Kind::LibraryMissing);
    assert_eq!(
        strict()
            .parse_repository("docker.io/foo")
            .expect_err("no library")
            .kind(),
        Kind::LibraryMissing
    );
}

#[test]
fn tags() {
    check(
        "gcr.io/g-convoy/hello-world:latest",
        (Both, ("gcr.io", "g-convoy/hello-world", "latest")),
    );
    check(
        "gcr.io/google.com/g-convoy/hello-world:latest",
        (Both, ("gcr.io", "google.com/g-convoy/hello-world", "latest")),
    );
    check(
        "gcr.io/project-id/with-nums:v2",
        (Both, ("gcr.io", "project-id/with-nums", "v2")),
    );
    check(
        "us.gcr.io/project-id/image:with.period.in.tag",
        (Both, ("us.gcr.io", "project-id/image", "with.period.in.tag")),
    );
    check(
        "gcr.io/project-id/image:w1th-alpha_num3ric.PLUScaps",
        (
            Both,
            ("gcr.io", "project-id/image", "w1th-alpha_num3ric.PLUScaps"),
        ),
    );
    check(
        "domain.with.port:9001/image:latest",
        (Both, ("domain.with.port:9001", "image", "latest")),
    );
    check(
        "namespace/pathcomponent/image",
        (Weak, (HUB, "namespace/pathcomponent/image", "latest")),
    );
    check("library/ubuntu", (Weak, (HUB, "library/ubuntu", "latest")));
    check(
        "gcr.io/project-id/implicit-latest",
        (Weak, ("gcr.io", "project-id/implicit-latest", "latest")),
    );
    check(
        "www.example.test:12345/repo/path",
        (Weak, ("www.example.test:12345", "repo/path", "latest")),
    );
    check("ubuntu", (Weak, (HUB, "library/ubuntu", "latest")));
    check("gcr.io/a:_x", (Both, ("gcr.io", "a", "_x")));

    check_refused("gcr.io/project-id/bad_chars:c@n'tuse", Kind::DigestAlgorithm);
    check_refused("gcr.io/project-id/wrong-length:white space", Kind::TagCharacter);
    check_refused("library/ubuntu:", Kind::TagMissing);
    check_refused(":", Kind::TagMissing);
    check_refused(&format!("gcr.io/a:{}", "x".repeat(129)), Kind::TagLength);
    let longest = "x".repeat(128);
    check(&format!("gcr.io/a:{longest}"), (Both, ("gcr.io", "a", &longest)));

    let bad_characters = weak()
        .parse_tag("gcr.io/project-id/bad_chars:c@n'tuse")
        .expect_err("not a tag");
    assert_eq!(bad_characters.kind(), Kind::TagCharacter);
    let other = weak().with_default_tag("other").expect("a tag");
    assert_eq!(
        other.parse_tag("ubuntu").expect("a name").as_str(),
        "index.docker.io/library/ubuntu:other"
    );
}

#[test]
fn digests() {
    check(
        "gcr.io/g-convoy/hello-world@D",
        (Both, ("gcr.io", "g-convoy/hello-world", "D")),
    );
    check(
        "gcr.io/google.com/project-id/hello-world@D",
        (Both, ("gcr.io", "google.com/project-id/hello-world", "D")),
    );
    check(
        "us.gcr.io/project-id/sub-repo@D",
        (Both, ("us.gcr.io", "project-id/sub-repo", "D")),
    );
    check("example.text/foo/bar@D", (Both, ("example.text", "foo/bar", "D")));
    check(
        "example.text/foo/bar:latest@D",
        (Both, ("example.text", "foo/bar", "D")),
    );
    check(
        "example.text:8443/foo/bar:latest@D",
        (Both, ("example.text:8443", "foo/bar", "D")),
    );
    check(
        "example.text/foo/bar:v1.0.0-alpine@D",
        (Both, ("example.text", "foo/bar", "D")),
    );
    check(
        "namespace/pathcomponent/image@D",
        (Weak, (HUB, "namespace/pathcomponent/image", "D")),
    );
    check("library/ubuntu@D", (Weak, (HUB, "library/ubuntu", "D")));
    check("nginx:latest@D", (Weak, (HUB, "library/nginx", "D")));
    check("library/nginx:latest@D", (Weak, (HUB, "library/nginx", "D")));
    check("ubuntu@D", (Weak, (HUB, "library/ubuntu", "D")));
    check("[::1]:5000/foo@D", (Both, ("[::1]:5000", "foo", "D")));
    // A year, not a port.
    check("ubuntu:2404@D", (Weak, (HUB, "library/ubuntu", "D")));

    let sha384 = format!("sha384:{}", "a".repeat(96));
    check(&format!("gcr.io/a@{sha384}"), (Both, ("gcr.io", "a", &sha384)));
    let sha512 = format!("sha512:{}", "0".repeat(128));
    check(&format!("gcr.io/a@{sha512}"), (Both, ("gcr.io", "a", &sha512)));

    check_refused("gcr.io/a@unknown:abc123", Kind::DigestAlgorithm);
    check_refused("gcr.io/a@blake3:abc123", Kind::DigestAlgorithm);
    check_refused("gcr.io/a@SHA256:abc123", Kind::DigestAlgorithm);
    check_refused("gcr.io/a@sha256", Kind::DigestAlgorithm);
    check_refused("gcr.io/a@", Kind::DigestAlgorithm);
    check_refused("@", Kind::DigestAlgorithm);
    check_refused("gcr.io/a@sha256:abc123", Kind::DigestLength);
    check_refused("gcr.io/a@sha256:", Kind::DigestLength);
    check_refused(&format!("gcr.io/a@sha512:{}", "a".repeat(64)), Kind::DigestLength);
    check_refused(
        &format!("gcr.io/a@sha256:{}", ":".repeat(64)),
        Kind::DigestCharacter,
    );
    check_refused(
        &format!("gcr.io/a@sha256:{}", "sh".repeat(32)),
        Kind::DigestCharacter,
    );
    check_refused(
        &format!("gcr.io/a@sha256:{}", "A".repeat(64)),
        Kind::DigestCharacter,
    );
    check_refused("ubuntu@D@D", Kind::DigestSeparator);
    check_refused("@@", Kind::DigestSeparator);
    check_refused("ubuntu@D:x", Kind::DigestLength);
    check_refused("ubuntu:@D", Kind::TagMissing);
    check_refused("library/nginx:@D", Kind::TagMissing);
    check_refused("ubuntu:.x@D", Kind::TagStart);
    check_refused("@D", Kind::RepositoryMissing);

    // Go reads the port as a tag and asks Docker Hub.
    check_refused("localhost:5000@D", Kind::TagLooksLikePort);
    check_refused("registry.example.com:443@D", Kind::TagLooksLikePort);
    check_refused("[::1]:5000@D", Kind::TagLooksLikePort);

    assert_eq!(
        weak().parse_digest("ubuntu").expect_err("no digest").kind(),
        Kind::DigestSeparator
    );
}

#[test]
fn defaults_combined() {
    let options = weak()
        .with_default_registry("registry.upbound.io")
        .and_then(|options| options.with_default_tag("stable"))
        .expect("defaults");
    for (input, want) in [
        (
            "crossplane/provider-gcp",
            "registry.upbound.io/crossplane/provider-gcp:stable",
        ),
        (
            "crossplane/provider-gcp:v0.14.0",
            "registry.upbound.io/crossplane/provider-gcp:v0.14.0",
        ),
        // No `library/` off the hub.
        ("ubuntu", "registry.upbound.io/ubuntu:stable"),
        (
            "gcr.io/crossplane/provider-gcp:latest",
            "gcr.io/crossplane/provider-gcp:latest",
        ),
        ("localhost/testimage:mytag", "localhost/testimage:mytag"),
    ] {
        assert_eq!(options.parse_reference(input).expect(input).to_string(), want);
    }
    // Strict forbids the defaults, also those that were given.
    let options = options.with_strict();
    assert_eq!(
        options.parse_reference("gcr.io/a").expect_err("no tag").kind(),
        Kind::TagLength
    );
    assert_eq!(
        options.parse_reference("a:b").expect_err("no registry").kind(),
        Kind::RegistryMissing
    );
}

#[test]
fn defaults_are_checked() {
    // Go prints names in it that parse to something else.
    let kind = |registry: &str| weak().with_default_registry(registry).expect_err(registry).kind();
    assert_eq!(kind("myreg"), Kind::RegistryAmbiguous);
    assert_eq!(kind(""), Kind::Registry);
    assert_eq!(kind("a b"), Kind::Registry);
    assert_eq!(kind("https://gcr.io"), Kind::UrlScheme);
    let kind = |tag: &str| weak().with_default_tag(tag).expect_err(tag).kind();
    assert_eq!(kind("bad tag!"), Kind::TagCharacter);
    assert_eq!(kind(""), Kind::TagLength);
    let options = weak()
        .with_default_registry("myreg:5000")
        .expect("a registry with a port");
    let reference = options.parse_reference(&expand("ubuntu@D")).expect("a name");
    assert_eq!(reference.to_string(), expand("myreg:5000/ubuntu@D"));
}

#[test]
fn further_probes() {
    check("docker.io/ubuntu", (Weak, (HUB, "library/ubuntu", "latest")));
    check("index.docker.io/ubuntu:x", (Weak, (HUB, "library/ubuntu", "x")));
    check(
        "index.docker.io/library/ubuntu:x",
        (Both, (HUB, "library/ubuntu", "x")),
    );
    check(
        "registry-1.docker.io/ubuntu",
        (Weak, ("registry-1.docker.io", "ubuntu", "latest")),
    );
    check(
        "docker.io:443/ubuntu",
        (Weak, ("docker.io:443", "ubuntu", "latest")),
    );
    // Go keeps the case and so does not know the hub.
    check("DOCKER.IO/ubuntu", (Weak, (HUB, "library/ubuntu", "latest")));
    check("localhost", (Weak, (HUB, "library/localhost", "latest")));
    check("foo.com", (Weak, (HUB, "library/foo.com", "latest")));
    check("docker.io", (Weak, (HUB, "library/docker.io", "latest")));
    check("localhost:5000", (Weak, (HUB, "library/localhost", "5000")));
    check("localhost:5000/foo:bar", (Both, ("localhost:5000", "foo", "bar")));
    check_refused("LOCALHOST/foo", Kind::RepositoryCharacter);
    check_refused("UPPER/x", Kind::RepositoryCharacter);
    check_refused("foo.com/", Kind::RepositoryLength);
    check("Foo.COM/a", (Weak, ("foo.com", "a", "latest")));
    check("foo:8080/bar", (Weak, ("foo:8080", "bar", "latest")));
    check_refused("foo:bar/baz", Kind::Registry);
    check_refused("foo:/baz", Kind::Registry);
    check_refused("foo.com:99999/baz", Kind::Registry);
    check("[::1]:5000/foo:t", (Both, ("[::1]:5000", "foo", "t")));
    check("[::1]/foo:t", (Both, ("[::1]", "foo", "t")));
    check_refused("::1/foo:t", Kind::Registry);
    check_refused("https://foo.com/a:b", Kind::UrlScheme);
    check_refused("user@host.com/foo", Kind::Registry);
    check_refused("user:pw@host.com/foo", Kind::Registry);
    check_refused("foo.com?x/a", Kind::Registry);
    check_refused("foo.com#x/a", Kind::Registry);
    check_refused("a b.com/x", Kind::Registry);
    check_refused("./a", Kind::Registry);
    check_refused("../a", Kind::Registry);
    check_refused(".com/foo", Kind::Registry);
    check_refused("a:b:c", Kind::RepositoryCharacter);
    check_refused("a:b:c@D", Kind::RepositoryCharacter);
    check("x:TAG", (Weak, (HUB, "library/x", "TAG")));
    check_refused("a:.b", Kind::TagStart);
    check_refused("a:-b", Kind::TagStart);
    check_refused("", Kind::RepositoryMissing);
    check_refused(" ubuntu", Kind::RepositoryCharacter);
    check_refused("ubuntu ", Kind::RepositoryCharacter);
    check_refused("ubuntu\n", Kind::RepositoryCharacter);
    check_refused("ubüntu", Kind::RepositoryCharacter);
    check_refused("a:tüg", Kind::TagCharacter);
}

#[test]
fn lengths() {
    // 255 with `library/`.
    let longest = "a".repeat(247);
    check(&longest, (Weak, (HUB, &format!("library/{longest}"), "latest")));
    check_refused(&"a".repeat(248), Kind::RepositoryLength);
    check_refused(&"a".repeat(255), Kind::RepositoryLength);
    let longest = "a".repeat(255);
    check(&format!("gcr.io/{longest}:x"), (Both, ("gcr.io", &longest, "x")));
    check_refused(&format!("gcr.io/{}:x", "a".repeat(256)), Kind::RepositoryLength);
    check_refused(&format!("gcr.io/{}", "a".repeat(2000)), Kind::InputLength);
    check_refused(&"ü".repeat(2000), Kind::InputLength);
}
