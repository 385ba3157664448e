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
//! | [`Helpers`] | programs that keep credentials elsewhere | `authn.NewKeychainFromHelper` |
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
//! | podman's file of the session | `$XDG_RUNTIME_DIR/containers/auth.json` |
//! | podman's file that stays | `$XDG_CONFIG_HOME/containers/auth.json`, else `~/.config/containers/auth.json` |
//!
//! In each of them the helper in `credHelpers`, else `credsStore`, and then `auths`, longest path first.
//! A program that wants GitHub's token, pull secrets or its own variables too puts those keychains into a
//! [`MultiKeychain`], before this one if they are to win.
//!
//! # Other than in Go's `authn`
//!
//! | There | Here | Why |
//! |---|---|---|
//! | one file is read, the first that exists | all, until one has an entry | docker's file often has settings only |
//! | `DOCKER_AUTH_CONFIG` needs a file beside it, and is ignored if damaged | needs none; damage is an error | nobody should push anonymously because of a typing error |
//! | a sibling's credentials, chosen at random, where only those are there | none | they are for somebody else |
//! | Docker Hub is one spelling | all its names and API paths, in `auths` and `credHelpers` | podman writes `docker.io` |
//! | a bad entry breaks the file, for all | only where it is the one needed | |
//! | helpers run for the repository and again for the registry, one by one, without end | for the registry; side by side, once for all who ask; killed when they hang | |
//! | a helper's "not found" is final, its failure too | `auths` and the next files are asked; a failure counts if they have nothing | |
//! | `NewKeychainFromHelper` takes any failure for "anonymous" | a failure is a failure | |
//! | `auth` is always written, `Og==` for nothing | what is there, no more | docker reads it as a user without name |
//! | pull secrets match paths by characters, first match only | by segments; the next is tried when one is refused | as the kubelet does |
//! | a keychain's failure ends the search | as [`OnFailure`] says for each; by default the same | |
//!
//! Kept as it is there: a stale credential is an error. To go on without any after a refusal is a decision
//! about requests (for reading only, and visibly), and not made here; [`Authenticator::rejected`] is how an
//! authenticator learns of refusals. [`ConfigEditor`] does not ask the registry either.
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
