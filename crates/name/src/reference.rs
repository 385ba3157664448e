//! References: a tag or a digest.

use oci_spec::image::Digest;

use crate::part::{Fault, Part};
use crate::{DigestReference, ParseOptions, Registry, Repository, Tag};

/// What names a manifest: a [`Tag`] or a [`DigestReference`].
///
/// ```
/// use wharf_name::Reference;
///
/// let reference: Reference = "quay.io/org/app:v1".parse()?;
/// match &reference {
///     Reference::Tag(tag) => assert_eq!(tag.tag(), "v1"),
///     Reference::Digest(digest) => unreachable!("{digest}"),
/// }
/// # Ok::<(), wharf_name::ParseError>(())
/// ```
#[derive(Clone)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the distribution spec: a reference is a digest or a tag"
)]
pub enum Reference {
    /// A name that may point to other content tomorrow.
    Tag(Tag),
    /// Content that never changes.
    Digest(DigestReference),
}

impl Reference {
    pub(crate) fn from_part(part: Part<'_>, options: &ParseOptions) -> Result<Self, Fault> {
        // No digest has a slash, so `user@host/app` is a registry with user info: the better error.
        match part.split_once('@') {
            Some((_, after)) if !after.text.contains('/') => {
                DigestReference::from_part(part, options).map(Self::Digest)
            }
            _ => Tag::from_part(part, options).map(Self::Tag),
        }
    }

    /// The canonical `registry/path:tag` or `registry/path@digest`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Tag(tag) => tag.as_str(),
            Self::Digest(digest) => digest.as_str(),
        }
    }

    /// The text this value was parsed from; the canonical form if it was not parsed.
    pub fn as_typed(&self) -> &str {
        match self {
            Self::Tag(tag) => tag.as_typed(),
            Self::Digest(digest) => digest.as_typed(),
        }
    }

    /// The repository.
    pub fn repository(&self) -> &Repository {
        match self {
            Self::Tag(tag) => tag.repository(),
            Self::Digest(digest) => digest.repository(),
        }
    }

    /// The registry.
    pub fn registry(&self) -> &Registry {
        self.repository().registry()
    }

    /// What stands after `/manifests/` in URLs: the tag, or the whole digest.
    pub fn identifier(&self) -> &str {
        match self {
            Self::Tag(tag) => tag.tag(),
            Self::Digest(digest) => digest.digest().as_ref(),
        }
    }

    /// The tag, also one that was written before a digest.
    pub fn tag(&self) -> Option<&str> {
        match self {
            Self::Tag(tag) => Some(tag.tag()),
            Self::Digest(digest) => digest.tag(),
        }
    }

    /// The digest, if this is a reference by digest.
    pub fn digest(&self) -> Option<&Digest> {
        match self {
            Self::Tag(_) => None,
            Self::Digest(digest) => Some(digest.digest()),
        }
    }
}

impl From<Tag> for Reference {
    fn from(tag: Tag) -> Self {
        Self::Tag(tag)
    }
}

impl From<DigestReference> for Reference {
    fn from(digest: DigestReference) -> Self {
        Self::Digest(digest)
    }
}
