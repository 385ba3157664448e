//! Redirects, there and back.

use super::{KINDS, is_home, net, origin, secrets};
use crate::fake::{Asked, challenge, pull, redirect, send};

#[tokio::test]
async fn a_target_that_challenges_gets_nothing() {
    for header in [
        r#"Bearer realm="https://auth.other.example/token",service="registry.example",scope="repository:app:pull""#,
        r#"Bearer realm="https://auth.registry.example/token",service="registry.example""#,
        "Basic realm=x",
    ] {
        for kind in &KINDS {
            let net = net(kind, move |asked| match (is_home(asked), asked.authorization()) {
                (false, _) => Some(challenge(header)),
                (true, Some(_)) if asked.host() == "registry.example" => {
                    Some(redirect(307, "https://other.example/blob"))
                }
                _ => None,
            });
            let error = send(&net.transport((kind.keychain)()), pull("app")).await;
            assert!(error.expect_err(kind.name).is_unauthorized());
            let asked = net.asked();
            assert!(
                asked.iter().any(|asked| !secrets(asked).is_empty()),
                "or this proves nothing"
            );
            let abroad: Vec<_> = asked.iter().filter(|asked| !is_home(asked)).collect();
            assert_eq!(
                abroad.len(),
                1,
                "{}: the target is asked once, its token server never",
                kind.name
            );
            assert_eq!(secrets(abroad[0]), [""; 0], "{}", kind.name);
        }
    }
}

/// Whether a request went to this path of the registry.
fn is_at(asked: &Asked, path: &str) -> bool {
    origin(&asked.uri) == super::REGISTRY && asked.uri.path() == path
}

#[tokio::test]
async fn a_redirect_that_leads_back_brings_no_secret_back() {
    for kind in &KINDS {
        let net = net(kind, |asked| match (is_home(asked), asked.uri.path()) {
            (true, "/v2/app/x") if asked.authorization().is_some() => {
                Some(redirect(307, "https://other.example/bounce"))
            }
            (false, _) => Some(redirect(307, "https://registry.example/v2/private/x")),
            _ => None,
        });
        let error = send(&net.transport((kind.keychain)()), pull("app")).await;
        assert!(error.expect_err(kind.name).is_unauthorized());
        let asked = net.asked();
        let back: Vec<_> = asked
            .iter()
            .filter(|asked| is_at(asked, "/v2/private/x"))
            .collect();
        assert_eq!(back.len(), 1, "{}", kind.name);
        assert_eq!(secrets(back[0]), [""; 0], "{}", kind.name);
    }
}

#[tokio::test]
async fn redirects_within_the_registry_keep_the_secret() {
    for kind in &KINDS {
        let net = net(kind, |asked| {
            let is_first = is_at(asked, "/v2/app/x") && asked.authorization().is_some();
            is_first.then(|| redirect(307, "/v2/app/y"))
        });
        let status = send(&net.transport((kind.keychain)()), pull("app")).await;
        assert_eq!(status.expect(kind.name), 200);
        let asked = net.asked();
        let second: Vec<_> = asked.iter().filter(|asked| is_at(asked, "/v2/app/y")).collect();
        assert_eq!(second.len(), 1, "{}", kind.name);
        assert_eq!(secrets(second[0]).len(), 1, "{}", kind.name);
    }
}
