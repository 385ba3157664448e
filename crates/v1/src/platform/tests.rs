use proptest::prelude::*;

use super::*;

fn spec(text: &str) -> PlatformSpec {
    text.parse().expect(text)
}

#[track_caller]
fn round_trip(text: &str) {
    assert_eq!(spec(text).to_string(), text);
}

#[test]
fn parse_and_display() {
    round_trip("linux");
    round_trip("linux/amd64");
    round_trip("linux/amd64/v7");
    round_trip("linux/amd64:1.2.3.4");
    round_trip("linux/amd64/v7:1.2.3.4");
    assert_eq!(PlatformSpec::from(&platform("linux/armbe")), spec("linux/armbe"));
    round_trip("windows:10.0.17763.1339");
    assert_eq!(spec(" linux/amd64\n"), spec("linux/amd64"));
    assert_eq!(spec("linux/amd64/"), spec("linux/amd64"));
    assert_eq!(spec("linux/"), spec("linux"));
    assert_eq!(spec("linux/amd64:"), spec("linux/amd64"));
    assert_eq!(spec("linux / amd64 : 10.0 "), spec("linux/amd64:10.0"));
    assert_eq!(spec("linux/amd64"), PlatformSpec::default());
}

#[test]
fn display_leaves_out_what_has_no_place() {
    assert_eq!(
        spec("linux")
            .with_features(["sse4"])
            .with_os_features(["a"])
            .to_string(),
        "linux"
    );
    assert_eq!(PlatformSpec::new("", "amd64").with_variant("v8").to_string(), "");
}

#[track_caller]
fn refused(text: &str, want: &str) {
    assert_eq!(text.parse::<PlatformSpec>().expect_err(text).to_string(), want);
}

#[test]
fn bad_specs() {
    refused("", "no operating system in platform spec: \"\"");
    refused("  ", "no operating system in platform spec: \"  \"");
    refused("/", "no operating system in platform spec: \"/\"");
    refused("/amd64", "no operating system in platform spec: \"/amd64\"");
    refused(":1", "no operating system in platform spec: \":1\"");
    refused(
        "linux//v7",
        "variant without architecture in platform spec: linux//v7",
    );
    refused(
        "linux/amd64/v7/s9",
        "too many slashes in platform spec: linux/amd64/v7/s9",
    );
    refused(
        "linux/amd64:1:2",
        "too many colons in platform spec: linux/amd64:1:2",
    );
    refused("linux/amd64::", "too many colons in platform spec: linux/amd64::");
}

fn platform(text: &str) -> Platform {
    spec(text).to_platform()
}

#[track_caller]
fn satisfied(have: &Platform, want: &PlatformSpec, satisfies: bool, equals: bool) {
    assert_eq!(
        want.is_satisfied_by(have),
        satisfies,
        "{have:?} satisfies {want:?}"
    );
    assert_eq!(
        PlatformSpec::from(have) == *want,
        equals,
        "{have:?} equals {want:?}"
    );
}

#[test]
fn satisfaction_and_equality() {
    satisfied(&platform("linux/amd64"), &spec("linux/amd64"), true, true);
    satisfied(&platform("linux/amd64"), &spec("linux/arm64"), false, false);
    satisfied(&platform("linux/amd64"), &spec("darwin/amd64"), false, false);
    satisfied(&platform("linux/amd64:5.0"), &spec("linux/amd64"), true, false);
    satisfied(
        &platform("linux/amd64:5.0"),
        &spec("linux/amd64:3.6"),
        false,
        false,
    );
    satisfied(&platform("linux/amd64/pios"), &spec("linux/amd64"), true, false);
    satisfied(
        &platform("linux/amd64/pios"),
        &spec("linux/amd64/ubuntu"),
        false,
        false,
    );
    satisfied(
        &platform("linux/amd64/pios"),
        &spec("linux/amd64/pios"),
        true,
        true,
    );
    satisfied(&platform("linux/amd64"), &spec("linux"), true, false);
    satisfied(&platform("linux/amd64"), &PlatformSpec::new("", ""), true, false);
}

