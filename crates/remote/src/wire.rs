//! Making requests: addresses, what a token must allow, which statuses are answers.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use oci_spec::image::Digest;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use wharf_name::{Reference, Registry, Repository};
use wharf_transport::{
    Accepted, Actions, AnsweredBy, Body, Error, NeverRetry, RedactReason, RedactedUrl, RegistryContext, Scope,
};

use crate::Client;

/// What stays as it is in a query value (RFC 3986, section 2.3); `:` and `/` do not, as all known clients do it.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The digest that a registry says the content of its answer has.
pub(crate) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

pub(crate) const MANIFEST_PUT: &[StatusCode] = &[StatusCode::OK, StatusCode::CREATED, StatusCode::ACCEPTED];

/// A request being made.
pub(crate) struct Call<'a> {
    client: &'a Client,
    request: Result<Request<Body>, Error>,
}

impl Client {
    /// A request to `path`, with its query, below the root of the API of a registry.
    pub(crate) fn call(&self, method: Method, context: RegistryContext, path: &str) -> Call<'_> {
        let url = self.transport().url(&context.registry, &format!("/v2/{path}"));
        self.request(method, context, url)
    }

    /// A request to a URL that a registry gave.
    pub(crate) fn call_url(&self, method: Method, context: RegistryContext, url: &Uri) -> Call<'_> {
        self.request(method, context, Ok(url.clone()))
    }

    fn request(&self, method: Method, context: RegistryContext, url: Result<Uri, Error>) -> Call<'_> {
        let request = url.map(|url| {
            let mut request = Request::new(Body::empty());
            *request.method_mut() = method;
            *request.uri_mut() = url;
            request.extensions_mut().insert(context);
            request
        });
        Call {
            client: self,
            request,
        }
    }
}

