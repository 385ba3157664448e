//! Tags.

use std::sync::Arc;

use crate::part::{Fault, Part};
use crate::{ParseErrorKind, ParseOptions, Registry, Repository};

/// The longest tag, in bytes.
const MAX_LEN: usize = 128;

/// A tag in a repository: `ghcr.io/org/app:v1`.
///
/// The tag itself is of the [distribution-spec] grammar `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`. Parsed from a
/// text without one, it is the default tag, `latest`.
///
/// ```
/// use wharf_name::Tag;
///
/// let tag: Tag = "ghcr.io/org/app:v1".parse()?;
/// assert_eq!(tag.repository().path(), "org/app");
/// assert_eq!(tag.tag(), "v1");
/// # Ok::<(), wharf_name::ParseError>(())
/// ```
///
/// [distribution-spec]: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
#[derive(Clone)]
pub struct Tag {
    repository: Repository,
    /// Canonical `registry/path:tag`.
    full: Arc<str>,
    typed: Option<Arc<str>>,
}

impl Tag {
    pub(crate) fn from_part(part: Part<'_>, options: &ParseOptions) -> Result<Self, Fault> {
        let (base, tag) = Self::split(part)?;
        let tag = match tag {
            Some(tag) => {
                Self::check(tag)?;
                tag.text
            }
            None if options.strict() => {
                let end = part.slice(part.text.len()..part.text.len());
                return Err(end.fault(ParseErrorKind::TagLength).with_hint("write the tag"));
            }
            None => options.default_tag(),
        };
        let mut found = Self::in_repository(Repository::from_part(base, options)?, tag);
        found.typed = (part.text != &*found.full).then(|| part.text.into());
        Ok(found)
    }

    pub(crate) fn in_repository(repository: Repository, tag: &str) -> Self {
        let full = format!("{repository}:{tag}").into();
        Self {
            repository,
            full,
            typed: None,
        }
    }

    /// Splits off the tag. The colon of a port has a `/` after it.
    pub(crate) fn split(part: Part<'_>) -> Result<(Part<'_>, Option<Part<'_>>), Fault> {
        match part.rsplit_once(':') {
            Some((_, tag)) if tag.text.is_empty() => Err(part.fault_at(ParseErrorKind::TagMissing, tag)),
            Some((base, tag)) if !tag.text.contains('/') => Ok((base, Some(tag))),
            _ => Ok((part, None)),
        }
    }

    pub(crate) fn check(tag: Part<'_>) -> Result<(), Fault> {
        if tag.text.is_empty() || tag.text.chars().count() > MAX_LEN {
            return Err(tag.fault(ParseErrorKind::TagLength));
        }
        let allowed = |c: char| matches!(c, 'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' | '.');
        if let Some(found) = tag.first_not(allowed) {
            return Err(tag.fault_at(ParseErrorKind::TagCharacter, found));
        }
        if tag.text.starts_with(['.', '-']) {
            return Err(tag.fault_at(ParseErrorKind::TagStart, tag.slice(0..1)));
        }
        Ok(())
    }

    /// Whether `base:tag` is most likely meant as `host:port`.
    pub(crate) fn is_likely_port(base: Part<'_>, tag: Part<'_>) -> bool {
        Registry::is_explicit(base.text)
            && !base.text.contains('/')
            && tag.text.bytes().all(|b| b.is_ascii_digit())
    }

    /// The canonical `registry/path:tag`.
    pub fn as_str(&self) -> &str {
        &self.full
    }

    /// The text this value was parsed from; the canonical form if it was not parsed.
    pub fn as_typed(&self) -> &str {
        self.typed.as_deref().unwrap_or(&self.full)
    }

    /// The repository the tag is in.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The registry the tag is in.
    pub fn registry(&self) -> &Registry {
        self.repository.registry()
    }

    /// The tag itself: `latest`.
    pub fn tag(&self) -> &str {
        &self.full[self.repository.as_str().len() + 1..]
    }

    /// Whether the text, as it was typed, was more likely meant as a registry with a port.
    ///
    /// `localhost:5000` is, by the grammar, the tag `5000` of `library/localhost` on Docker Hub. A program
    /// that is about to write there does well to say so.
    ///
    /// ```
    /// use wharf_name::Tag;
    ///
    /// assert!("localhost:5000".parse::<Tag>()?.looks_like_registry());
    /// assert!(!"ubuntu:2404".parse::<Tag>()?.looks_like_registry());
    /// # Ok::<(), wharf_name::ParseError>(())
    /// ```
    pub fn looks_like_registry(&self) -> bool {
        match Part::whole(self.as_typed()).rsplit_once(':') {
            Some((base, tag)) => Self::is_likely_port(base, tag),
            None => false,
        }
    }
}
