//! Every kind of secret against every way to another origin.

use http::{Request, Response};
use wharf_transport::origin::resolve_location;
use wharf_transport::retry::RetryOptions;
use wharf_transport::{Actions, Body, RegistryContext, Scope};

use super::{BEARER, KINDS, Kind, REGISTRY, TOKENS, is_home, net, origin, secrets, token};
use crate::fake::{Asked, challenge, pull, redirect, repository, send};

/// How a request is led to another URL.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
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

impl Way {
    /// What the servers answer that lead to `target`. Whoever is there answers as a token server if one is asked for.
    fn leading(
        self,
        kind: &'static Kind,
        target: String,
    ) -> impl Fn(&Asked) -> Option<Response<Body>> + Send + Sync + 'static {
        move |asked| {
            let at_target = asked.uri.to_string() == target;
            let is_known = asked.authorization().is_some();
            match (origin(&asked.uri).as_str(), self) {
                (TOKENS, Self::TokenServer(status)) if !at_target => Some(redirect(status, &target)),
                (REGISTRY, Self::Redirect(status)) if is_known && !at_target => {
                    Some(redirect(status, &target))
                }
                (REGISTRY, Self::Realm) if !is_known && kind.challenge == BEARER => {
                    Some(challenge(&format!(r#"Bearer realm="{target}",service="svc""#)))
                }
                (TOKENS | REGISTRY, _) | (_, Self::Redirect(_) | Self::Location) => None,
                (_, Self::TokenServer(_) | Self::Realm) => Some(token()),
            }
        }
    }
}

/// What was asked after a request was led to `target`.
pub(super) async fn led_astray(kind: &'static Kind, way: Way, target: &str) -> Vec<Asked> {
    let net = net(kind, way.leading(kind, target.to_owned()));
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
                let plain = asked.iter().find(|asked| asked.uri.scheme_str() == Some("http"));
                assert!(plain.is_none(), "{}, {way:?} to {target}", kind.name);
                if let (Way::Redirect(_), true) = (way, target.starts_with("https")) {
                    // The target wants credentials too, and is not even asked how.
                    let abroad = asked.iter().filter(|asked| !is_home(asked)).count();
                    assert_eq!(abroad, 1, "{}, {way:?} to {target}", kind.name);
                }
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
