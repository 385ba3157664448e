//! Why a text is not a name.

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};
use std::ops::Range;

use crate::part::Fault;

/// A text that could not be parsed as a name.
///
/// [`Display`] is one line that names the offending value; control characters in it are escaped. For
/// [`Reference`](crate::Reference)s it begins with `could not parse reference: <input>`. The remedy, where
/// there is an obvious one, is in [`hint`](Self::hint).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    kind: ParseErrorKind,
    input: Box<str>,
    subject: Range<usize>,
    span: Range<usize>,
    hint: Option<Cow<'static, str>>,
    prefixed: bool,
}

/// What is wrong with a text that could not be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The text is longer than 1,024 bytes, which no valid name is.
    InputLength,
    /// The text begins with a URL scheme such as `https://`.
    UrlScheme,
    /// No registry, where defaults are not allowed.
    RegistryMissing,
    /// The registry is not a valid `host` or `host:port`.
    Registry,
    /// The registry has neither a dot nor a port, so that a name in it would read as one on the default registry.
    RegistryAmbiguous,
    /// No repository.
    RepositoryMissing,
    /// The repository, with its implicit `library/`, is not 1 to 255 characters long.
    RepositoryLength,
    /// A character that no repository has.
    RepositoryCharacter,
    /// A path component that is empty or has its separators in the wrong places.
    RepositoryComponent,
    /// The implicit `library/` is not spelt out, where defaults are not allowed.
    LibraryMissing,
    /// A colon without a tag after it.
    TagMissing,
    /// The tag is not 1 to 128 characters long.
    TagLength,
    /// A character that no tag has.
    TagCharacter,
    /// The tag begins with `.` or `-`.
    TagStart,
    /// What reads as a tag is most likely the port of a registry, as in `localhost:5000@sha256:…`.
    TagLooksLikePort,
    /// Not exactly one `@` in a digest reference.
    DigestSeparator,
    /// A digest algorithm other than sha256, sha384 and sha512.
    DigestAlgorithm,
    /// The digest is too short or too long for its algorithm.
    DigestLength,
    /// The digest has characters other than `0-9a-f`.
    DigestCharacter,
}

impl ParseError {
    pub(crate) fn new(input: &str, fault: Fault) -> Self {
        Self {
            kind: fault.kind,
            input: mask(input, fault.kind),
            subject: fault.subject,
            span: fault.span,
            // Made from the input, a hint is as foreign as that.
            hint: fault.hint.map(|hint| match hint {
                Cow::Borrowed(hint) => Cow::Borrowed(hint),
                Cow::Owned(hint) => Cow::Owned(printable(&hint).to_string()),
            }),
            prefixed: false,
        }
    }

    /// Leads the message with `could not parse reference: <input>: `.
    pub(crate) fn of_reference(mut self) -> Self {
        self.prefixed = true;
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> ParseErrorKind {
        self.kind
    }

    /// The text that was to be parsed; of an overlong one, its first 1,024 bytes.
    ///
    /// Names have no user info, but people paste URLs that do: a password there is replaced by as many
    /// asterisks as it has bytes.
    pub fn input(&self) -> &str {
        &self.input
    }

    /// Where in [`input`](Self::input) the fault is, in bytes. Empty where something is missing.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// What to write instead, if that is known.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Two lines that show where the fault is: the input, and carets under the span.
    ///
    /// ```
    /// let error = "app:-x".parse::<wharf_name::Reference>().unwrap_err();
    /// assert_eq!(error.caret().to_string(), "app:-x\n    ^");
    /// ```
    pub fn caret(&self) -> impl Display + '_ {
        fmt::from_fn(|f| {
            let (before, at) = (&self.input[..self.span.start], &self.input[self.span.clone()]);
            let width = |text: &str| printable(text).to_string().chars().count();
            writeln!(f, "{}", printable(&self.input))?;
            write!(
                f,
                "{:indent$}{:^<carets$}",
                "",
                "",
                indent = width(before),
                carets = width(at).max(1)
            )
        })
    }
}

impl Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ParseErrorKind as Kind;

        let input = printable(&self.input);
        if self.prefixed {
            write!(f, "could not parse reference: {input}: ")?;
        }
        let subject = printable(&self.input[self.subject.clone()]);
        match self.kind {
            Kind::InputLength => f.write_str("a name is at most 1024 bytes long"),
            Kind::UrlScheme => write!(f, "a name has no URL scheme, leave out `{subject}`"),
            Kind::RegistryMissing => {
                f.write_str("strict validation requires the registry to be explicitly defined")
            }
            Kind::Registry => write!(f, "registries must be valid RFC 3986 URI authorities: {subject}"),
            Kind::RegistryAmbiguous => {
                write!(
                    f,
                    "a registry needs a dot or a port to be told from a repository: {subject}"
                )
            }
            Kind::RepositoryMissing => f.write_str("a repository name must be specified"),
            Kind::RepositoryLength => {
                write!(
                    f,
                    "repository must be between 1 and 255 characters in length: {subject}"
                )
            }
            Kind::RepositoryCharacter => write!(
                f,
                "repository can only contain the characters `abcdefghijklmnopqrstuvwxyz0123456789_-./`: {subject}"
            ),
            Kind::RepositoryComponent => write!(
                f,
                "repository components must begin and end with a letter or digit, with `.`, `_`, `__` or dashes between: {subject}"
            ),
            Kind::LibraryMissing => {
                f.write_str("strict validation requires the full repository path (missing 'library')")
            }
            Kind::TagMissing => write!(f, "{subject} must specify a tag name after the colon"),
            Kind::TagLength => write!(f, "tag must be between 1 and 128 characters in length: {subject}"),
            Kind::TagCharacter => write!(
                f,
                "tag can only contain the characters `abcdefghijklmnopqrstuvwxyz0123456789_-.ABCDEFGHIJKLMNOPQRSTUVWXYZ`: {subject}"
            ),
            Kind::TagStart => write!(f, "tag must not begin with `.` or `-`: {subject}"),
            Kind::TagLooksLikePort => write!(f, "{subject} is a registry without a repository"),
            Kind::DigestSeparator => write!(
                f,
                "a digest must contain exactly one '@' separator (e.g. registry/repository@digest) saw: {subject}"
            ),
            Kind::DigestAlgorithm => write!(f, "unsupported digest algorithm: {subject}"),
            Kind::DigestLength => write!(f, "invalid checksum digest length: {subject}"),
            Kind::DigestCharacter => write!(f, "invalid checksum digest format: {subject}"),
        }
    }
}

impl std::error::Error for ParseError {}

/// Hides the password of `user:password@host`, keeping the length so that spans stay right.
fn mask(input: &str, kind: ParseErrorKind) -> Box<str> {
    let start = input.find("://").map_or(0, |at| at + 3);
    let authority = match input[start..].split_once('/') {
        Some((authority, _)) => authority,
        None if start > 0 || kind == ParseErrorKind::Registry => &input[start..],
        // `app:tag@digest`.
        None => "",
    };
    let Some(end) = authority.rfind('@') else {
        return input.into();
    };
    let Some(colon) = authority[..end].find(':') else {
        return input.into();
    };
    let (colon, end) = (start + colon, start + end);
    [&input[..=colon], &"*".repeat(end - colon - 1), &input[end..]]
        .concat()
        .into()
}

/// Shows foreign text on one line: what is not printable is escaped.
fn printable(text: &str) -> impl Display + '_ {
    fmt::from_fn(move |f| {
        text.chars().try_for_each(|c| match c {
            '"' | '\'' | '\\' => f.write_char(c),
            c => write!(f, "{}", c.escape_debug()),
        })
    })
}
