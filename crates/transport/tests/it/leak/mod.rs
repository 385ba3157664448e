//! Secrets arrive where they were made for, and nowhere else.

mod inside;
mod origins;
mod redirects;

use futures_util::future::BoxFuture;
use http::{Response, Uri};
use wharf_authn::{Authenticator, Basic, Bearer, Credential, Error as AuthnError, Keychain};
use wharf_transport::Body;
use wharf_transport::origin::Origin;

use crate::fake::{Asked, Net, challenge, keychain, respond};

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

fn origin(url: &Uri) -> String {
    Origin::of(url)
        .expect("what is requested has an origin")
        .to_string()
}

/// The registry, its token server, and everybody else, who want to be authenticated to like the registry. What `astray`
/// says goes first.
fn net(
    kind: &'static Kind,
    astray: impl Fn(&Asked) -> Option<Response<Body>> + Send + Sync + 'static,
) -> Net {
    Net::new(move |asked| {
        astray(asked).unwrap_or_else(|| match origin(&asked.uri).as_str() {
            TOKENS => token(),
            REGISTRY if asked.authorization().is_some() => respond(200, ""),
            _ => challenge(kind.challenge),
        })
    })
}

fn token() -> Response<Body> {
    respond(200, r#"{"token":"secret-token","expires_in":300}"#)
}

/// Whether a request went to the registry or its token server.
fn is_home(asked: &Asked) -> bool {
    [REGISTRY, TOKENS].contains(&origin(&asked.uri).as_str())
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
