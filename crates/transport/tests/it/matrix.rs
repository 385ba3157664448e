//! Every kind of secret against every way to another origin: it arrives where it was made for, and nowhere else.

use futures_util::future::BoxFuture;
use http::{Request, Response, Uri};
use wharf_authn::{Authenticator, Basic, Bearer, Credential, Error as AuthnError, Keychain};
use wharf_transport::origin::{Origin, resolve_location};
use wharf_transport::retry::RetryOptions;
use wharf_transport::{Actions, Body, RegistryContext, Scope};

use crate::fake::{Asked, Net, challenge, keychain, pull, redirect, repository, respond, send};

const REGISTRY: &str = "https://registry.example";
const TOKENS: &str = "https://auth.registry.example";

/// The secrets there are, by how they look on the wire.
const SECRETS: [(&str, &str); 5] = [
    ("password", "secret-password"),
    // `user:secret-password`
    ("password", "dXNlcjpzZWNyZXQtcGFzc3dvcmQ="),
    ("token", "secret-token"),
    ("refresh token", "secret-identity"),
    ("registry token", "secret-ready"),
];

#[derive(Debug)]
struct Identity;

impl Authenticator for Identity {
    fn credential(&self) -> BoxFuture<'_, Result<Credential, AuthnError>> {
        Box::pin(async { Ok(Credential::identity_token("secret-identity")) })
    }
}

/// A kind of credential, how its registry challenges, and which secret may be seen where.
struct Kind {
    name: &'static str,
    challenge: &'static str,
    keychain: fn() -> Box<dyn Keychain>,
    may_be_at: &'static [(&'static str, &'static str)],
}

const BEARER: &str = r#"Bearer realm="https://auth.registry.example/token",service="svc""#;

const KINDS: [Kind; 4] = [
    Kind {
        name: "Basic",
        challenge: "Basic realm=x",
        keychain: || Box::new(keychain(Basic::new("user", "secret-password"))),
        may_be_at: &[("password", REGISTRY)],
    },
    Kind {
        name: "Bearer",
        challenge: BEARER,
        keychain: || Box::new(keychain(Basic::new("user", "secret-password"))),
        may_be_at: &[("password", TOKENS), ("token", REGISTRY)],
    },
    Kind {
        name: "refresh token",
        challenge: BEARER,
        keychain: || Box::new(keychain(Identity)),
        may_be_at: &[("refresh token", TOKENS), ("token", REGISTRY)],
    },
    Kind {
        name: "registry token",
        challenge: BEARER,
        keychain: || Box::new(keychain(Bearer::new("secret-ready"))),
        may_be_at: &[("registry token", REGISTRY)],
    },
];

/// How a request is led to another URL.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// The registry redirects with this status.
    Redirect(u16),
    /// The token server does.
    TokenServer(u16),
    /// The registry names it as the place of an upload, or as the next page.
    Location,
    /// The registry names it as its token server.
    Realm,
}

const WAYS: [Way; 12] = [
    Way::Redirect(301),
    Way::Redirect(302),
    Way::Redirect(303),
    Way::Redirect(307),
    Way::Redirect(308),
    Way::TokenServer(301),
    Way::TokenServer(302),
    Way::TokenServer(303),
    Way::TokenServer(307),
    Way::TokenServer(308),
    Way::Location,
    Way::Realm,
];

fn origin(url: &Uri) -> String {
    Origin::of(url)
        .expect("what is requested has an origin")
        .to_string()
}

