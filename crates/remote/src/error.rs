//! What can go wrong between a client and a registry.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use oci_spec::image::{Digest, MediaType};
use wharf_name::{Reference, Registry, Repository};

/// What can go wrong when content is read from or written to a registry.
///
/// Every variant says what was being done to what; the reason is its `source`. Ask with
/// [`is_not_found`](Self::is_not_found) and its siblings rather than match on texts.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry could not be reached, or refused.
    #[error("{operation} {target}")]
    Request {
        /// What was being done.
        operation: Operation,
        /// To what.
        target: Box<Target>,
        /// Why it failed, with the registry's own words if it had any.
        source: Box<wharf_transport::Error>,
    },
    /// The registry answered something that the protocol does not allow, or that cannot be trusted.
    #[error("{operation} {target}")]
    Answer {
        /// What was being done.
        operation: Operation,
        /// To what.
        target: Box<Target>,
        /// What is wrong with the answer.
        source: Box<Violation>,
    },
    /// The content is not what it should be, or the place it comes from failed.
    #[error("{operation} {target}")]
    Content {
        /// What was being done.
        operation: Operation,
        /// To what.
        target: Box<Target>,
        /// What is wrong with the content.
        source: Box<wharf_v1::Error>,
    },
    /// The request makes no sense as given; nothing was sent.
    #[error("{operation} {target}")]
    Input {
        /// What should have been done.
        operation: Operation,
        /// To what.
        target: Box<Target>,
        /// What is wrong with the request.
        source: Box<Misuse>,
    },
}

/// What a client does, for errors.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Asking whether a manifest is there and what it is.
    Head,
    /// Reading a manifest or index.
    Get,
    /// Reading a blob.
    ReadBlob,
    /// Asking whether a blob is there.
    HeadBlob,
    /// Listing the tags of a repository.
    Tags,
    /// Listing the repositories of a registry.
    Catalog,
    /// Listing what refers to a manifest.
    Referrers,
    /// Adding to the tag that lists what refers to a manifest.
    WriteReferrers,
    /// Uploading a blob.
    WriteBlob,
    /// Uploading a manifest or index.
    WriteManifest,
    /// Deleting a manifest or tag.
    Delete,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Head => "checking manifest",
            Self::Get => "fetching manifest",
            Self::ReadBlob => "fetching blob",
            Self::HeadBlob => "checking blob",
            Self::Tags => "reading tags for",
            Self::Catalog => "reading catalog of",
            Self::Referrers => "listing referrers of",
            Self::WriteReferrers => "updating the list of referrers",
            Self::WriteBlob => "uploading blob",
            Self::WriteManifest => "writing manifest",
            Self::Delete => "deleting",
        })
    }
}

/// What an operation was about.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A registry.
    Registry(Registry),
    /// A repository.
    Repository(Repository),
    /// A manifest by tag or digest, or a blob by digest.
    Reference(Reference),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(registry) => registry.fmt(f),
            Self::Repository(repository) => repository.fmt(f),
            Self::Reference(reference) => reference.fmt(f),
        }
    }
}

impl From<&Registry> for Target {
    fn from(registry: &Registry) -> Self {
        Self::Registry(registry.clone())
    }
}

impl From<&Repository> for Target {
    fn from(repository: &Repository) -> Self {
        Self::Repository(repository.clone())
    }
}

impl From<&Reference> for Target {
    fn from(reference: &Reference) -> Self {
        Self::Reference(reference.clone())
    }
}

/// An answer of a registry that the protocol does not allow, or that cannot be trusted.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Violation {
    /// The body is another manifest than the one asked for by digest.
    #[error("manifest digest: \"{got}\" does not match requested digest: \"{want}\"")]
    Digest {
        /// Digest of what came.
        got: Digest,
        /// Digest that was asked for.
        want: Digest,
    },
    /// A header that the answer must have is missing.
    #[error("response did not include {name} header")]
    MissingHeader {
        /// Its name.
        name: http::HeaderName,
    },
    /// A header cannot be read.
    #[error("response has an unreadable {name} header")]
    InvalidHeader {
        /// Its name.
        name: http::HeaderName,
    },
    /// The `Content-Type` header and the body's own `mediaType` contradict each other.
    ///
    /// Such bytes mean different things to different readers
    /// ([image-spec](https://github.com/opencontainers/image-spec/security/advisories/GHSA-77vh-xpmg-72qh)).
    #[error("Content-Type {header} contradicts the mediaType {body} in the body")]
    MediaType {
        /// What the header says.
        header: MediaType,
        /// What the body says.
        body: MediaType,
    },
    /// The body can be read both as a manifest and as an index.
    #[error("the body has both manifests and layers: it is ambiguous whether it is an index or a manifest")]
    Ambiguous,
    /// The body is not a manifest at all: a web page, for example.
    #[error("the body is not a manifest")]
    NotManifest {
        /// Why not.
        source: serde_json::Error,
    },
    /// A page of a list is not JSON of the right shape.
    #[error("the body is not a list")]
    NotList {
        /// Why not.
        source: serde_json::Error,
    },
    /// The registry offers a next page at an address that it may not choose.
    #[error("the next page is not at the registry: {url}")]
    PageOrigin {
        /// Where it is said to be, without the query.
        url: String,
    },
    /// A list comes back to a page that was read before, or never ends.
    #[error("the list does not end: its pages go round in circles")]
    PageLoop,
    /// The registry does not list referrers, and the client was told not to use a tag in its stead.
    #[error("the registry does not support the Referrers API and the referrers tag fallback is disabled")]
    NoReferrersApi,
    /// The tag under which clients list referrers names something else.
    #[error("the tag that should list referrers names {got}")]
    NotReferrers {
        /// Its media type.
        got: MediaType,
    },
    /// Others change a tag as often as this client does.
    #[error("the tag was changed by others, {attempts} times in a row")]
    Contended {
        /// How often it was tried.
        attempts: u32,
    },
    /// The registry says that it stored something else than was sent.
    #[error("the registry stored {got} where {want} was sent")]
    Stored {
        /// What it says.
        got: Digest,
        /// What was sent.
        want: Digest,
    },
    /// The registry says that it has another number of bytes than were sent.
    #[error("the registry has {taken} bytes where {sent} were sent")]
    Taken {
        /// Bytes that it has.
        taken: u64,
        /// Bytes that it should have.
        sent: u64,
    },
    /// Indexes are nested in indexes beyond the limit.
    #[error("indexes are nested more than {limit} deep")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// A blob broke off more often than the client goes on with it.
    #[error("the blob broke off after {offset} bytes and could not be resumed")]
    BrokenOff {
        /// How many bytes had come.
        offset: u64,
        /// What broke it off the last time.
        source: wharf_transport::BoxError,
    },
}

