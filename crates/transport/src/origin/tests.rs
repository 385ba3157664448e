use http::Uri;

use super::*;

#[track_caller]
fn check(url: &str, want: Option<&str>) {
    let url: Result<Uri, _> = url.parse();
    let origin = url.ok().and_then(|url| Origin::of(&url).ok());
    assert_eq!(
        origin
            .map(|origin| format!("{origin} {}", origin.port()))
            .as_deref(),
        want
    );
}

#[test]
fn origins_are_canonical() {
    check(
        "https://registry.example.com/v2/",
        Some("https://registry.example.com 443"),
    );
    check(
        "http://registry.example.com",
        Some("http://registry.example.com 80"),
    );
    check(
        "https://REGISTRY.example.com:12345/",
        Some("https://registry.example.com:12345 12345"),
    );
    check(
        "https://registry.example.com:443/",
        Some("https://registry.example.com 443"),
    );
    check("http://[2001:DB8::1]/", Some("http://[2001:db8::1] 80"));
    check(
        "https://[2001:db8:0::1]:12345/",
        Some("https://[2001:db8::1]:12345 12345"),
    );
    check("https://2130706433/", Some("https://127.0.0.1 443"));
    check("https://0x7f.1:5000/", Some("https://127.0.0.1:5000 5000"));
    check(
        "https://registry.example.com./",
        Some("https://registry.example.com 443"),
    );
    check("https://127.0.0.1./", Some("https://127.0.0.1 443"));
    check("https://localhost../", None);
    check("https://a..example.com/", None);
    check(
        "https://registry.example.com:/",
        Some("https://registry.example.com 443"),
    );
    check("http://[2001:db8::1]:/", Some("http://[2001:db8::1] 80"));
    check("https://registry.example.com:+80/", None);
    check("https://registry.example.com:0/", None);
    check("ftp://registry.example.com/", None);
    check("/v2/", None);
    check("https://a:99999/", None);
}

#[track_caller]
fn check_site(a: &str, b: &str, want: bool) {
    let origin = |host: &str| Origin::of(&format!("https://{host}/").parse().expect("URL")).expect("origin");
    assert_eq!(origin(a).is_same_site(&origin(b)), want, "{a} {b}");
}

#[test]
fn sites() {
    check_site("registry.example.com", "registry.example.com:8443", true);
    check_site("registry.example.com", "auth.example.com", true);
    check_site("registry.example.com", "example.com", true);
    check_site("registry.example.com", "token.registry.example.com", true);
    check_site("index.docker.io", "auth.docker.io", true);
    check_site("registry.example.com", "auth.example.net", false);
    check_site("registry.example.com", "evilexample.com", false);
    check_site("registry.example.com", "registry.example.com.evil.net", false);
    check_site("example.com", "auth.example.com", true);
    check_site("example.com", "other.com", false);
    check_site("ghcr", "evil", false);
    check_site("ghcr", "auth.ghcr", false);
    check_site("10.0.0.1", "10.0.0.1:5000", true);
    check_site("10.0.0.1", "10.0.0.2", false);
    check_site("1.2.3.4", "9.2.3.4", false);
    check_site("[2001:db8::1]", "[2001:db8::2]", false);
}

#[track_caller]
fn check_realm(realm: &str, registry: &str, want: Result<&str, UnsafeUrlReason>) {
    let registry = Origin::of(&registry.parse().expect("URL")).expect("origin");
    let got = resolve_realm(&registry, realm, &[]).map_err(|error| match error {
        crate::Error::UnsafeUrl(error) => error.reason,
        other => panic!("{other}"),
    });
    assert_eq!(
        got.map(|url| url.to_string()),
        want.map(ToOwned::to_owned),
        "{realm} from {registry}"
    );
}