/// The registry, its token server, and everybody else, who answer whatever is asked as if they were either.
fn net(kind: &'static Kind, way: Way, target: String) -> Net {
    let answer = move |asked: &Asked| -> Response<Body> {
        let at_target = asked.uri.to_string() == target;
        let token = respond(200, r#"{"token":"secret-token","expires_in":300}"#);
        match (origin(&asked.uri).as_str(), way) {
            (TOKENS, Way::TokenServer(status)) if !at_target => redirect(status, &target),
            (TOKENS, _) => token,
            (REGISTRY, Way::Realm) if asked.authorization().is_none() => {
                let realm = format!(r#"Bearer realm="{target}",service="svc""#);
                challenge(if kind.challenge == BEARER {
                    &realm
                } else {
                    kind.challenge
                })
            }
            (REGISTRY, _) if asked.authorization().is_none() => challenge(kind.challenge),
            (REGISTRY, Way::Redirect(status)) if !at_target => redirect(status, &target),
            (REGISTRY, _) => respond(200, ""),
            // A target that wants to be authenticated to.
            (_, Way::Redirect(_) | Way::Location) => challenge(kind.challenge),
            (_, Way::TokenServer(_) | Way::Realm) => token,
        }
    };
    Net::new(answer)
}

/// What was asked after a request was led to `target`.
async fn led_astray(kind: &'static Kind, way: Way, target: &str) -> Vec<Asked> {
    let net = net(kind, way, target.to_owned());
    let builder = net.builder((kind.keychain)()).retry(RetryOptions::never());
    let transport = builder.build().expect("settings are valid");
    let _ = send(&transport, pull("app")).await;
    if let Way::Location = way {
        let base = format!("{REGISTRY}/v2/app/blobs/uploads/").parse().expect("URL");
        if let Ok(url) = resolve_location(&base, target, &[]) {
            let repository = repository("app");
            let context =
                RegistryContext::of(&repository).with_scope(Scope::repository(&repository, Actions::Push));
            for method in ["PATCH", "PUT", "GET"] {
                let request = Request::builder()
                    .method(method)
                    .uri(url.clone())
                    .extension(context.clone())
                    .body(Body::full("asdf"))
                    .expect("parts are valid");
                let _ = send(&transport, request).await;
            }
        }
    }
    net.asked()
}

/// The names of the secrets in a request.
fn secrets(asked: &Asked) -> Vec<&'static str> {
    let mut all = asked.uri.to_string();
    for value in asked.headers.values() {
        all.push_str(&String::from_utf8_lossy(value.as_bytes()));
    }
    if let Ok(body) = &asked.body {
        all.push_str(&String::from_utf8_lossy(body));
    }
    SECRETS
        .iter()
        .filter(|(_, text)| all.contains(text))
        .map(|(name, _)| *name)
        .collect()
}

/// Checks that each secret is only where it may be; gives the secrets that were at the target.
#[track_caller]
fn check(kind: &Kind, way: Way, target: &str, asked: &[Asked]) -> usize {
    let mut at_target = 0;
    for asked in asked {
        let place = origin(&asked.uri);
        for secret in secrets(asked) {
            assert!(
                kind.may_be_at.contains(&(secret, place.as_str())),
                "{}, {way:?} to {target}: {secret} at {place}",
                kind.name
            );
            at_target += usize::from(asked.uri.to_string().split('?').next() == Some(target));
        }
    }
    at_target
}

#[tokio::test]
async fn secrets_stay_with_their_origin() {
    for kind in &KINDS {
        for way in WAYS {
            for target in [
                "https://registry.example:8443/x",
                "https://other.example/x",
                "https://sub.registry.example/x",
                "https://sub.auth.registry.example/x",
                "https://registry.example.evil.example/x",
                "https://auth.registry.example:8443/x",
                "http://registry.example/x",
                "http://registry.example:443/x",
                "http://auth.registry.example/x",
                "http://other.example/x",
            ] {
                // A realm on another host of the public internet is allowed by the protocol for passwords, and
                // one of the same site for refresh tokens: the registry is believed there.
                if let (Way::Realm, true) = (way, target.starts_with("https")) {
                    continue;
                }
                let asked = led_astray(kind, way, target).await;
                assert_eq!(check(kind, way, target, &asked), 0);
            }
        }
    }
}

#[tokio::test]
async fn secrets_go_where_they_were_made_for() {
    for kind in &KINDS {
        let needs_tokens = kind.may_be_at.iter().any(|(_, place)| *place == TOKENS);
        for way in WAYS {
            let target = match way {
                Way::Redirect(_) | Way::Location => "https://registry.example/v2/app/y",
                // Redirects that repeat a form as a GET have nothing to show but what is in the header.
                Way::TokenServer(301..=303) if kind.name == "refresh token" => continue,
                Way::TokenServer(_) | Way::Realm if needs_tokens => "https://auth.registry.example/other",
                Way::TokenServer(_) | Way::Realm => continue,
            };
            let asked = led_astray(kind, way, target).await;
            let arrived = check(kind, way, target, &asked);
            assert!(
                arrived > 0,
                "{}, {way:?}: nothing arrived, or this proves nothing",
                kind.name
            );
        }
    }
}

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
