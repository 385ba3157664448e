//! What travels with a request besides HTTP: typed [extensions](http::Extensions).

use std::sync::Arc;

use http::{HeaderName, StatusCode, Uri};
use wharf_name::{Registry, Repository};

use crate::Scope;
use crate::origin::Origin;

/// For which registry and repository a request is made, and what a token for it has to allow.
///
/// Credentials are looked up for, and bound to, this registry. A request without this extension never gets any.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RegistryContext {
    /// The registry.
    pub registry: Registry,
    /// The repository, unless the request is for the registry as a whole.
    pub repository: Option<Repository>,
    /// What a token has to allow, the most important first.
    pub scopes: Vec<Scope>,
}

impl RegistryContext {
    /// A request for a registry as a whole.
    #[must_use]
    pub fn new(registry: Registry) -> Self {
        Self {
            registry,
            repository: None,
            scopes: Vec::new(),
        }
    }

    /// A request for a repository.
    #[must_use]
    pub fn of(repository: &Repository) -> Self {
        let registry = repository.registry().clone();
        Self {
            registry,
            repository: Some(repository.clone()),
            scopes: Vec::new(),
        }
    }

    /// Adds what a token has to allow.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        Scope::merge_into(&mut self.scopes, &scope);
        self
    }
}

/// The statuses that the caller of a request handles; any other becomes an
/// [`Error::Registry`](crate::Error::Registry). Without this extension these are 200 to 299.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a list of statuses is all there will be"
)]
pub struct Accepted(pub &'static [StatusCode]);

/// Marks a request that must be sent at most once, because its caller repeats whole operations itself.
///
/// An authentication handshake may still send it a second time, as the registry has not taken the first.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a mark")]
pub struct NeverRetry;

/// On a request: when it has to have been answered, its retries included; no wait begins that would end later.
/// [`DeadlineLayer`](crate::deadline::DeadlineLayer) sets it, and ends what takes longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "a time")]
pub struct Deadline(pub tokio::time::Instant);

/// Marks a request whose bodies must not be logged, and says why.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a reason is all there will be")]
pub struct RedactReason(pub &'static str);

/// On a response: how often the request was sent, `1` if it was not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a number")]
pub struct Attempts(pub u32);

/// On a response: the URL that answered, after the choice of the scheme and after redirects. Relative `Location` and
/// `Link` headers of the response are relative to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a URL")]
pub struct AnsweredBy(pub Uri);

/// On a request: the URL was chosen by this server, by a redirect or a challenge, and not by the user. The connection
/// then leads to no address that is further inside a network than the server itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an origin is all there will be")]
pub struct ChosenBy(pub Origin);

/// On a request: it tries out whether its registry speaks TLS, so a connection that fails is an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe;

/// On a request: it goes where a redirect pointed to, at another origin than the request before. It never gets
/// credentials, not even when redirects lead back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeftOrigin;

/// On a request: names of headers that are for its origin only, and do not go where redirects lead to.
#[derive(Clone, Debug)]
pub(crate) struct OriginHeaders(pub(crate) Arc<[HeaderName]>);

/// On a response that refuses a request: where credentials were looked for.
#[derive(Clone, Debug)]
pub(crate) struct LookedFor(pub(crate) wharf_authn::Explanation);

/// On a response: what the registry says is wrong with the authorization.
#[derive(Clone, Debug)]
pub(crate) struct ChallengeError(pub(crate) String);
