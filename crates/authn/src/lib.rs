//! Credentials for registries: who is asking, and with what secret.
//!
//! A [`Keychain`] knows which credentials are for which registry; an [`Authenticator`] hands one out each
//! time it is needed. Nothing here talks HTTP: what a credential turns into on the wire is the business of
//! `wharf-transport`.
//!
//! ```
//! use wharf_authn::{Authenticator, Basic, Credential, Keychain, MultiKeychain, Resource, StaticKeychain};
//! use wharf_name::{Reference, Registry};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let registry: Registry = "registry.example.com".parse()?;
//! let keychain = MultiKeychain::default()
//!     .with(StaticKeychain::new(registry, Basic::new("alice", "wonderland")));
//!
//! let image: Reference = "registry.example.com/team/app:v1".parse()?;
//! let authenticator = keychain.resolve(&Resource::from(&image)).await?;
//! let Credential::Basic { username, password } = authenticator.credential().await? else { unreachable!() };
//! assert_eq!((username.as_str(), password.expose()), ("alice", "wonderland"));
//! assert_eq!(format!("{password:?}"), "****");
//!
//! // Nobody else gets it.
//! let other: Reference = "evil.example.com/team/app:v1".parse()?;
//! assert!(keychain.resolve(&Resource::from(&other)).await?.is_anonymous());
//! # Ok(())
//! # }
//! ```
//!
//! # Parts
//!
//! | Part | What it is | Go ancestor |
//! |---|---|---|
//! | [`Keychain`], [`Resource`] | the question: what is there for this repository? | `authn.Keychain`, `authn.Resource` |
//! | [`Authenticator`], [`Credential`], [`Secret`] | the answer | `authn.Authenticator`, `authn.AuthConfig` |
//! | [`Anonymous`], [`Basic`], [`Bearer`] | answers known beforehand | the same names |
//! | [`AnonymousKeychain`], [`StaticKeychain`], [`MultiKeychain`] | questions answered in code | `authn.NewMultiKeychain` |
//! | [`DefaultKeychain`], [`Environment`] | what docker, podman and CI systems leave behind | `authn.DefaultKeychain` |
//! | [`DockerConfig`] | one of the files they leave | none |
//! | [`Helpers`] | programs that keep credentials elsewhere | `authn.NewKeychainFromHelper` |
//!
//! # Features
//!
//! | Feature | Default | Adds |
//! |---|---|---|
//! | `helper` | no | runs credential helpers, on tokio. Without it, a registry that has one configured is an error |

mod authenticator;
mod blocking;
mod credential;
mod default;
mod docker;
mod env;
mod error;
mod explanation;
mod fixed;
mod flight;
mod github;
mod json;
mod keychain;
mod kubernetes;
mod login;
mod multi;
mod program;
mod refreshing;
mod resource;
mod secret;
mod variables;

pub use authenticator::Authenticator;
pub use credential::{Credential, CredentialId, CredentialKind};
pub use default::DefaultKeychain;
pub use docker::DockerConfig;
pub use env::Environment;
pub use error::{ConfigSource, EntryFault, Error, JsonFault, VariableFault};
pub use explanation::{Absence, Explanation, Finding, Found, Step};
pub use fixed::{Anonymous, Basic, Bearer};
pub use github::GithubKeychain;
pub use keychain::{AnonymousKeychain, Keychain, StaticKeychain};
pub use kubernetes::PullSecrets;
pub use login::{ConfigDocument, ConfigEditor, StoreFault, Stored};
pub use multi::{MultiKeychain, OnFailure};
pub use program::{HelperFault, HelperVerb, Helpers};
pub use refreshing::RefreshingKeychain;
pub use resource::Resource;
pub use secret::Secret;
pub use variables::EnvironmentKeychain;
