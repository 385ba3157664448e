//! Repositories.

use std::sync::Arc;

use oci_spec::image::Digest;

use crate::options::parse;
use crate::part::{Fault, Part};
use crate::{DigestReference, ParseError, ParseErrorKind, ParseOptions, Registry, Tag};

/// The longest path of a repository, `library/` included, in bytes.
const MAX_LEN: usize = 255;

/// A repository: a registry and a path in it.
///
/// The path is one or more components, joined by `/`, of the [distribution-spec] grammar
/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`, and at most 255 bytes long.
///
/// ```
/// use wharf_name::Repository;
///
/// let repository: Repository = "ubuntu".parse()?;
/// assert_eq!(repository, "docker.io/library/ubuntu".parse()?);
/// assert_eq!(repository.registry().as_str(), "index.docker.io");
/// assert_eq!(repository.path(), "library/ubuntu");
/// assert_eq!(repository.tag("24.04")?.to_string(), "index.docker.io/library/ubuntu:24.04");
/// # Ok::<(), wharf_name::ParseError>(())
/// ```
///
/// [distribution-spec]: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
#[derive(Clone)]
pub struct Repository {
    registry: Registry,
    /// Canonical `registry/path`.
    full: Arc<str>,
    typed: Option<Arc<str>>,
}

impl Repository {
    pub(crate) fn from_part(part: Part<'_>, options: &ParseOptions) -> Result<Self, Fault> {
        if part.text.is_empty() {
            return Err(part.fault(ParseErrorKind::RepositoryMissing));
        }
        let (registry, path) = match part.split_once('/') {
            Some((registry, path)) if Registry::is_explicit(registry.text) => (Some(registry), path),
            _ => (None, part),
        };
        Self::check_alphabet(path)?;
        let registry = options.registry(registry.unwrap_or(part.slice(0..0)))?;
        if options.strict() && registry.has_implicit_library() && !path.text.contains('/') {
            let hint = format!("write `{}/library/{}`", registry.as_str(), path.text);
            return Err(path.fault(ParseErrorKind::LibraryMissing).with_hint(hint));
        }
        let mut repository = Self::in_registry(registry, path)?;
        repository.typed = (part.text != &*repository.full).then(|| part.text.into());
        Ok(repository)
    }

    /// The length and the characters of a path, before anything is said about its components.
    pub(crate) fn check_alphabet(path: Part<'_>) -> Result<(), Fault> {
        if path.text.is_empty() || path.text.chars().count() > MAX_LEN {
            return Err(path.fault(ParseErrorKind::RepositoryLength));
        }
        let allowed = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '_' | '-' | '.' | '/');
        let Some(found) = path.first_not(allowed) else {
            return Ok(());
        };
        let fault = path.fault_at(ParseErrorKind::RepositoryCharacter, found);
        Err(match found.text.chars().next() {
            Some('A'..='Z') => fault.with_hint("repositories are in lower case"),
            Some(':') => fault.with_hint("a repository has no tag"),
            Some('@') => fault.with_hint("a repository has no digest"),
            _ => fault,
        })
    }

    /// The repository at a path whose alphabet has been checked; adds the implicit `library/`.
    pub(crate) fn in_registry(registry: Registry, path: Part<'_>) -> Result<Self, Fault> {
        let mut at = 0;
        for component in path.text.split('/') {
            let found = path.slice(at..at + component.len());
            at += component.len() + 1;
            if !is_component(component) {
                return Err(path.fault_at(ParseErrorKind::RepositoryComponent, found));
            }
        }
        let implicit = registry.has_implicit_library() && !path.text.contains('/');
        let library = if implicit { "library/" } else { "" };
        if library.len() + path.text.len() > MAX_LEN {
            return Err(path
                .fault(ParseErrorKind::RepositoryLength)
                .with_hint("`library/`, which is implied on Docker Hub, counts"));
        }
        let full = format!("{registry}/{library}{}", path.text).into();
        Ok(Self {
            registry,
            full,
            typed: None,
        })
    }

    /// The canonical `registry/path`.
    pub fn as_str(&self) -> &str {
        &self.full
    }

    /// The text this value was parsed from; the canonical form if it was not parsed.
    pub fn as_typed(&self) -> &str {
        self.typed.as_deref().unwrap_or(&self.full)
    }

    /// The registry this repository is in.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The path in the registry, with `library/` where it was implicit: what stands between `/v2/` and
    /// `/manifests/` in URLs.
    pub fn path(&self) -> &str {
        &self.full[self.registry.as_str().len() + 1..]
    }

    /// The tag `tag` in this repository.
    ///
    /// # Errors
    ///
    /// If the tag is not valid: see [`Tag`].
    pub fn tag(&self, tag: &str) -> Result<Tag, ParseError> {
        parse(tag, Tag::check)?;
        Ok(Tag::in_repository(self.clone(), tag))
    }

    /// The manifest or blob `digest` in this repository.
    pub fn digest(&self, digest: Digest) -> DigestReference {
        DigestReference::in_repository(self.clone(), digest)
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`, given that the alphabet is right.
fn is_component(text: &str) -> bool {
    let is_alphanumeric = |c: char| c.is_ascii_alphanumeric();
    text.starts_with(is_alphanumeric)
        && text.ends_with(is_alphanumeric)
        && text.split(is_alphanumeric).all(|separator| {
            matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|b| b == b'-')
        })
}
