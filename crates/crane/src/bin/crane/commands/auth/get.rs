//! `crane auth get`.

use wharf::authn::{Credential, DefaultKeychain, Keychain as _, Resource};
use wharf_crane::Error;

use crate::context::Context;
use crate::failure::Failure;
use crate::{json, stdin};

/// What credential helpers say that have nothing.
const NOT_FOUND: &str = "credentials not found in native keychain";
/// The user of a credential that is an identity token.
const TOKEN: &str = "<token>";

/// Implement a credential helper: print the credential for a registry
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The registry [default: read from standard input]
    registry: Option<String>,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let text = match args.registry {
        Some(text) => text,
        None => stdin::text().await?,
    };
    let registry = context.registry(text.trim())?;
    let keychain = DefaultKeychain::from_env();
    let found = keychain.resolve(&Resource::from(&registry)).await;
    let credential = match found {
        Ok(found) => found.credential().await,
        Err(error) => Err(error),
    };
    let (username, secret) = match credential.map_err(Error::from)? {
        Credential::Basic { username, password } => (username, password),
        Credential::IdentityToken { token, .. } => (TOKEN.to_owned(), token),
        // A helper's answer has no place for a token that is shown to the registry as it is.
        _ => {
            context.out.line(NOT_FOUND).await?;
            return Err(Failure::Reported);
        }
    };
    let (username, secret) = (
        json::compact(&username.into()),
        json::compact(&secret.expose().into()),
    );
    let answer = format!(r#"{{"Username":{username},"Secret":{secret}}}"#);
    context.out.line(answer).await
}
