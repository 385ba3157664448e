//! Where a blob is read from.

use http::{HeaderMap, Method, Response, StatusCode, Uri, header};
use wharf_name::{DigestReference, Reference};
use wharf_transport::Body;

use crate::error::{Error, Operation};
use crate::{Client, wire};

/// One place that has a blob: a repository, or a URL that its descriptor names.
#[derive(Clone)]
pub(super) struct BlobSource {
    pub(super) client: Client,
    pub(super) reference: Reference,
    url: Option<Uri>,
}

impl BlobSource {
    pub(super) fn registry(client: Client, reference: DigestReference) -> Self {
        Self {
            client,
            reference: Reference::Digest(reference),
            url: None,
        }
    }

    /// The same blob at a URL that was judged.
    pub(super) fn elsewhere(&self, url: Uri) -> Self {
        Self {
            url: Some(url),
            ..self.clone()
        }
    }

    /// Asks for the blob, or for the bytes from the first to before the second of `range`; with no second one for all
    /// from the first on.
    pub(super) async fn get(&self, range: Option<(u64, Option<u64>)>) -> Result<Response<Body>, Error> {
        let context = wire::pull(self.reference.repository());
        let call = match &self.url {
            Some(url) => self.client.call_url(Method::GET, context, url),
            None => self
                .client
                .call(Method::GET, context, &wire::blob_path(&self.reference)),
        };
        // Storage that labels its content as encoded would otherwise have it decoded on the way, and other bytes
        // than those asked for would come.
        let call = call.header(header::ACCEPT_ENCODING, "identity").unlogged();
        let call = match range {
            Some((start, end)) => {
                let last = end.map(|end| end.saturating_sub(1).to_string());
                let range = format!("bytes={start}-{}", last.unwrap_or_default());
                call.header(header::RANGE, &range)
                    .accepted(&[StatusCode::OK, StatusCode::PARTIAL_CONTENT])
            }
            None => call.accepted(&[StatusCode::OK]),
        };
        call.send()
            .await
            .map_err(|error| Error::request(Operation::ReadBlob, &self.reference, error))
    }
}

/// Whether a registry refuses ranges rather than the blob. Distribution answers 400 where 416 is meant.
pub(super) fn is_range_refused(error: &Error) -> bool {
    matches!(
        error.status(),
        Some(StatusCode::BAD_REQUEST | StatusCode::RANGE_NOT_SATISFIABLE)
    )
}

/// First byte and, where it is told, total size in a `Content-Range: bytes <first>-<last>/<total>`.
pub(super) fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let value = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = value.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let total = match total.trim() {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    (first <= last).then_some((first, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, want: Option<(u64, Option<u64>)>) {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_RANGE, value.parse().expect("a header value"));
        assert_eq!(content_range(&headers), want, "{value}");
    }

    #[test]
    fn content_ranges() {
        check("bytes 7-9/10", Some((7, Some(10))));
        check("bytes 7-9/*", Some((7, None)));
        check("bytes  0-0/1", Some((0, Some(1))));
        check("bytes */10", None);
        check("bytes 9-7/10", None);
        check("bytes 7-/10", None);
        check("items 7-9/10", None);
        check("bytes 7-9", None);
        check("bytes 99999999999999999999-9/10", None);
        check("", None);
    }

    proptest::proptest! {
        #[test]
        fn no_range_panics(value in "[ -~]{0,40}") {
            let headers = HeaderMap::from_iter([(header::CONTENT_RANGE, value.parse().expect("printable"))]);
            let _ = content_range(&headers);
        }

        #[test]
        fn a_range_is_read_as_written(first in 0..1000_u64, more in 0..1000_u64, rest in 1..1000_u64) {
            let (last, total) = (first + more, first + more + rest);
            let value = format!("bytes {first}-{last}/{total}").parse().expect("printable");
            let headers = HeaderMap::from_iter([(header::CONTENT_RANGE, value)]);
            proptest::prop_assert_eq!(content_range(&headers), Some((first, Some(total))));
        }
    }
}
