//! URLs without their secrets.

use std::borrow::Cow;
use std::fmt;

use http::Uri;
use url::form_urlencoded;

/// Query parameters whose values are no secrets.
const CLEAR: [&str; 7] = ["digest", "from", "last", "mount", "n", "scope", "service"];

/// A URL fit for errors and logs: the values of query parameters are `REDACTED`, and so is a password.
///
/// Kept are the values of `scope`, `service`, `mount`, `from`, `digest`, `n` and `last`; parameters are sorted by name.
///
/// ```
/// use wharf_transport::RedactedUrl;
///
/// let url: http::Uri = "https://example.com/token?service=bar&access_token=hunter2&scope=foo".parse()?;
/// assert_eq!(
///     RedactedUrl::from(&url).as_str(),
///     "https://example.com/token?access_token=REDACTED&scope=foo&service=bar",
/// );
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RedactedUrl(String);

impl RedactedUrl {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Redacts what may not even be a URL.
    pub(crate) fn of_text(text: &str) -> Self {
        const LIMIT: usize = 2048;
        let (rest, fragment) = match text.split_once('#') {
            Some((rest, _)) => (rest, "#REDACTED"),
            None => (text, ""),
        };
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let mut redacted = without_password(rest).into_owned();
        if let Some(query) = query {
            redacted.push('?');
            redacted.push_str(&redact_query(query));
        }
        redacted.push_str(fragment);
        if redacted.len() > LIMIT {
            redacted.truncate(redacted.floor_char_boundary(LIMIT));
            redacted.push('…');
        }
        Self(
            redacted
                .chars()
                .map(|c| if c.is_control() { '\u{fffd}' } else { c })
                .collect(),
        )
    }
}

impl From<&Uri> for RedactedUrl {
    fn from(url: &Uri) -> Self {
        Self::of_text(&url.to_string())
    }
}

impl fmt::Display for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

fn without_password(url: &str) -> Cow<'_, str> {
    let Some(start) = url.find("//").map(|at| at + 2) else {
        return Cow::Borrowed(url);
    };
    let end = url[start..].find('/').map_or(url.len(), |at| start + at);
    let authority = &url[start..end];
    let Some((user_info, host)) = authority.rsplit_once('@') else {
        return Cow::Borrowed(url);
    };
    let Some((user, _)) = user_info.split_once(':') else {
        return Cow::Borrowed(url);
    };
    Cow::Owned(format!("{}{user}:xxxxx@{host}{}", &url[..start], &url[end..]))
}

fn redact_query(query: &str) -> String {
    let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = form_urlencoded::parse(query.as_bytes())
        .map(|(key, value)| {
            let clear = CLEAR.contains(&key.as_ref());
            (key, if clear { value } else { Cow::Borrowed("REDACTED") })
        })
        .collect();
    // Stable, so that values of one parameter keep their order.
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, want: &str) {
        assert_eq!(RedactedUrl::of_text(url).as_str(), want);
    }

    #[test]
    fn secrets_are_taken_out() {
        check("https://r.example/v2/", "https://r.example/v2/");
        check(
            "https://r.example/token?service=bar&scope=foo&access_token=hunter2",
            "https://r.example/token?access_token=REDACTED&scope=foo&service=bar",
        );
        check(
            "https://s3.example/blob?X-Amz-Signature=abc&X-Amz-Date=1&n=5",
            "https://s3.example/blob?X-Amz-Date=REDACTED&X-Amz-Signature=REDACTED&n=5",
        );
        check(
            "https://user:secret@r.example/a",
            "https://user:xxxxx@r.example/a",
        );
        check("https://user@r.example/a", "https://user@r.example/a");
        check(
            "https://r.example/a#access_token=x",
            "https://r.example/a#REDACTED",
        );
        check(
            "https://r.example/v2/a/blobs/uploads/?mount=sha256:ab&from=lib/b",
            "https://r.example/v2/a/blobs/uploads/?from=lib%2Fb&mount=sha256%3Aab",
        );
        check("//user:p@host?a=b\n", "//user:xxxxx@host?a=REDACTED");
        check("no url\r\n", "no url\u{fffd}\u{fffd}");
    }
}