impl Call<'_> {
    pub(crate) fn header(self, name: HeaderName, value: &str) -> Self {
        let value = HeaderValue::from_str(value).map_err(Error::from_service);
        self.change(|request| {
            request.headers_mut().insert(name, value?);
            Ok(())
        })
    }

    pub(crate) fn accepted(self, statuses: &'static [StatusCode]) -> Self {
        self.extension(Accepted(statuses))
    }

    /// The request is part of something that is repeated as a whole.
    pub(crate) fn never_retry(self) -> Self {
        self.extension(NeverRetry)
    }

    /// The bodies are blobs, which have no place in a log.
    pub(crate) fn unlogged(self) -> Self {
        self.extension(RedactReason("omitting binary blobs from logs"))
    }

    pub(crate) fn body(self, body: Body) -> Self {
        self.change(|request| {
            *request.body_mut() = body;
            Ok(())
        })
    }

    fn extension<T: Clone + Send + Sync + 'static>(self, extension: T) -> Self {
        self.change(|request| {
            request.extensions_mut().insert(extension);
            Ok(())
        })
    }

    fn change(mut self, change: impl FnOnce(&mut Request<Body>) -> Result<(), Error>) -> Self {
        self.request = self
            .request
            .and_then(|mut request| change(&mut request).map(|()| request));
        self
    }

    /// Sends the request, which has no body, and reads an answer of at most `limit` bytes. One that breaks off is asked for
    /// again.
    pub(crate) async fn read(self, limit: usize) -> Result<(Parts, Bytes), Error> {
        const BREAKS: u32 = 3;
        let request = self.request?;
        let mut breaks = 0;
        loop {
            let mut again = Request::new(Body::empty());
            *again.method_mut() = request.method().clone();
            *again.uri_mut() = request.uri().clone();
            *again.headers_mut() = request.headers().clone();
            *again.extensions_mut() = request.extensions().clone();
            let call = Call {
                client: self.client,
                request: Ok(again),
            };
            let (parts, body) = call.send().await?.into_parts();
            match body.collect(limit).await {
                Ok(bytes) => return Ok((parts, bytes)),
                Err(error) if error.is_temporary() && breaks < BREAKS => {
                    tracing::debug!(uri = %RedactedUrl::from(request.uri()), %error, "reading again");
                    tokio::time::sleep(break_pause(breaks)).await;
                    breaks += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) async fn send(self) -> Result<Response<Body>, Error> {
        let request = self.request?;
        let sent = request.uri().clone();
        self.client.events().request();
        let mut response = self.client.transport().send(request).await?;
        if response.extensions().get::<AnsweredBy>().is_none() {
            // A bottom service of the user's own need not know about it.
            response.extensions_mut().insert(AnsweredBy(sent));
        }
        Ok(response)
    }
}

/// How long to wait before what broke off is asked for again, after so many breaks in a row.
pub(crate) fn break_pause(breaks: u32) -> Duration {
    match breaks {
        // What worked a moment ago is worth asking again at once.
        0 => Duration::ZERO,
        _ => Duration::from_millis(100) * 3_u32.saturating_pow((breaks - 1).min(4)),
    }
}

/// What reading from a repository needs.
pub(crate) fn pull(repository: &Repository) -> RegistryContext {
    RegistryContext::of(repository).with_scope(Scope::repository(repository, Actions::Pull))
}

/// What writing to a repository needs.
pub(crate) fn push(repository: &Repository) -> RegistryContext {
    RegistryContext::of(repository).with_scope(Scope::repository(repository, Actions::Push))
}

/// What deleting from a repository needs.
pub(crate) fn delete(repository: &Repository) -> RegistryContext {
    RegistryContext::of(repository).with_scope(Scope::repository(repository, Actions::Delete))
}

/// What listing a registry needs.
pub(crate) fn catalog(registry: &Registry) -> RegistryContext {
    RegistryContext::new(registry.clone()).with_scope(Scope::catalog())
}

pub(crate) fn manifest_path(reference: &Reference) -> String {
    format!(
        "{}/manifests/{}",
        reference.repository().path(),
        reference.identifier()
    )
}

pub(crate) fn blob_path(reference: &Reference) -> String {
    format!(
        "{}/blobs/{}",
        reference.repository().path(),
        reference.identifier()
    )
}

/// Adds `name=value` to the query of `url`, which stays otherwise as it is: it may be signed.
///
/// What a URL may have in it stays possible to have in it, so the result can be parsed if `url` could.
pub(crate) fn with_query(url: &str, name: &str, value: &str) -> String {
    let mut longer = url.to_owned();
    match url.split_once('?') {
        None => longer.push('?'),
        Some((_, query)) if query.is_empty() || query.ends_with('&') => {}
        Some(_) => longer.push('&'),
    }
    // Writing to a String cannot fail.
    let _ = write!(longer, "{name}={}", utf8_percent_encode(value, QUERY_VALUE));
    longer
}

impl Client {
    /// The URL that a registry names in the `Location` header of an answer, judged; `None` if it has no such header.
    pub(crate) fn location<B>(
        &self,
        registry: &Registry,
        response: &Response<B>,
    ) -> Option<Result<Uri, Error>> {
        let value = response.headers().get(header::LOCATION)?;
        let base = response.extensions().get::<AnsweredBy>()?;
        // A value that is no text becomes one that no URL parser takes.
        let value = value.to_str().unwrap_or("\u{0}");
        Some(self.transport().resolve_location(registry, &base.0, value))
    }
}

/// The digest in the `Docker-Content-Digest` header, if there is a readable one.
pub(crate) fn content_digest(headers: &HeaderMap) -> Option<Digest> {
    Digest::try_from(headers.get(CONTENT_DIGEST)?.to_str().ok()?).ok()
}

/// The number in the `Content-Length` header, if there is a readable one.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, want: &str) {
        assert_eq!(with_query(url, "digest", "sha256:ab+c"), want);
    }

    #[test]
    fn a_query_is_added_and_nothing_else_changed() {
        check("https://r/u", "https://r/u?digest=sha256%3Aab%2Bc");
        check("https://r/u?", "https://r/u?digest=sha256%3Aab%2Bc");
        check(
            "https://r/u?z=%2f&a=+",
            "https://r/u?z=%2f&a=+&digest=sha256%3Aab%2Bc",
        );
        check("https://r/u?a=1&", "https://r/u?a=1&digest=sha256%3Aab%2Bc");
    }
}