#[test]
fn realms() {
    use UnsafeUrlReason::{Downgrade, Fragment, Host, Inside, Malformed, Scheme, UserInfo};
    let public = "https://registry.example.com";
    for realm in [
        "https://0.0.0.0/token",
        "https://0.0.0.0:8443/token",
        "https://[::]/token",
        "https://[::]:8443/token",
        "https://127.0.0.1/token",
        "https://127.8.9.1/token",
        "https://[::1]/token",
        "https://10.0.0.1/token",
        "https://172.16.0.1/token",
        "https://192.168.1.1/token",
        "https://169.254.169.254/token",
        "https://[fe80::1]/token",
        "https://[::ffff:127.0.0.1]/token",
        "https://[::ffff:7f00:1]/token",
        "https://[64:ff9b::7f00:1]/token",
        "https://[2002:7f00:1::]/token",
        "https://[fd00:ec2::254]/token",
        "https://[fc00::1]/token",
        "https://224.0.0.1/token",
        "https://255.255.255.255/token",
        "https://100.64.0.1/token",
        "https://localhost/token",
        "https://LOCALHOST/token",
        "https://localhost./token",
        "https://a.localhost/token",
        "https://metadata.google.internal/token",
        "https://2130706433/token",
        "https://0x7f000001/token",
        "https://0177.0.0.1/token",
        "https://127.1/token",
        "https://0/token",
        "https://192.168.257/token",
    ] {
        check_realm(realm, public, Err(Inside));
    }
    check_realm("https://8.8.8.8/token", public, Ok("https://8.8.8.8/token"));
    check_realm(
        "https://auth.example.net/token?a=b",
        public,
        Ok("https://auth.example.net/token?a=b"),
    );
    check_realm(
        "https://registry.example.com/token",
        public,
        Ok("https://registry.example.com/token"),
    );
    check_realm("http://registry.example.com/token", public, Err(Downgrade));
    check_realm(
        "http://auth.example.net/token",
        "http://registry.example.com",
        Ok("http://auth.example.net/token"),
    );
    check_realm("ftp://auth.example.net/token", public, Err(Scheme));
    check_realm("/token", public, Err(Scheme));
    check_realm("token", public, Err(Scheme));
    check_realm("", public, Err(Malformed));
    check_realm("https://user:pw@auth.example.net/token", public, Err(UserInfo));
    check_realm("https://user@auth.example.net/token", public, Err(UserInfo));
    check_realm("https://auth.example.net/token#x", public, Err(Fragment));
    check_realm("https://[fe80::1%25eth0]/token", public, Err(Host));
    check_realm("https://auth.example.net:99999/token", public, Err(Host));
    // One registry and its token server on one private address work, whatever address it is.
    check_realm(
        "http://127.0.0.1:5000/auth",
        "http://127.0.0.1:5000",
        Ok("http://127.0.0.1:5000/auth"),
    );
    check_realm("http://127.0.0.1:8080/auth", "http://127.0.0.1:5000", Err(Inside));
    check_realm(
        "http://127.0.0.1:5000/auth",
        "https://127.0.0.1:5000",
        Err(Downgrade),
    );
    check_realm(
        "https://10.0.0.1/auth",
        "https://10.0.0.1",
        Ok("https://10.0.0.1/auth"),
    );
    check_realm(
        "https://10.0.0.1:443/auth",
        "https://10.0.0.1",
        Ok("https://10.0.0.1/auth"),
    );
    check_realm(
        "http://[::1]:5000/auth",
        "http://[::1]:5000",
        Ok("http://[::1]:5000/auth"),
    );
    check_realm(
        "http://2130706433:5000/auth",
        "http://127.0.0.1:5000",
        Ok("http://127.0.0.1:5000/auth"),
    );
}

/// Where a manifest may send its readers, by the scheme of the registry that has it.
#[test]
fn downloads() {
    let check = |url: &str, secure: bool, plain: bool| {
        for (registry, want) in [
            ("https://registry.example.com", secure),
            ("http://registry.example.com", plain),
            // Neither is a registry inside a reason to go there.
            ("http://127.0.0.1:5000", plain),
        ] {
            let registry = Origin::of(&registry.parse().expect("URL")).expect("origin");
            let got = resolve_download(&registry, url, &[]);
            assert_eq!(got.is_ok(), want, "{url} from {registry}");
        }
    };
    check("https://example.net/layer", true, true);
    check("https://8.8.8.8/layer?token=a%2Fb", true, true);
    check("http://example.net/layer", false, true);
    for inside in [
        "127.0.0.1",
        "[::1]",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.0.1",
        "0.0.0.0",
    ] {
        check(&format!("https://{inside}/layer"), false, false);
        check(&format!("http://{inside}/layer"), false, false);
    }
    for nonsense in ["ftp://example.net/layer", "file:///layer", "/layer", "layer", ""] {
        check(nonsense, false, false);
    }
}

#[track_caller]
fn check_location(base: &str, location: &str, want: Result<&str, UnsafeUrlReason>) {
    let got = resolve_location(&base.parse().expect("URL"), location, &[]).map_err(|error| match error {
        crate::Error::UnsafeUrl(error) => error.reason,
        other => panic!("{other}"),
    });
    assert_eq!(
        got.map(|url| url.to_string()),
        want.map(ToOwned::to_owned),
        "{location} from {base}"
    );
}

