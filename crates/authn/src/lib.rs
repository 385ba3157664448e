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
//! | [`Explanation`] | why that is the answer | none |
//! | [`Anonymous`], [`Basic`], [`Bearer`] | answers known beforehand | the same names |
//! | [`AnonymousKeychain`], [`StaticKeychain`], [`EnvironmentKeychain`] | questions answered by the program | none |
//! | [`MultiKeychain`], [`RefreshingKeychain`] | several keychains, one asked again | `authn.NewMultiKeychain`, `authn.RefreshingKeychain` |
//! | [`DefaultKeychain`], [`Environment`] | what docker, podman and CI systems leave behind | `authn.DefaultKeychain` |
//! | [`DockerConfig`] | one of the files they leave | none |
//! | [`GithubKeychain`] | the token of a GitHub workflow | `github.Keychain` |
//! | [`PullSecrets`] | what Kubernetes has for pods | `kubernetes.NewFromPullSecrets` |
//! | [`HelperKeychain`], [`Helpers`] | programs that keep credentials elsewhere | `authn.NewKeychainFromHelper` |
//! | [`ConfigEditor`], [`ConfigDocument`] | login and logout | `crane auth login` |
//!
//! # Where credentials come from
//!
//! [`DefaultKeychain`] asks these in order, and goes on where there is nothing *for the resource*:
//!
//! | Source | Where |
//! |---|---|
//! | containers' file by name | `REGISTRY_AUTH_FILE` |
//! | the text of a file | `DOCKER_AUTH_CONFIG` |
//! | docker's file | `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json` |
//! | podman's file of the session | `$XDG_RUNTIME_DIR/containers/auth.json`, else, on Linux, `/run/containers/<uid>/auth.json` |
//! | podman's file that stays | `$XDG_CONFIG_HOME/containers/auth.json`, else `~/.config/containers/auth.json` |
//!
//! In each of them the helper in `credHelpers`, else `credsStore`, and then `auths`, longest path first.
//! A program that wants GitHub's token, pull secrets or its own variables too puts those keychains into a
//! [`MultiKeychain`], before this one if they are to win.
//!
//! Each file in detail, helpers, clusters, what an [`Explanation`] says, and every difference from Go's `authn` with its
//! reason: "Where credentials come from", `docs/credentials.md`.
//!
//! A stale credential is an error here. To go on without any after a refusal is a decision about requests, made by
//! who sends them; [`Authenticator::rejected`] is how an authenticator learns of refusals.
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
#[cfg(doctest)]
mod guide;
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
pub use program::{HelperFault, HelperKeychain, HelperVerb, Helpers};
pub use refreshing::RefreshingKeychain;
pub use resource::Resource;
pub use secret::Secret;
pub use variables::EnvironmentKeychain;