#[test]
fn satisfaction_and_equality_of_features() {
    type With = fn(PlatformSpec, &[&str]) -> PlatformSpec;
    let os_features: With = |spec, list| spec.with_os_features(list.iter().copied());
    let features: With = |spec, list| spec.with_features(list.iter().copied());
    for with in [os_features, features] {
        let base = || spec("linux/amd64");
        let have = |list: &[&str]| with(base(), list).to_platform();
        satisfied(&have(&[]), &with(base(), &["a", "b"]), false, false);
        satisfied(&have(&["a", "b"]), &base(), true, false);
        satisfied(&have(&["a", "b"]), &with(base(), &["a", "b"]), true, true);
        satisfied(&have(&["a", "b"]), &with(base(), &["b", "a"]), true, true);
        satisfied(&have(&["a", "b"]), &with(base(), &["ac", "bd"]), false, false);
        satisfied(&have(&["a", "b"]), &with(base(), &["a"]), true, false);
    }
    // The two lists are not the same list.
    satisfied(
        &os_features(spec("linux"), &["a"]).to_platform(),
        &features(spec("linux"), &["a"]),
        false,
        false,
    );
}

#[track_caller]
fn matches(have: &Platform, want: &PlatformSpec, matches: bool) {
    assert_eq!(want.matches(have), matches, "{have:?} matches {want:?}");
}

#[test]
fn matching_in_an_index() {
    let full = || {
        spec("linux/arm/v7:5")
            .with_os_features(["a", "b"])
            .with_features(["c", "d"])
    };
    let have = full().to_platform();
    matches(&have, &full(), true);
    matches(&have, &spec("linux/arm64/v7:5"), false);
    matches(&have, &spec("linux/arm/v7:6"), false);
    matches(&have, &full().with_os_features(["x"]), false);
    matches(&have, &full().with_features(["x"]), false);
    matches(&have, &spec("linux/arm/v6:5"), false);
    matches(&platform("linux/amd64"), &spec("LinuX/amd64"), false);
    matches(&have, &spec("linux/arm"), true);
    matches(&platform("linux/arm"), &spec("linux/arm/v7"), false);
    matches(&platform("linux/arm"), &spec("linux/arm:5"), false);
    matches(
        &platform("linux/arm"),
        &spec("linux/arm").with_features(["c"]),
        false,
    );
    matches(
        &have,
        &spec("linux/arm").with_os_features(["b"]).with_features(["d"]),
        true,
    );
    matches(&have, &spec("linux/arm").with_os_features(["a", "x"]), false);
    matches(&platform("linux/amd64"), &spec("linux"), false);
    matches(&platform("linux"), &spec("linux"), true);
}

#[test]
fn a_child_without_platform_is_linux_amd64() {
    let mut child = Descriptor::new("x".into(), 1, crate::sha256("x"));
    assert!(spec("linux/amd64").matches_child(&child));
    assert!(!spec("linux/arm64").matches_child(&child));
    child.set_platform(Some(platform("linux/arm64")));
    assert!(spec("linux/arm64").matches_child(&child));
    assert!(!spec("linux/amd64").matches_child(&child));
}

proptest! {
    #[test]
    fn whatever_parses_reads_back(text in "[a-z \\t/:]{0,12}|.{0,40}") {
        if let Ok(spec) = text.parse::<PlatformSpec>() {
            prop_assert_eq!(spec.to_string().parse(), Ok(spec));
        }
    }

    #[test]
    fn display_undoes_parse(text in "[a-z]{1,5}(/[a-z0-9]{1,5}(/v[0-9])?)?(:[0-9.]{1,8})?") {
        prop_assert_eq!(spec(&text).to_string(), text);
    }

    #[test]
    fn a_platform_is_what_it_asks_for(text in "[a-z]{1,5}(/[a-z0-9]{1,5}(/v[0-9])?)?(:[0-9.]{1,8})?") {
        let spec = spec(&text);
        prop_assert_eq!(PlatformSpec::from(&spec.to_platform()), spec.clone());
        prop_assert!(spec.matches(&spec.to_platform()));
    }
}
