//! URLs that a server chose: what gets through is no downgrade, names no user, and leads to no place inside.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use http::Uri;
use libfuzzer_sys::fuzz_target;
use wharf_transport::origin::{Origin, resolve_location, resolve_realm};

fuzz_target!(|text: &str| {
    let base = Uri::from_static("https://registry.example.com/v2/app/blobs/uploads/1?state=x");
    let registry = Origin::of(&base).expect("a URL of ours");

    if let Ok(url) = resolve_location(&base, text, &[]) {
        check(&url, &registry);
        let again = resolve_location(&base, &url.to_string(), &[]).expect("what was allowed stays allowed");
        assert_eq!(again, url, "{text:?}");
    }
    if let Ok(url) = resolve_realm(&registry, text, &[]) {
        check(&url, &registry);
    }
});

fn check(url: &Uri, registry: &Origin) {
    assert_eq!(url.scheme_str(), Some("https"), "{url}");
    let authority = url.authority().expect("an absolute URL").as_str();
    assert!(!authority.contains('@'), "{url}");
    if Origin::of(url).expect("what was allowed has an origin") == *registry {
        return;
    }
    let host = url
        .host()
        .expect("an absolute URL")
        .trim_matches(['[', ']'])
        .trim_end_matches('.');
    assert!(!host.eq_ignore_ascii_case("localhost"), "{url}");
    // `inet_aton` takes more spellings than `parse`: a host of digits, dots and `0x` only has to be a usual address.
    let parsed = host.parse::<IpAddr>();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    assert!(parsed.is_ok() || !host.split('.').all(is_number), "{url}");
    match parsed {
        Ok(IpAddr::V4(address)) => assert!(is_outside(address), "{url}"),
        Ok(IpAddr::V6(address)) => {
            assert!(
                !address.is_loopback() && !address.is_unspecified() && !address.is_unique_local(),
                "{url}"
            );
            assert!(!address.is_unicast_link_local(), "{url}");
            assert!(address.to_ipv4_mapped().is_none_or(is_outside), "{url}");
        }
        Err(_) => {}
    }
}

fn is_outside(address: Ipv4Addr) -> bool {
    !(address.is_loopback() || address.is_private() || address.is_link_local() || address.is_unspecified())
}
