//! Servers lead nobody further inside a network than they are themselves.

use super::origins::{Way, led_astray};
use super::{KINDS, REGISTRY, TOKENS, origin};

/// Ways to write an address that is not for a registry to choose.
const INSIDE: [&str; 32] = [
    "127.0.0.1",
    "127.0.0.1:8443",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "0",
    "0.0.0.0",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::127.0.0.1]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fd00:ec2::254]",
    "10.0.0.1",
    "10.1",
    "192.168.1.1",
    "172.16.0.1",
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "100.64.0.1",
    "localhost",
    "LocalHost.",
    "a.localhost",
    "metadata.google.internal",
];

#[tokio::test]
async fn however_it_is_written_the_inside_is_not_contacted() {
    let outside = "https://other.example/latest";
    for way in [Way::Redirect(307), Way::Realm] {
        let asked = led_astray(&KINDS[1], way, outside).await;
        assert!(
            asked.iter().any(|asked| asked.host() == "other.example"),
            "or this proves nothing"
        );
    }
    for host in INSIDE {
        for scheme in ["https", "http"] {
            let target = format!("{scheme}://{host}/latest");
            for kind in &KINDS {
                for way in [
                    Way::Redirect(307),
                    Way::TokenServer(307),
                    Way::Location,
                    Way::Realm,
                ] {
                    for asked in led_astray(kind, way, &target).await {
                        let place = origin(&asked.uri);
                        assert!(
                            place == REGISTRY || place == TOKENS,
                            "{}, {way:?} to {target}: {place} was asked",
                            kind.name
                        );
                    }
                }
            }
        }
    }
}
