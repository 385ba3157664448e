//! Names in requests and stores: repositories and tags without a registry around them.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use oci_spec::image::{Digest, DigestAlgorithm};
use wharf_name::{ParseError, Registry};

/// A repository's name, as in the paths of the API: `library/ubuntu`.
///
/// It holds to the grammar of the
/// [distribution specification](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests),
/// so it can be a relative path on disk: no empty component, no `.` or `..`, nothing that begins with `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName(Arc<str>);

/// A tag, without the repository it is in. Holds to the specification's grammar, so it can be a file name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagName(Arc<str>);

/// A registry that names are parsed in for their grammar's sake; any but Docker Hub, which adds `library/`.
static HERE: LazyLock<Registry> =
    LazyLock::new(|| Registry::from_str("localhost").expect("`localhost` is a registry"));

impl RepositoryName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TagName {
    /// The tag as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RepositoryName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        HERE.repository(text)
            .map(|repository| Self(repository.path().into()))
    }
}

impl FromStr for TagName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        static ANY: LazyLock<wharf_name::Repository> =
            LazyLock::new(|| HERE.repository("any").expect("`any` is a repository"));
        ANY.tag(text).map(|tag| Self(tag.tag().into()))
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for TagName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What follows `/manifests/` in a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identifier {
    Tag(TagName),
    Digest(Digest),
}

/// Why a digest in a request is of no use here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DigestFault {
    #[error("{0:?} is not a digest")]
    Malformed(String),
    #[error("digest algorithm {0} is not supported; sha256 and sha512 are")]
    Algorithm(String),
}

/// Parses a digest that content can be stored under.
pub(crate) fn parse_digest(text: &str) -> Result<Digest, DigestFault> {
    let digest = Digest::from_str(text).map_err(|_| DigestFault::Malformed(excerpt(text)))?;
    supported(digest.algorithm())?;
    Ok(digest)
}

/// Whether content can be stored under digests of `algorithm`.
pub(crate) fn supported(algorithm: &DigestAlgorithm) -> Result<(), DigestFault> {
    match algorithm {
        DigestAlgorithm::Sha256 | DigestAlgorithm::Sha512 => Ok(()),
        other => Err(DigestFault::Algorithm(excerpt(other.as_ref()))),
    }
}

/// The beginning of a text that a client sent, for an error message.
pub(crate) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: FromStr>(text: &str, good: bool) {
        assert_eq!(T::from_str(text).is_ok(), good, "{text:?}");
    }

    #[test]
    fn names_hold_to_the_grammar() {
        for good in ["a", "library/ubuntu", "a.b/c__d/e---f", "0/1", &"a".repeat(255)] {
            check::<RepositoryName>(good, true);
        }
        let bad = [
            "", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "_a", "A", "a\0", "a b", "a%2fb", "a:b", "a@b",
        ];
        for bad in bad.into_iter().chain([&*"a".repeat(256)]) {
            check::<RepositoryName>(bad, false);
        }
    }

    #[test]
    fn tags_hold_to_the_grammar() {
        for good in ["latest", "_", "V1.0-rc_1", &"a".repeat(128)] {
            check::<TagName>(good, true);
        }
        for bad in ["", ".", "..", "-a", "a/b", "a\0", "a:b", "é", &"a".repeat(129)] {
            check::<TagName>(bad, false);
        }
    }

    #[test]
    fn docker_hubs_library_is_not_added() {
        let name: RepositoryName = "ubuntu".parse().expect("a name");
        assert_eq!(name.as_str(), "ubuntu");
    }
}
