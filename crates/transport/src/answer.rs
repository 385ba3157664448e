//! What an answer says besides its content.

use std::time::Duration;

use http::HeaderMap;
use http::header::WARNING;

use crate::Attempts;

/// Headers in which registries and the proxies before them name a request.
const REQUEST_ID: [&str; 6] = [
    "x-request-id",
    "x-amzn-requestid",
    "x-ms-request-id",
    "x-ms-correlation-request-id",
    "x-github-request-id",
    "cf-ray",
];
/// More warnings of one answer are not kept.
const MAX_WARNINGS: usize = 16;
/// More of a text of the server is not kept, in bytes.
const MAX_TEXT: usize = 512;

/// What an answer says besides its content: an extension of every response that a stack gives, and part of a
/// [`RegistryError`](crate::RegistryError).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnswerInfo {
    /// The registry's name for the request, to quote to its operators.
    pub request_id: Option<String>,
    /// How often the request was sent, `1` if it was not repeated.
    pub attempts: u32,
    /// How much may still be asked.
    pub quota: Option<Quota>,
    /// Warnings of the registry.
    pub warnings: Vec<String>,
}

impl AnswerInfo {
    pub(crate) fn of<B>(response: &http::Response<B>) -> Self {
        Self::parse(response.headers(), response.extensions().get().copied())
    }

    pub(crate) fn parse(headers: &HeaderMap, attempts: Option<Attempts>) -> Self {
        Self {
            request_id: REQUEST_ID.iter().find_map(|name| text(headers, name)),
            attempts: attempts.map_or(1, |Attempts(attempts)| attempts),
            quota: Quota::of(headers),
            warnings: warnings(headers),
        }
    }
}

/// How much may be asked of a registry, by its own account.
///
/// Read are the headers of Docker Hub (`RateLimit-Limit: 100;w=21600`), of the drafts of the IETF (`RateLimit-Reset`,
/// [`RateLimit` and `RateLimit-Policy`](https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/)) and of
/// GitHub (`X-RateLimit-…`). What cannot be read is left out.
///
/// ```
/// use std::time::Duration;
///
/// use wharf_transport::Quota;
///
/// let mut headers = http::HeaderMap::new();
/// headers.insert("ratelimit-limit", "100;w=21600".parse()?);
/// headers.insert("ratelimit-remaining", "76;w=21600".parse()?);
/// let quota = Quota::of(&headers).expect("a quota");
/// assert_eq!((quota.limit, quota.remaining), (Some(100), Some(76)));
/// assert_eq!(quota.window, Some(Duration::from_secs(6 * 3600)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quota {
    /// How many requests are allowed in a window.
    pub limit: Option<u64>,
    /// How many of them are left.
    pub remaining: Option<u64>,
    /// How long a window is.
    pub window: Option<Duration>,
    /// How long it takes until there are more.
    pub reset: Option<Duration>,
    /// Whom the requests are counted for, as Docker Hub says: an address or an account.
    pub source: Option<String>,
}

impl Quota {
    /// The quota in the headers of an answer, if there is one.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let item = |name: &str| headers.get(name)?.to_str().ok().map(Item::parse);
        let (limit, remaining) = (item("ratelimit-limit"), item("ratelimit-remaining"));
        let (policy, state) = (item("ratelimit-policy"), item("ratelimit"));
        let github = |name: &str| item(name).and_then(|item| item.number);
        let window = [&limit, &remaining, &policy]
            .into_iter()
            .find_map(|item| item.as_ref()?.param("w"));
        let quota = Self {
            limit: limit
                .as_ref()
                .and_then(|item| item.number)
                .or_else(|| policy.as_ref()?.param("q"))
                .or_else(|| github("x-ratelimit-limit")),
            remaining: remaining
                .as_ref()
                .and_then(|item| item.number)
                .or_else(|| state.as_ref()?.param("r"))
                .or_else(|| github("x-ratelimit-remaining")),
            window: window.map(Duration::from_secs),
            reset: item("ratelimit-reset")
                .and_then(|item| item.number)
                .or_else(|| state.as_ref()?.param("t"))
                .map(Duration::from_secs),
            source: text(headers, "docker-ratelimit-source"),
        };
        let is_known = quota.limit.is_some() || quota.remaining.is_some();
        is_known.then_some(quota)
    }
}

