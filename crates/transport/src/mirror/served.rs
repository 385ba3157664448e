use std::fmt;
use std::sync::Arc;

use http::StatusCode;
use wharf_name::Registry;

use crate::Error;

/// On a response for which there is a [`Rule`](super::Rule): which server it is from, and why not from one before it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServedBy {
    /// The server.
    pub registry: Registry,
    /// What it is in the rule.
    pub role: Role,
    /// What happened before, in order. A server that was asked twice is in it twice.
    pub failures: Arc<[EndpointFailure]>,
}

/// What a server is in a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// One of the mirrors.
    Mirror,
    /// What is asked last: the registry itself, or what is set in place of it.
    Upstream,
}

/// A server that did not have what was asked for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EndpointFailure {
    /// The server.
    pub registry: Registry,
    /// What was wrong.
    pub reason: FailureReason,
}

impl fmt::Display for EndpointFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.registry, self.reason)
    }
}

/// What was wrong with an endpoint.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FailureReason {
    /// It answered with this status.
    Status(StatusCode),
    /// It answered well, but with a page for people.
    WebPage,
    /// It answered well, but with something that is no JSON object, as all manifests are.
    NotAManifest,
    /// It answered well, but says itself that the content has another digest than the one that was asked for.
    OtherDigest,
    /// There is no such repository name at the endpoint: the name as a whole is the rule's prefix.
    NoName,
    /// It gave no answer, or no credentials for it could be had.
    Failed(Arc<Error>),
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::WebPage => f.write_str("a web page"),
            Self::NotAManifest => f.write_str("not a manifest"),
            Self::OtherDigest => f.write_str("another digest"),
            Self::NoName => f.write_str("no name for it there"),
            Self::Failed(error) => {
                write!(f, "{error}")?;
                let mut next = std::error::Error::source(error.as_ref());
                while let Some(error) = next {
                    write!(f, ": {error}")?;
                    next = error.source();
                }
                Ok(())
            }
        }
    }
}
