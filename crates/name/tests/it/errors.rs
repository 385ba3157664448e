//! The texts that people search for, and where errors point.

use wharf_name::{ParseError, ParseErrorKind, ParseOptions, Reference, Registry, Repository, Tag};

use crate::SHA256;

#[track_caller]
fn check<T>(result: Result<T, ParseError>, want: &str) {
    match result {
        Ok(_) => panic!("accepted, but wanted: {want}"),
        Err(error) => assert_eq!(error.to_string(), want),
    }
}

#[test]
fn texts() {
    let strict = ParseOptions::default().with_strict();
    check(
        strict.parse_registry(""),
        "strict validation requires the registry to be explicitly defined",
    );
    check(
        "gcr?com".parse::<Registry>(),
        "registries must be valid RFC 3986 URI authorities: gcr?com",
    );
    check(
        "foo:bar/baz".parse::<Tag>(),
        "registries must be valid RFC 3986 URI authorities: foo:bar",
    );
    check("".parse::<Repository>(), "a repository name must be specified");
    check(
        "foo.com/".parse::<Repository>(),
        "repository must be between 1 and 255 characters in length: ",
    );
    check(
        "app:two".parse::<Repository>(),
        "repository can only contain the characters `abcdefghijklmnopqrstuvwxyz0123456789_-./`: app:two",
    );
    check(
        strict.parse_repository("index.docker.io/foo"),
        "strict validation requires the full repository path (missing 'library')",
    );
    check(
        "ubuntu:".parse::<Tag>(),
        "ubuntu: must specify a tag name after the colon",
    );
    let long = "x".repeat(129);
    check(
        format!("a:{long}").parse::<Tag>(),
        &format!("tag must be between 1 and 128 characters in length: {long}"),
    );
    check(
        "a:b!".parse::<Tag>(),
        "tag can only contain the characters `abcdefghijklmnopqrstuvwxyz0123456789_-.ABCDEFGHIJKLMNOPQRSTUVWXYZ`: b!",
    );
    check(
        ParseOptions::default().parse_digest("a"),
        "a digest must contain exactly one '@' separator (e.g. registry/repository@digest) saw: a",
    );
    check(
        ParseOptions::default().parse_digest("a@md5:00"),
        "unsupported digest algorithm: md5:00",
    );
}

#[test]
fn references_lead_with_the_input_and_go_on_with_the_cause() {
    check(
        "@@".parse::<Reference>(),
        "could not parse reference: @@: a digest must contain exactly one '@' separator (e.g. registry/repository@digest) saw: @@",
    );
    check(
        "gcr.io/a/../b".parse::<Reference>(),
        "could not parse reference: gcr.io/a/../b: repository components must begin and end with a letter or digit, with `.`, `_`, `__` or dashes between: a/../b",
    );
    check(
        "https://foo.com/a:b".parse::<Reference>(),
        "could not parse reference: https://foo.com/a:b: a name has no URL scheme, leave out `https://`",
    );
}

#[test]
fn messages_are_one_printable_line() {
    for input in [
        "a\nb",
        "a\u{1b}[31m",
        "a\u{202e}b",
        "x://\u{7}",
        "a\u{7}.com:5000@sha256:",
    ] {
        let input = input.replace("sha256:", SHA256);
        let error = input.parse::<Reference>().expect_err(&input);
        let shown = format!("{error} {}", error.hint().unwrap_or_default());
        assert!(
            !shown.contains(|c: char| c.is_control() || c == '\u{202e}'),
            "{shown:?}"
        );
    }
    let error = "say \"hi\"".parse::<Repository>().expect_err("quotes");
    assert!(error.to_string().ends_with(": say \"hi\""), "{error}");
}

#[track_caller]
fn check_span(input: &str, culprit: &str, hint: Option<&str>) {
    let error = input.parse::<Reference>().expect_err(input);
    assert_eq!(&error.input()[error.span()], culprit, "{error}");
    assert_eq!(error.hint(), hint, "{error}");
    assert_eq!(error.input().len(), input.len());
}

#[test]
fn spans_and_hints() {
    check_span("a:b!c", "!", None);
    check_span("gcr.io/a/../b:x", "..", None);
    check_span(
        "foo.com:99999/baz",
        "99999",
        Some("a port is a number from 1 to 65535"),
    );
    check_span("foo:/baz", "", Some("the port after the colon is missing"));
    check_span(
        "user:pw@host.com/foo",
        "user:**@",
        Some("credentials do not belong in a name"),
    );
    check_span("UPPER/x", "U", Some("repositories are in lower case"));
    check_span("https://foo.com/a:b", "https://", Some("write `foo.com/a:b`"));
    check_span(
        "::1/foo",
        "::1",
        Some("write IPv6 addresses in brackets: `[::1]`"),
    );
    let digest = format!("localhost:5000@{SHA256}");
    check_span(
        &digest,
        "localhost:5000",
        Some(&format!("write `localhost:5000/<repository>@{SHA256}`")),
    );
}

#[test]
fn passwords_are_not_repeated() {
    for input in [
        "https://user:hunter2@foo.com/a:b",
        "https://user:hunter2@foo.com",
        "user:hunter2@foo.com/a:b",
        "user:hunter2@foo.com/a!",
        "user:pass:hunter2@foo.com/a",
        "user:ü@hunter2@foo.com/a",
    ] {
        let error = input.parse::<Reference>().expect_err(input);
        let shown = format!("{error} {error:?} {:?} {}", error.hint(), error.caret());
        assert!(!shown.contains("hunter2") && !shown.contains('ü'), "{shown}");
        assert!(
            shown.contains("foo.com") && error.input().len() == input.len(),
            "{shown}"
        );
    }
    let error = "user:hunter2@foo.com".parse::<Registry>().expect_err("user info");
    assert_eq!(
        error.to_string(),
        "registries must be valid RFC 3986 URI authorities: user:*******@foo.com"
    );
    let error = "https://user:hunter2@foo.com/a"
        .parse::<Reference>()
        .expect_err("a URL");
    assert_eq!(error.hint(), Some("write `foo.com/a`"));
    // A tag is not a password.
    let error = "app:v1@sha256:00"
        .parse::<Reference>()
        .expect_err("a short digest");
    assert_eq!(error.input(), "app:v1@sha256:00");
}

#[test]
fn carets() {
    let caret = |input: &str| input.parse::<Reference>().expect_err(input).caret().to_string();
    assert_eq!(caret("gcr.io/a/../b:x"), "gcr.io/a/../b:x\n         ^^");
    // Nothing is there, yet something is pointed at.
    assert_eq!(caret("ubuntu:"), "ubuntu:\n       ^");
    // What is escaped is as wide as it is shown.
    assert_eq!(caret("a\n!"), "a\\n!\n ^^");
}

#[test]
fn overlong_input_is_not_repeated_in_full() {
    #[track_caller]
    fn check<T: std::fmt::Debug>(result: Result<T, ParseError>) {
        let error = result.expect_err("too long");
        assert_eq!(
            (error.kind(), error.input().len()),
            (ParseErrorKind::InputLength, 1024)
        );
        assert!(error.to_string().len() < 1200 && error.caret().to_string().len() < 2100);
    }
    let long = "a".repeat(100_000);
    let options = ParseOptions::default();
    check(long.parse::<Reference>());
    check(long.parse::<Registry>());
    check(options.clone().with_default_registry(&long));
    check(options.with_default_tag(&long));
    check(Registry::docker_hub().repository(&long));
    check("a".parse::<Repository>().expect("a name").tag(&long));
}
