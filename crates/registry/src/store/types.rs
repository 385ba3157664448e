//! What goes into stores and comes out of them.

use std::collections::BTreeMap;

use bytes::Bytes;
use oci_spec::image::{Digest, DigestAlgorithm};
use serde::{Deserialize, Serialize};
use wharf_v1::ByteStream;

use crate::name::TagName;

/// A chunk of an upload.
#[non_exhaustive]
#[derive(Debug)]
pub struct Chunk {
    /// The bytes.
    pub bytes: ByteStream,
    /// Where in the upload they begin; if absent, wherever it ends.
    pub offset: Option<u64>,
    /// How many there are, if that is known.
    pub length: Option<u64>,
    /// The algorithm of the digest that will finish the upload, if that is known by now.
    pub algorithm: Option<DigestAlgorithm>,
}

impl Chunk {
    /// Bytes to append wherever the upload ends.
    #[must_use]
    pub fn new(bytes: ByteStream) -> Self {
        Self {
            bytes,
            offset: None,
            length: None,
            algorithm: None,
        }
    }

    /// Fails the append unless the upload has exactly `offset` bytes.
    #[must_use]
    pub fn with_offset(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// Fails the append unless the chunk has exactly `length` bytes.
    #[must_use]
    pub fn with_length(mut self, length: u64) -> Self {
        self.length = Some(length);
        self
    }

    /// Hashes the upload with `algorithm`, if this is its first chunk.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: DigestAlgorithm) -> Self {
        self.algorithm = Some(algorithm);
        self
    }
}

/// What is known of a manifest without reading it.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestInfo {
    /// The media type that it was put with.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
}

impl ManifestInfo {
    /// What is known of a manifest.
    #[must_use]
    pub fn new(media_type: impl Into<String>, size: u64) -> Self {
        Self {
            media_type: media_type.into(),
            size,
        }
    }
}

/// A manifest as it was put.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredManifest {
    /// The media type that it was put with.
    pub media_type: String,
    /// Its bytes.
    pub raw: Bytes,
}

impl StoredManifest {
    /// A manifest of these bytes.
    #[must_use]
    pub fn new(media_type: impl Into<String>, raw: impl Into<Bytes>) -> Self {
        Self {
            media_type: media_type.into(),
            raw: raw.into(),
        }
    }
}

/// A manifest to be put.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct NewManifest {
    /// Digest of `raw`.
    pub digest: Digest,
    /// The media type that it is to be served with.
    pub media_type: String,
    /// The bytes.
    pub raw: Bytes,
    /// Tags to point at it.
    pub tags: Vec<TagName>,
    /// The manifest that this one refers to, with what the list of that one's referrers shows.
    pub subject: Option<(Digest, Referrer)>,
}

impl NewManifest {
    /// A manifest without tags and subject.
    #[must_use]
    pub fn new(digest: Digest, media_type: impl Into<String>, raw: impl Into<Bytes>) -> Self {
        Self {
            digest,
            media_type: media_type.into(),
            raw: raw.into(),
            tags: Vec::new(),
            subject: None,
        }
    }

    /// Adds a tag.
    #[must_use]
    pub fn with_tag(mut self, tag: TagName) -> Self {
        self.tags.push(tag);
        self
    }

    /// Makes it a referrer of `subject`.
    #[must_use]
    pub fn with_subject(mut self, subject: Digest, referrer: Referrer) -> Self {
        self.subject = Some((subject, referrer));
        self
    }
}

/// A descriptor in the
/// [list of referrers](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers).
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Referrer {
    /// Media type of the referring manifest.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Its artifact type, or its config's media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Its annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Referrer {
    /// A referrer without artifact type and annotations.
    #[must_use]
    pub fn new(media_type: impl Into<String>, digest: Digest, size: u64) -> Self {
        let media_type = media_type.into();
        Self {
            media_type,
            digest,
            size,
            artifact_type: None,
            annotations: BTreeMap::new(),
        }
    }

    /// Sets the artifact type.
    #[must_use]
    pub fn with_artifact_type(mut self, artifact_type: impl Into<String>) -> Self {
        self.artifact_type = Some(artifact_type.into());
        self
    }

    /// Sets the annotations.
    #[must_use]
    pub fn with_annotations(mut self, annotations: BTreeMap<String, String>) -> Self {
        self.annotations = annotations;
        self
    }
}

/// Which part of a list is wanted.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only what comes after this text, which need not be in the list.
    pub after: Option<String>,
    /// At most this many entries.
    pub limit: usize,
}

impl Page {
    /// The first `limit` entries.
    #[must_use]
    pub fn first(limit: usize) -> Self {
        Self { after: None, limit }
    }

    /// The first `limit` entries after `last`.
    #[must_use]
    pub fn after(last: impl Into<String>, limit: usize) -> Self {
        Self {
            after: Some(last.into()),
            limit,
        }
    }

    /// Takes this page out of the entries of a list, which come in order.
    pub(crate) fn cut<T>(
        &self,
        entries: impl IntoIterator<Item = T>,
        text: impl Fn(&T) -> &str,
    ) -> Listing<T> {
        let mut rest = entries
            .into_iter()
            .skip_while(|entry| self.after.as_deref().is_some_and(|after| text(entry) <= after));
        let entries: Vec<T> = rest.by_ref().take(self.limit).collect();
        let more = self.limit > 0 && rest.next().is_some();
        Listing { entries, more }
    }
}

/// A page of a list.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T> {
    /// The entries, in order.
    pub entries: Vec<T>,
    /// Whether more come after the last one.
    pub more: bool,
}

impl<T> Listing<T> {
    /// A page of a list.
    #[must_use]
    pub fn new(entries: Vec<T>, more: bool) -> Self {
        Self { entries, more }
    }
}