/// The first item of a list: `100;w=60` or `"default";q=100;w=60`.
struct Item<'a> {
    number: Option<u64>,
    params: &'a str,
}

impl<'a> Item<'a> {
    fn parse(header: &'a str) -> Self {
        let first = header.split(',').next().unwrap_or_default();
        let (value, params) = first.split_once(';').unwrap_or((first, ""));
        Self {
            number: value.trim().parse().ok(),
            params,
        }
    }

    fn param(&self, name: &str) -> Option<u64> {
        self.params.split(';').find_map(|param| {
            let (key, value) = param.split_once('=')?;
            (key.trim() == name).then(|| value.trim().parse().ok())?
        })
    }
}

/// The texts of warnings with the code 299 and no agent: `299 - "text"`
/// ([distribution-spec, Warnings](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#warnings)).
/// Others are to be ignored by that specification.
fn warnings(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(WARNING).iter().take(MAX_WARNINGS);
    let text = |line: &http::HeaderValue| {
        let quoted = std::str::from_utf8(line.as_bytes())
            .ok()?
            .strip_prefix("299 - \"")?;
        let mut text = String::new();
        let mut escaped = false;
        for (at, c) in quoted.char_indices() {
            match c {
                _ if escaped => {
                    text.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => return (at + 1 == quoted.len()).then(|| shortened(&text)),
                _ => text.push(c),
            }
        }
        None
    };
    lines.filter_map(text).collect()
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(shortened)
}

fn shortened(text: &str) -> String {
    let printable = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c });
    let mut text: String = printable.collect();
    text.truncate(text.floor_char_boundary(MAX_TEXT));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks limit, remaining, window and reset.
    #[track_caller]
    fn check(headers: &[(&'static str, &str)], want: Option<[Option<u64>; 4]>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a header"));
        }
        let quota = Quota::of(&map).map(|quota| {
            let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
            [
                quota.limit,
                quota.remaining,
                seconds(quota.window),
                seconds(quota.reset),
            ]
        });
        assert_eq!(quota, want, "{headers:?}");
    }

    #[test]
    fn quotas() {
        check(
            &[
                ("ratelimit-limit", "100;w=21600"),
                ("ratelimit-remaining", "76;w=21600"),
            ],
            Some([Some(100), Some(76), Some(21600), None]),
        );
        check(
            &[
                ("ratelimit-limit", "10, 10;w=1, 50;w=60"),
                ("ratelimit-remaining", "9"),
                ("ratelimit-reset", "1"),
            ],
            Some([Some(10), Some(9), None, Some(1)]),
        );
        check(
            &[
                ("ratelimit", "\"default\";r=50;t=30"),
                ("ratelimit-policy", "\"default\";q=100;w=60"),
            ],
            Some([Some(100), Some(50), Some(60), Some(30)]),
        );
        check(
            &[
                ("x-ratelimit-limit", "5000"),
                ("x-ratelimit-remaining", "4999"),
                ("x-ratelimit-reset", "1700000000"),
            ],
            Some([Some(5000), Some(4999), None, None]),
        );
        check(&[("ratelimit-remaining", "0")], Some([None, Some(0), None, None]));
        check(&[("ratelimit-limit", "many")], None);
        check(&[("ratelimit-limit", "-1"), ("ratelimit", ";;r=;t")], None);
        check(&[("ratelimit-reset", "5")], None);
        check(&[], None);
    }

    #[track_caller]
    fn check_warning(line: &[u8], want: &[&str]) {
        let mut headers = HeaderMap::new();
        headers.append(WARNING, http::HeaderValue::from_bytes(line).expect("a header"));
        assert_eq!(warnings(&headers), want);
    }

    #[test]
    fn only_warnings_of_the_specification_count() {
        check_warning(b"299 - \"use v2 soon\"", &["use v2 soon"]);
        check_warning(b"299 - \"say \\\"please\\\"\"", &["say \"please\""]);
        check_warning(b"299 - \"open", &[]);
        check_warning(b"299 - \"a\" \"Wed, 21 Oct 2015 07:28:00 GMT\"", &[]);
        check_warning(b"299 proxy \"a\"", &[]);
        check_warning(b"199 - \"a\"", &[]);
        check_warning(b"299 - plain", &[]);
        check_warning(b"299 - \"\xff\"", &[]);
        check_warning(b"299 - \"a\tb\"", &["a\u{fffd}b"]);
    }
}
