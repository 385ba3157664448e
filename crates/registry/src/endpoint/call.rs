//! A request on its way to an endpoint.

use std::str::FromStr;

use http::HeaderMap;
use http::Method;
use http::header::{AsHeaderName, CONTENT_LENGTH, IF_NONE_MATCH};
use http::request::Parts;
use oci_spec::image::Digest;

use crate::auth::Caller;
use crate::hook::Feature;
use crate::incoming::Incoming;
use crate::options::{Deletion, Options};
use crate::problem::{Code, Problem};
use crate::query::Query;
use crate::registry::Inner;
use crate::store::Store;

/// A request, whose path is parsed, with what is needed to answer it.
pub(super) struct Call<'a> {
    inner: &'a Inner,
    parts: &'a Parts,
    pub(super) incoming: &'a Incoming,
    pub(super) query: Query,
    pub(super) caller: Caller,
}

impl<'a> Call<'a> {
    pub(super) fn new(inner: &'a Inner, parts: &'a Parts, incoming: &'a Incoming, caller: Caller) -> Self {
        Self {
            inner,
            parts,
            incoming,
            query: Query::parse(parts.uri.query()),
            caller,
        }
    }

    pub(super) fn store(&self) -> &'a dyn Store {
        &*self.inner.store
    }

    pub(super) fn options(&self) -> &'a Options {
        &self.inner.options
    }

    pub(super) fn method(&self) -> &'a Method {
        &self.parts.method
    }

    pub(super) fn headers(&self) -> &'a HeaderMap {
        &self.parts.headers
    }

    /// Whether this registry has a feature.
    pub(super) fn has(&self, feature: Feature) -> bool {
        self.inner.profile.has(feature)
    }

    /// Refuses unless content may be deleted.
    pub(super) fn deletion_allowed(&self) -> Result<(), Problem> {
        if self.inner.options.deletion == Deletion::Refused || !self.has(Feature::Deletion) {
            return Err(Problem::new(Code::Unsupported, "deletion is off"));
        }
        Ok(())
    }

    /// A header that is text.
    pub(super) fn header(&self, name: impl AsHeaderName) -> Option<&'a str> {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// How long the body is by its header.
    pub(super) fn content_length(&self) -> Result<Option<u64>, Problem> {
        let Some(value) = self.parts.headers.get(CONTENT_LENGTH) else {
            return Ok(None);
        };
        let length = value
            .to_str()
            .ok()
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        length
            .and_then(|text| u64::from_str(text).ok())
            .map(Some)
            .ok_or_else(|| Problem::new(Code::SizeInvalid, "malformed Content-Length"))
    }

    /// Whether the client has this version already.
    pub(super) fn is_not_modified(&self, digest: &Digest) -> bool {
        let etag = format!("\"{digest}\"");
        self.has(Feature::ConditionalRequests)
            && self
                .parts
                .headers
                .get_all(IF_NONE_MATCH)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .any(|value| {
                    let tags = value.split(',').map(|tag| tag.trim().trim_start_matches("W/"));
                    value.trim() == "*" || tags.into_iter().any(|tag| tag == etag)
                })
    }
}
