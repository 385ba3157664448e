//! What responses have in common.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LINK, LOCATION};
use http::{Response, StatusCode};
use oci_spec::image::Digest;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::body::Body;
use crate::hook::Feature;

use super::call::Call;

const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// What need not be encoded in the value of a query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A response that is put together header by header.
pub(super) struct Reply<'a> {
    call: &'a Call<'a>,
    response: Response<Body>,
}

impl<'a> Reply<'a> {
    /// A response without a body.
    pub(super) fn new(call: &'a Call<'a>, status: StatusCode) -> Self {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        Self { call, response }
    }

    /// A response of JSON.
    pub(super) fn json(call: &'a Call<'a>, media_type: &'static str, document: &impl Serialize) -> Self {
        let json = serde_json::to_vec(document).expect("maps with text keys, lists and texts serialise");
        let reply = Self::new(call, StatusCode::OK);
        reply
            .header(CONTENT_TYPE, HeaderValue::from_static(media_type))
            .body(Body::full(json))
    }

    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.response.headers_mut().insert(name, value);
        self
    }

    /// A header whose value is made of checked parts.
    pub(super) fn text(self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(value) => self.header(name, value),
            Err(_) => self,
        }
    }

    /// One more header of a name.
    pub(super) fn append(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.response.headers_mut().append(name, value);
        }
        self
    }

    /// The digest of what the response is about.
    pub(super) fn digest(self, digest: &Digest) -> Self {
        if self.call.has(Feature::DigestHeader) {
            self.text(DIGEST, digest.as_ref())
        } else {
            self
        }
    }

    /// The version of what the response shows, for conditional requests.
    pub(super) fn etag(self, digest: &Digest) -> Self {
        if self.call.has(Feature::ConditionalRequests) {
            self.text(ETAG, &format!("\"{digest}\""))
        } else {
            self
        }
    }

    /// Where what was made can be found.
    pub(super) fn location(self, path: &str) -> Self {
        self.text(LOCATION, path)
    }

    /// Where the next page is: `path` with these parameters.
    pub(super) fn next(self, path: &str, parameters: &[(&str, &str)]) -> Self {
        if !self.call.has(Feature::PageLinks) {
            return self;
        }
        let query: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, QUERY)))
            .collect();
        self.text(LINK, &format!("<{path}?{}>; rel=\"next\"", query.join("&")))
    }

    /// The body, and with it the length.
    pub(super) fn body(mut self, body: Body) -> Self {
        self.response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(body.length()));
        *self.response.body_mut() = body;
        self
    }

    pub(super) fn done(self) -> Response<Body> {
        self.response
    }
}
