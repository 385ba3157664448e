//! Places in registries as configuration files write them.

use wharf_name::{ParseError, Registry};

/// A prefix of names, or a place where they are, that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a place in a registry")]
#[non_exhaustive]
pub struct InvalidLocation {
    /// The text; of a URL with a password only its host.
    pub text: String,
    /// What is wrong with it.
    #[source]
    pub reason: LocationProblem,
}

/// What is wrong with an [`InvalidLocation`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocationProblem {
    /// It names no host.
    #[error("it has no host")]
    Empty,
    /// It is a URL, where a `host[:port][/path]` is wanted.
    #[error("it must not begin with a scheme")]
    Scheme,
    /// It is not a URL of scheme `http` or `https`, where one is wanted.
    #[error("it is not an http or https URL")]
    NotAUrl,
    /// It has a user name, a query or a fragment.
    #[error("it must have no user name, query or fragment")]
    Extras,
    /// It ends in a tag or a digest.
    #[error("a tag or digest in it is not supported")]
    Identifier,
    /// A `*` is somewhere else than in `*.` at the beginning of a prefix.
    #[error("`*` can only be the first label of a prefix")]
    Wildcard,
    /// A name without a dot or a port would be taken for a part of a path.
    #[error("a host without a dot needs a port")]
    Ambiguous,
    /// The host cannot be a registry, or the path no part of a repository's.
    #[error(transparent)]
    Name(ParseError),
}

pub(super) fn invalid(text: &str, reason: LocationProblem) -> InvalidLocation {
    InvalidLocation {
        text: without_user(text).to_owned(),
        reason,
    }
}

/// What may be shown of a text in which somebody may have put a password. A digest is none.
fn without_user(text: &str) -> &str {
    match text.rsplit_once('@') {
        Some((_, rest)) if !rest.starts_with("sha") => rest.split(['?', '#']).next().unwrap_or_default(),
        _ => text.split(['?', '#']).next().unwrap_or_default(),
    }
}

/// A registry and the beginning of the paths in it, of a `host[:port][/path]`.
pub(super) fn parse(text: &str) -> Result<(Registry, String), InvalidLocation> {
    let refuse = |reason| invalid(text, reason);
    if text.contains("://") {
        return Err(refuse(LocationProblem::Scheme));
    }
    let (host, path) = text.split_once('/').unwrap_or((text, ""));
    if host.contains('*') {
        return Err(refuse(LocationProblem::Wildcard));
    }
    let registry = registry(host).map_err(refuse)?;
    let path = path.trim_end_matches('/');
    check_path(&registry, path).map_err(refuse)?;
    Ok((registry, path.to_owned()))
}

/// A registry in which there can be repositories.
pub(super) fn registry(host: &str) -> Result<Registry, LocationProblem> {
    match host {
        "" => return Err(LocationProblem::Empty),
        _ if host.contains('@') => return Err(LocationProblem::Extras),
        "localhost" => {}
        _ if !host.contains(['.', ':']) => return Err(LocationProblem::Ambiguous),
        _ => {}
    }
    host.parse().map_err(LocationProblem::Name)
}

/// Whether there can be repositories below `path`.
pub(super) fn check_path(registry: &Registry, path: &str) -> Result<(), LocationProblem> {
    if path.contains([':', '@']) {
        return Err(LocationProblem::Identifier);
    }
    if path.is_empty() {
        return Ok(());
    }
    match registry.repository(&format!("{path}/name")) {
        Ok(_) => Ok(()),
        Err(error) => Err(LocationProblem::Name(error)),
    }
}

/// The name by which people and configuration files know a registry: Docker Hub is `docker.io`.
pub(super) fn familiar(registry: &Registry) -> &str {
    match registry.as_str() {
        "index.docker.io" => "docker.io",
        text => text,
    }
}