#[test]
fn locations_are_resolved_as_references() {
    let base = "https://reg.example/v2/a/blobs/uploads/?q=1";
    check_location(
        base,
        "/v2/a/blobs/uploads/7?_state=a%2Fb==",
        Ok("https://reg.example/v2/a/blobs/uploads/7?_state=a%2Fb=="),
    );
    check_location(base, "7", Ok("https://reg.example/v2/a/blobs/uploads/7"));
    check_location(base, "../x?y", Ok("https://reg.example/v2/a/blobs/x?y"));
    check_location(base, "../../../../../../x", Ok("https://reg.example/x"));
    check_location(base, "./..", Ok("https://reg.example/v2/a/blobs/"));
    check_location(
        base,
        "?last=b",
        Ok("https://reg.example/v2/a/blobs/uploads/?last=b"),
    );
    check_location(base, "//cdn.example/x", Ok("https://cdn.example/x"));
    check_location(
        base,
        "https://CDN.example:443/x?Sig=%2b+/'",
        Ok("https://cdn.example/x?Sig=%2b+/'"),
    );
    check_location(base, "https://cdn.example?x=1", Ok("https://cdn.example/?x=1"));
    check_location("https://reg.example", "x", Ok("https://reg.example/x"));
}

#[test]
fn locations_do_not_lead_astray() {
    use UnsafeUrlReason::{Downgrade, Fragment, Inside, Malformed, Scheme, UserInfo};
    let base = "https://reg.example/v2/";
    check_location(base, "https://user:pw@reg.example/x", Err(UserInfo));
    check_location(base, "//user@reg.example/x", Err(UserInfo));
    check_location(base, "/x#y", Err(Fragment));
    check_location(base, "ftp://reg.example/x", Err(Scheme));
    check_location(base, "file:///etc/passwd", Err(Malformed));
    check_location(base, "javascript:alert(1)", Err(Scheme));
    check_location(base, "/a b", Err(Malformed));
    check_location(base, "https://evil.example\\@reg.example/", Err(Malformed));
    for inside in [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "localhost",
        "[::1]",
        "10.0.0.1",
        "[fd00::1]",
        "169.254.169.254",
        "0",
    ] {
        check_location(base, &format!("https://{inside}/x"), Err(Inside));
    }
    // TLS that ends in front of the registry.
    check_location(base, "http://reg.example/x?y=1", Ok("https://reg.example/x?y=1"));
    check_location(base, "http://reg.example:80/x", Ok("https://reg.example/x"));
    check_location(
        "https://reg.example:5000/v2/",
        "http://reg.example:5000/x",
        Ok("https://reg.example:5000/x"),
    );
    check_location(
        "https://reg.example:5000/v2/",
        "http://reg.example/x",
        Ok("https://reg.example:5000/x"),
    );
    check_location(base, "http://reg.example:8080/x", Err(Downgrade));
    check_location(base, "http://cdn.example/x", Err(Downgrade));
    check_location(
        "http://reg.example/v2/",
        "http://cdn.example/x",
        Ok("http://cdn.example/x"),
    );
    // Private registries with their storage beside them.
    check_location(
        "http://10.0.0.5:5000/v2/",
        "http://10.0.0.6:9000/x",
        Ok("http://10.0.0.6:9000/x"),
    );
    check_location(
        "http://127.0.0.1:5000/v2/",
        "http://127.0.0.1:9000/x",
        Ok("http://127.0.0.1:9000/x"),
    );
    check_location("http://10.0.0.5:5000/v2/", "http://127.0.0.1:9000/x", Err(Inside));
    check_location(
        "http://127.0.0.1:5000/v2/",
        "http://169.254.169.254/x",
        Err(Inside),
    );
    check_location(
        "http://169.254.1.1:5000/v2/",
        "http://169.254.169.254/x",
        Err(Inside),
    );
    check_location(
        "http://169.254.1.1:5000/v2/",
        "/x",
        Ok("http://169.254.1.1:5000/x"),
    );
}

