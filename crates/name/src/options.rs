//! How texts are parsed.

use std::sync::Arc;

use crate::part::{Fault, Part};
use crate::{DigestReference, ParseError, ParseErrorKind, Reference, Registry, Repository, Tag};

/// The longest text that is looked at, in bytes. The longest valid name has less than 800.
const MAX_INPUT: usize = 1024;

/// What a text may leave out, and what is taken instead.
///
/// Defaults: not strict, registry `index.docker.io`, tag `latest`. `FromStr` and serde use these.
///
/// ```
/// use wharf_name::ParseOptions;
///
/// let options = ParseOptions::default()
///     .with_default_registry("registry.example.com")?
///     .with_default_tag("stable")?;
/// let reference = options.parse_reference("team/app")?;
/// assert_eq!(reference.to_string(), "registry.example.com/team/app:stable");
/// # Ok::<(), wharf_name::ParseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ParseOptions {
    strict: bool,
    default_registry: Registry,
    default_tag: Arc<str>,
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self {
            strict: false,
            default_registry: Registry::docker_hub(),
            default_tag: "latest".into(),
        }
    }
}

impl ParseOptions {
    /// Forbids every default: registry, `library/` and tag have to be there.
    #[must_use]
    pub fn with_strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// The registry of names that have none.
    ///
    /// # Errors
    ///
    /// If it is not a valid registry, and with [`ParseErrorKind::RegistryAmbiguous`] if it has neither a
    /// dot nor a port and is not `localhost`: names in it would not parse back from their own text.
    pub fn with_default_registry(mut self, registry: &str) -> Result<Self, ParseError> {
        self.default_registry = parse(registry, |part| {
            let parsed = Registry::from_part(part)?;
            match Registry::is_explicit(parsed.as_str()) {
                true => Ok(parsed),
                false => Err(part
                    .fault(ParseErrorKind::RegistryAmbiguous)
                    .with_hint("add the port")),
            }
        })?;
        Ok(self)
    }

    /// The tag of names that have none.
    ///
    /// # Errors
    ///
    /// If it is not a valid tag.
    pub fn with_default_tag(mut self, tag: &str) -> Result<Self, ParseError> {
        parse(tag, Tag::check)?;
        self.default_tag = tag.into();
        Ok(self)
    }

    /// Parses `host` or `host:port`; the empty text is the default registry.
    ///
    /// # Errors
    ///
    /// See [`ParseErrorKind`].
    pub fn parse_registry(&self, text: &str) -> Result<Registry, ParseError> {
        parse(text, |part| self.registry(part))
    }

    /// Parses a repository; a tag or a digest is an error.
    ///
    /// # Errors
    ///
    /// See [`ParseErrorKind`].
    pub fn parse_repository(&self, text: &str) -> Result<Repository, ParseError> {
        parse(text, |part| Repository::from_part(part, self))
    }

    /// Parses a repository with or without a tag; a digest is an error.
    ///
    /// # Errors
    ///
    /// See [`ParseErrorKind`].
    pub fn parse_tag(&self, text: &str) -> Result<Tag, ParseError> {
        parse(text, |part| Tag::from_part(part, self))
    }

    /// Parses a repository with a digest, with or without a tag before it.
    ///
    /// # Errors
    ///
    /// See [`ParseErrorKind`].
    pub fn parse_digest(&self, text: &str) -> Result<DigestReference, ParseError> {
        parse(text, |part| DigestReference::from_part(part, self))
    }

    /// Parses a tag or a digest reference.
    ///
    /// # Errors
    ///
    /// See [`ParseErrorKind`]. The message begins with `could not parse reference: <text>`.
    pub fn parse_reference(&self, text: &str) -> Result<Reference, ParseError> {
        parse(text, |part| Reference::from_part(part, self)).map_err(ParseError::of_reference)
    }

    pub(crate) fn strict(&self) -> bool {
        self.strict
    }

    pub(crate) fn default_tag(&self) -> &str {
        &self.default_tag
    }

    pub(crate) fn registry(&self, part: Part<'_>) -> Result<Registry, Fault> {
        match part.text {
            "" if self.strict => Err(part.fault(ParseErrorKind::RegistryMissing)),
            "" => Ok(self.default_registry.clone().with_typed("")),
            _ => Registry::from_part(part),
        }
    }
}

/// Runs `parser` on a text that could be a name, and attaches the text to its error.
pub(crate) fn parse<'a, T>(
    text: &'a str,
    parser: impl FnOnce(Part<'a>) -> Result<T, Fault>,
) -> Result<T, ParseError> {
    let part = Part::whole(text);
    let result = check_input(part).and_then(|()| parser(part));
    result.map_err(|fault| ParseError::new(&text[..text.floor_char_boundary(MAX_INPUT)], fault))
}

/// What is wrong with any kind of name.
fn check_input(part: Part<'_>) -> Result<(), Fault> {
    let text = part.text;
    if text.len() > MAX_INPUT {
        let shown = part.slice(0..text.floor_char_boundary(MAX_INPUT));
        return Err(shown.fault(ParseErrorKind::InputLength));
    }
    // No valid name has `//`, so nothing is lost, and people do paste URLs.
    if let Some(at) = text.find("://") {
        let scheme = part.slice(0..at + 3);
        let rest = &text[at + 3..];
        let host = rest
            .split('/')
            .next()
            .and_then(|authority| authority.rfind('@'))
            .map_or(0, |at| at + 1);
        let hint = format!("write `{}`", &rest[host..]);
        return Err(scheme.fault(ParseErrorKind::UrlScheme).with_hint(hint));
    }
    Ok(())
}
