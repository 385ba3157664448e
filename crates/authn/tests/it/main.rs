//! Keychains and what they answer.

mod combining;
mod contract;
mod default;
mod docker;
mod explaining;
mod kubernetes;
mod login;
#[cfg(all(feature = "helper", unix))]
mod programs;
mod refreshing;
mod skopeo;
#[cfg(target_os = "linux")]
mod traces;
mod variables;

use wharf_authn::{Authenticator, Credential, Error, Keychain, Resource};
use wharf_name::Repository;

/// A registry for texts without a slash, else a repository.
fn resource(text: &str) -> Resource {
    match text.contains('/') {
        true => Resource::from(&text.parse::<Repository>().expect("a repository")),
        false => Resource::new(text.parse().expect("a registry")),
    }
}

/// What `keychain` has for `text`.
async fn ask(keychain: &dyn Keychain, text: &str) -> Result<Credential, Error> {
    let found = keychain.resolve(&resource(text)).await?;
    let credential = found.credential().await?;
    assert_eq!(found.is_anonymous(), credential.is_anonymous());
    Ok(credential)
}

/// An error and its causes, as a program prints them.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
