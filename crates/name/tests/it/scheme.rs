//! Which registries may be reached over plain HTTP.

use wharf_name::{ParseErrorKind, Registry, Scheme};

#[track_caller]
fn check(input: &str, want: Scheme) {
    let registry: Registry = input.parse().unwrap_or_else(|error| panic!("{input}: {error}"));
    assert_eq!(registry.scheme(), want, "{input}");
}

#[test]
fn http_is_allowed_for_loopback_and_private_ipv4() {
    for input in [
        "localhost:1",
        "localhost:8080",
        // Go: https only.
        "localhost",
        "LOCALHOST:1",
        "a.localhost",
        "foo.svc.localhost:1234",
        "127.0.0.1",
        "127.0.0.1:1234",
        // Go: https only.
        "127.0.0.2",
        "127.1.2.3:5000",
        "[::1]",
        "[::1]:5000",
        "[0:0:0:0:0:0:0:1]:5000",
        "10.2.3.4:5000",
        "10.0.0.0",
        "172.16.3.4:3000",
        "172.31.255.255:1",
        "192.168.3.4",
    ] {
        check(input, Scheme::Http);
    }
}

#[test]
fn everything_else_is_https() {
    for input in [
        "foo.svc.local:1234",
        "registry.local",
        "registry.local:5000",
        "localhost.evil.com",
        "notlocalhost:5000",
        "127.0.0.1.evil.com",
        "my127.0.0.1registry.io",
        "0.0.0.0:5000",
        "[2001:db8::1]:5000",
        "[::]:5000",
        "[fd00::1]:5000",
        "[::ffff:10.0.0.1]:5000",
        "[::ffff:127.0.0.1]:80",
        "8.8.8.8",
        "10.256.0.0:5000",
        "010.0.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "169.254.1.1",
        "100.64.0.1",
        "10.0.0.1.nip.io",
        "gcr.io",
        "index.docker.io",
        "registry:5000",
        "host.docker.internal",
    ] {
        check(input, Scheme::Https);
    }
}

#[test]
fn what_go_calls_http_but_is_no_registry_is_refused() {
    for input in ["a.localhost:99999", "a.localhost:123456", ".localhost", "::1"] {
        let error = input.parse::<Registry>().expect_err(input);
        assert_eq!(error.kind(), ParseErrorKind::Registry, "{input}");
    }
}

#[test]
fn loopback_is_narrower_than_http() {
    let is_loopback = |input: &str| input.parse::<Registry>().expect(input).is_loopback();
    for input in ["localhost", "x.localhost:1", "127.9.9.9", "[::1]:5000"] {
        assert!(is_loopback(input), "{input}");
    }
    for input in ["10.0.0.1", "192.168.0.1:5000", "0.0.0.0", "[::]", "gcr.io"] {
        assert!(!is_loopback(input), "{input}");
    }
}

#[test]
fn schemes_are_spelt_as_in_urls() {
    assert_eq!((Scheme::Http.as_str(), Scheme::Https.as_str()), ("http", "https"));
}