#[test]
fn trust_is_in_one_origin_and_in_nothing_else() {
    use UnsafeUrlReason::{Downgrade, Inside, UserInfo};
    let trusted = [
        origin_of("https://10.0.0.6:9000"),
        origin_of("https://169.254.1.1"),
    ];
    let check = |location: &str, want: Option<UnsafeUrlReason>| {
        let base = "https://reg.example/v2/".parse().expect("URL");
        let refused = match resolve_location(&base, location, &trusted) {
            Ok(_) => None,
            Err(crate::Error::UnsafeUrl(error)) => Some(error.reason),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(refused, want, "{location}");
    };
    check("https://10.0.0.6:9000/x", None);
    check("https://0xa.6:9000/x", None);
    check("https://169.254.1.1/x", None);
    check("https://10.0.0.6/x", Some(Inside));
    check("https://10.0.0.7:9000/x", Some(Inside));
    check("https://169.254.169.254/x", Some(Inside));
    check("http://10.0.0.6:9000/x", Some(Downgrade));
    check("https://user@10.0.0.6:9000/x", Some(UserInfo));
}

fn origin_of(url: &str) -> Origin {
    Origin::of(&url.parse().expect("URL")).expect("an origin")
}

/// Where a server can put a URL of its choice, by what judges it there.
const SITES: [(&str, Judge); 4] = [
    ("realm", |base, url, trusted| {
        resolve_realm(&Origin::of(base).expect("origin"), url, trusted)
    }),
    ("redirect", |base, url, trusted| {
        resolve(base, url, Site::Redirect, trusted).map_err(|error| crate::Error::UnsafeUrl(Box::new(error)))
    }),
    ("location or link", resolve_location),
    ("location or link without its scheme", |base, url, trusted| {
        resolve_location(base, url.strip_prefix("https:").expect("https"), trusted)
    }),
];

type Judge = fn(&Uri, &str, &[Origin]) -> Result<Uri, crate::Error>;

/// Whether each site takes a URL from `base`, without and with trust in it.
#[track_caller]
fn check_sites(base: &str, url: &str, plainly: bool, trusted: bool) {
    let base = base.parse().expect("URL");
    let origin = url.parse().ok().and_then(|url: Uri| Origin::of(&url).ok());
    for (site, judge) in SITES {
        assert_eq!(
            judge(&base, url, &[]).is_ok(),
            plainly,
            "{site} {url} from {base}"
        );
        let trust: Vec<Origin> = origin.clone().into_iter().collect();
        assert_eq!(
            judge(&base, url, &trust).is_ok(),
            trusted,
            "{site} {url} from {base}, trusted"
        );
        // Trust is in one origin, and another port is another one.
        let other = origin_of("https://10.9.9.9:1");
        assert_eq!(
            judge(&base, url, &[other]).is_ok(),
            plainly,
            "{site} {url} from {base}, other trusted"
        );
    }
}

#[test]
fn all_sites_have_one_judge() {
    let public = "https://registry.example.com/v2/";
    for inside in [
        "0.0.0.0",
        "0",
        "[::]",
        "[::0]",
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "017700000001",
        "0177.0.0.1",
        "0x7f000001",
        "0x7f.0.0.1",
        "0x7F.1",
        "127.0.0.1.",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "ip6-localhost",
        "10.0.0.1",
        "10.1",
        "172.16.0.1",
        "192.168.257",
        "100.64.0.1",
        "[fc00::1]",
        "[fd12::1]",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
        "[fd00:ec2::254]",
        "[::ffff:169.254.169.254]",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.0.1",
        "198.18.0.1",
        "metadata.google.internal",
        "METADATA.google.internal.",
    ] {
        for port in ["", ":8443"] {
            check_sites(public, &format!("https://{inside}{port}/x"), false, true);
        }
    }
    // What no trust helps: there is no origin to trust.
    for nonsense in [
        "https://[fe80::1%25eth0]/x",
        "https://[fe80::1%eth0]/x",
        "https://user:pw@storage.example.com/x",
        "https://registry.example.com@127.0.0.1/x",
        "https://storage.example.com/x#y",
        "https://storage.example.com:99999/x",
        "https://127.0.0.1:0/x",
        "https:///x",
        "https://256.256.256.256/x",
        "https://localhost../x",
    ] {
        check_sites(public, nonsense, false, false);
    }
    for outside in [
        "https://storage.example.com/x",
        "https://8.8.8.8/x",
        "https://[2001:4860:4860::8888]/x",
        "https://registry.example.com:8443/x",
        // A sub-domain of somebody, and not this machine.
        "https://localhost.example.com/x",
    ] {
        check_sites(public, outside, true, true);
    }
    // A registry that is inside itself: its own origin, and nothing that is said to be infrastructure.
    check_sites("https://10.0.0.1:5000/v2/", "https://10.0.0.1:5000/x", true, true);
    check_sites(
        "https://127.0.0.1:5000/v2/",
        "https://127.0.0.1:5000/x",
        true,
        true,
    );
    check_sites(
        "https://10.0.0.1:5000/v2/",
        "https://169.254.169.254/x",
        false,
        true,
    );
}

proptest::proptest! {
    #[test]
    fn no_location_panics(location in "\\PC{0,80}") {
        let _ = resolve_location(&"https://reg.example/v2/a".parse().expect("URL"), &location, &[]);
    }

    #[test]
    fn what_passes_is_of_a_public_or_the_same_origin(location in "(https?:)?//?[a-z0-9.@:\\[\\]%/?#-]{0,30}") {
        let base: Uri = "https://reg.example/v2/a".parse().expect("URL");
        if let Ok(url) = resolve_location(&base, &location, &[]) {
            let origin = Origin::of(&url).expect("judged URLs have origins");
            proptest::prop_assert!(origin.is_secure());
            proptest::prop_assert_eq!(origin.reach(), Reach::Public);
        }
    }
}
