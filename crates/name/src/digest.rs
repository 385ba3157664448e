//! References by digest.

use std::sync::Arc;

use oci_spec::image::{Digest, DigestAlgorithm};

use crate::part::{Fault, Part};
use crate::{ParseErrorKind, ParseOptions, Registry, Repository, Tag};

/// Content in a repository, named by its digest: `ghcr.io/org/app@sha256:…`.
///
/// The digest is sha256, sha384 or sha512 in lower-case hex ([image-spec]); other registered algorithms
/// could not be verified and are refused. A tag before the `@`, as in `app:v1@sha256:…`, is kept but does
/// not take part in the canonical form: the digest alone says what is meant.
///
/// ```
/// use wharf_name::DigestReference;
///
/// let text = format!("app:v1@sha256:{:064}", 0);
/// let reference: DigestReference = text.parse()?;
/// assert_eq!(reference.digest().as_ref(), &text[7..]);
/// assert_eq!(reference.tag(), Some("v1"));
/// assert_eq!(reference.to_string(), format!("index.docker.io/library/app@sha256:{:064}", 0));
/// # Ok::<(), wharf_name::ParseError>(())
/// ```
///
/// [image-spec]: https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests
#[derive(Clone)]
pub struct DigestReference {
    repository: Repository,
    digest: Digest,
    tag: Option<Arc<str>>,
    /// Canonical `registry/path@digest`.
    full: Arc<str>,
    typed: Option<Arc<str>>,
}

impl DigestReference {
    pub(crate) fn from_part(part: Part<'_>, options: &ParseOptions) -> Result<Self, Fault> {
        let (base, digest) = match part.split_once('@') {
            Some((base, digest)) if !digest.text.contains('@') => (base, digest),
            _ => return Err(part.fault(ParseErrorKind::DigestSeparator)),
        };
        let digest = parse_digest(digest)?;
        let (base, tag) = match Tag::split(base)? {
            (host, Some(port)) if Tag::is_likely_port(host, port) => {
                let hint = format!("write `{}/<repository>@{}`", base.text, digest.as_ref());
                return Err(base.fault(ParseErrorKind::TagLooksLikePort).with_hint(hint));
            }
            split => split,
        };
        if let Some(tag) = tag {
            Tag::check(tag)?;
        }
        let mut found = Self::in_repository(Repository::from_part(base, options)?, digest);
        found.tag = tag.map(|tag| tag.text.into());
        found.typed = (part.text != &*found.full).then(|| part.text.into());
        Ok(found)
    }

    pub(crate) fn in_repository(repository: Repository, digest: Digest) -> Self {
        let full = format!("{repository}@{digest}").into();
        Self {
            repository,
            digest,
            tag: None,
            full,
            typed: None,
        }
    }

    /// The canonical `registry/path@digest`.
    pub fn as_str(&self) -> &str {
        &self.full
    }

    /// The text this value was parsed from; the canonical form if it was not parsed.
    pub fn as_typed(&self) -> &str {
        self.typed.as_deref().unwrap_or(&self.full)
    }

    /// The repository the content is in.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The registry the content is in.
    pub fn registry(&self) -> &Registry {
        self.repository.registry()
    }

    /// The digest of the content.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The tag that was written before the digest, if any. Nothing says that it points to the digest.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }
}

fn parse_digest(part: Part<'_>) -> Result<Digest, Fault> {
    let unsupported = || {
        let fault = part.fault(ParseErrorKind::DigestAlgorithm);
        fault.with_hint("a digest is sha256, sha384 or sha512, a colon, and lower-case hex")
    };
    let (algorithm, hex) = part.split_once(':').ok_or_else(unsupported)?;
    let want = DigestAlgorithm::from(algorithm.text)
        .digest_hexlen()
        .ok_or_else(unsupported)?;
    let found = hex.text.chars().count();
    if found != want as usize {
        let fault = part.fault_at(ParseErrorKind::DigestLength, hex);
        return Err(fault.with_hint(format!("{} has {want} characters, not {found}", algorithm.text)));
    }
    if let Some(found) = hex.first_not(|c| matches!(c, '0'..='9' | 'a'..='f')) {
        return Err(part.fault_at(ParseErrorKind::DigestCharacter, found));
    }
    part.text.parse().map_err(|_| unsupported())
}