/// A request that makes no sense as given.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Misuse {
    /// The content has another digest than the reference it should be written to.
    #[error("the content has digest {got}")]
    OtherDigest {
        /// Digest of the content.
        got: Digest,
    },
    /// A tag can be moved only to a manifest of its own repository.
    #[error("{tag} is of another repository")]
    OtherRepository {
        /// The tag.
        tag: wharf_name::Tag,
    },
    /// The image gives another number of layers than its own manifest names, so that their bytes would go under wrong
    /// names.
    #[error("the image has {given} layers where its manifest names {named}")]
    Layers {
        /// Layers that the image gives.
        given: usize,
        /// Layers that its manifest names.
        named: usize,
    },
    /// A manifest must be a JSON object.
    #[error("a manifest must be a JSON object")]
    NotJson {
        /// Why it is not.
        source: serde_json::Error,
    },
    /// Content of this media type cannot be pushed, because what it refers to is not known.
    #[error("unsupported media type {media_type}: what it refers to is not known")]
    Unsupported {
        /// The media type.
        media_type: MediaType,
    },
}

impl Error {
    /// The registry does not have what was asked for: 404, or a code such as `MANIFEST_UNKNOWN`.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Request { source, .. } => source.is_not_found(),
            Self::Content { source, .. } => match &**source {
                wharf_v1::Error::NotFound { .. } => true,
                other => other.source_ref::<Self>().is_some_and(Self::is_not_found),
            },
            _ => false,
        }
    }

    /// The registry wants a credential, or another one.
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        self.transport()
            .is_some_and(wharf_transport::Error::is_unauthorized)
    }

    /// The registry knows who asks, and says no.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.transport().is_some_and(wharf_transport::Error::is_denied)
    }

    /// The registry says that it was asked too often.
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.transport()
            .is_some_and(wharf_transport::Error::is_rate_limited)
    }

    /// The same request may succeed later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.transport().is_some_and(wharf_transport::Error::is_temporary)
    }

    /// How long the registry asks to wait before the next request, if it does.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.transport().and_then(wharf_transport::Error::retry_after)
    }

    /// The status of the registry's answer, where there was one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.transport().and_then(wharf_transport::Error::status)
    }

    /// The error of the HTTP stack underneath, if that is where it came from.
    #[must_use]
    pub fn transport(&self) -> Option<&wharf_transport::Error> {
        match self {
            Self::Request { source, .. } => Some(source),
            Self::Content { source, .. } => source.source_ref::<Self>().and_then(Self::transport),
            _ => None,
        }
    }

    pub(crate) fn request(
        operation: Operation,
        target: impl Into<Target>,
        source: wharf_transport::Error,
    ) -> Self {
        Self::Request {
            operation,
            target: Box::new(target.into()),
            source: Box::new(source),
        }
    }

    pub(crate) fn answer(operation: Operation, target: impl Into<Target>, source: Violation) -> Self {
        Self::Answer {
            operation,
            target: Box::new(target.into()),
            source: Box::new(source),
        }
    }

    /// What the content's own error says, or, where the content comes from a registry too, the error of that read.
    pub(crate) fn content(operation: Operation, target: impl Into<Target>, source: wharf_v1::Error) -> Self {
        match source {
            wharf_v1::Error::Source(inner) => match inner.downcast::<Self>() {
                Ok(own) => *own,
                Err(inner) => Self::content_of(operation, target, wharf_v1::Error::Source(inner)),
            },
            source => Self::content_of(operation, target, source),
        }
    }

    fn content_of(operation: Operation, target: impl Into<Target>, source: wharf_v1::Error) -> Self {
        Self::Content {
            operation,
            target: Box::new(target.into()),
            source: Box::new(source),
        }
    }

    pub(crate) fn input(operation: Operation, target: impl Into<Target>, source: Misuse) -> Self {
        Self::Input {
            operation,
            target: Box::new(target.into()),
            source: Box::new(source),
        }
    }
}

impl From<Error> for wharf_v1::Error {
    fn from(error: Error) -> Self {
        Self::source(error)
    }
}
