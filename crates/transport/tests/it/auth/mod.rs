//! The authentication handshake, through the whole stack.

mod bodies;
mod challenge;
mod exchange;
mod refusal;
mod rejected;
mod tokens;

use futures_util::future::BoxFuture;
use http::Response;
use wharf_authn::{Authenticator, Basic, Credential, Error as AuthnError, Keychain};
use wharf_transport::Body;

use crate::fake::{Asked, Net, challenge, keychain, respond};

pub(crate) const ALICE: &str = "Basic YWxpY2U6d29uZGVybGFuZA==";

/// What messages say of where hers comes from.
pub(crate) const OF_ALICE: &str = r#" (credentials from StaticKeychain: used: a password of user "alice")"#;

pub(crate) fn alice() -> impl Keychain {
    keychain(Basic::new("alice", "wonderland"))
}

/// An identity token, as `docker login` stores it at some registries.
#[derive(Debug)]
pub(crate) struct Identity(pub(crate) Option<&'static str>);

impl Authenticator for Identity {
    fn credential(&self) -> BoxFuture<'_, Result<Credential, AuthnError>> {
        let username = self.0.map(ToOwned::to_owned);
        Box::pin(async {
            Ok(Credential::IdentityToken {
                username,
                token: "original".into(),
            })
        })
    }
}

pub(crate) const BEARER: &str = r#"Bearer realm="https://auth.registry.example/token",service="svc""#;

/// A registry that wants a token whose text is `token`, and a token server that gives them out.
pub(crate) fn bearer(token: impl Fn(&Asked) -> Response<Body> + Send + Sync + 'static) -> Net {
    Net::new(move |asked| match asked.host() {
        "auth.registry.example" => token(asked),
        _ if asked
            .authorization()
            .is_some_and(|header| header.starts_with("Bearer good")) =>
        {
            respond(200, "content")
        }
        _ => challenge(BEARER),
    })
}

pub(crate) fn good() -> Response<Body> {
    respond(200, r#"{"token":"good","expires_in":300}"#)
}
