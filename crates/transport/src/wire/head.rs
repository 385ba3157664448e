//! Headers and bodies without their secrets.

use std::fmt::Write as _;

use http::HeaderMap;
use http::header::{
    CONTENT_LOCATION, CONTENT_TYPE, HeaderName, HeaderValue, LINK, LOCATION, REFERER, WWW_AUTHENTICATE,
};

use crate::RedactedUrl;
use crate::auth::Challenge;

/// Parts of the names of headers, and of fields in JSON, whose values are secrets.
const SECRET: [&str; 9] = [
    "authorization",
    "cookie",
    "credential",
    "key",
    "password",
    "secret",
    "signature",
    "token",
    "auth\"",
];
/// Parameters of a challenge that are no secrets.
const CLEAR: [&str; 4] = ["error", "error_description", "scope", "service"];

/// Adds the headers to `text`, one a line.
pub(super) fn write_headers(text: &mut String, headers: &HeaderMap) {
    for (name, value) in headers {
        let value = header(name, value);
        let _ = writeln!(text, "{name}: {value}");
    }
}

fn header(name: &HeaderName, value: &HeaderValue) -> String {
    if *name == WWW_AUTHENTICATE {
        return challenges(&String::from_utf8_lossy(value.as_bytes()));
    }
    if value.is_sensitive() || SECRET.iter().any(|secret| name.as_str().contains(secret)) {
        return "REDACTED".to_owned();
    }
    let value = String::from_utf8_lossy(value.as_bytes());
    if [LOCATION, CONTENT_LOCATION, REFERER].contains(name) {
        return RedactedUrl::of_text(&value).to_string();
    }
    if *name == LINK {
        return links(&value);
    }
    printable(&value)
}

/// Redacts each `<…>` of a `Link` header.
fn links(value: &str) -> String {
    let mut text = String::new();
    let mut rest = value;
    while let Some((before, behind)) = rest.split_once('<') {
        let (url, after) = behind.split_once('>').unwrap_or((behind, ""));
        let _ = write!(text, "{}<{}>", printable(before), RedactedUrl::of_text(url));
        rest = after;
    }
    text + &printable(rest)
}

fn challenges(value: &str) -> String {
    let mut text = Vec::new();
    for challenge in Challenge::parse(value) {
        let params: Vec<String> = challenge
            .params()
            .map(|(name, value)| match name {
                "realm" => format!("realm=\"{}\"", RedactedUrl::of_text(value)),
                name if CLEAR.contains(&name) => format!("{name}=\"{}\"", printable(value)),
                name => format!("{name}=REDACTED"),
            })
            .collect();
        text.push(format!("{} {}", challenge.scheme(), params.join(",")));
    }
    text.join(", ")
}

/// Whether a body of this type may be shown.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = value
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    let media_type = media_type.trim().to_ascii_lowercase();
    media_type == "application/json" || media_type.ends_with("+json")
}

/// The text of a body, unless it has fields that look like credentials.
pub(super) fn body(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lower = text.to_ascii_lowercase();
    let has_secret = lower
        .match_indices("\":")
        .chain(lower.match_indices("\" :"))
        .any(|(end, _)| {
            let start = lower[..end].rfind('"').map_or(0, |start| start + 1);
            let field = &lower[start..=end];
            SECRET.iter().any(|secret| field.contains(secret))
        });
    if has_secret {
        return "(body with credentials)".to_owned();
    }
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &'static str, value: &str, want: &str) {
        let (name, value) = (HeaderName::from_static(name), value.parse().expect("a header"));
        assert_eq!(header(&name, &value), want, "{name}");
    }

    #[test]
    fn headers_lose_their_secrets() {
        check("content-type", "text/plain", "text/plain");
        check("authorization", "Basic eA==", "REDACTED");
        check("proxy-authorization", "Basic eA==", "REDACTED");
        check("set-cookie", "session=1", "REDACTED");
        check("x-amz-security-token", "abc", "REDACTED");
        check("x-api-key", "abc", "REDACTED");
        check(
            "location",
            "https://u:p@s3.example/b?X-Amz-Signature=abc",
            "https://u:xxxxx@s3.example/b?X-Amz-Signature=REDACTED",
        );
        check(
            "link",
            "</v2/a/tags/list?n=5&page=s3cret>; rel=\"next\"",
            "</v2/a/tags/list?n=5&page=REDACTED>; rel=\"next\"",
        );
        check("link", "<https://x?token=a", "<https://x?token=REDACTED>");
        check(
            "www-authenticate",
            r#"Bearer realm="https://a/t?key=abc",service="s",scope="repository:a:pull",nonce="abc""#,
            r#"bearer realm="https://a/t?key=REDACTED",service="s",scope="repository:a:pull",nonce=REDACTED"#,
        );
        check("www-authenticate", "Negotiate abcdefgh==", "negotiate ");
    }

    #[track_caller]
    fn check_body(body: &str, is_shown: bool) {
        assert_eq!(super::body(body.as_bytes()) == body, is_shown, "{body}");
    }

    #[test]
    fn bodies_with_credentials_are_not_shown() {
        check_body(r#"{"tags":["token"]}"#, true);
        check_body(r#"{"schemaVersion":2}"#, true);
        check_body(r#"{"access_token":"x"}"#, false);
        check_body(r#"{"TOKEN" : "x"}"#, false);
        check_body(r#"{"a":{"refresh_token":"x"}}"#, false);
        check_body(r#"{"auths":{"r":{"auth":"eDp5"}}}"#, false);
        check_body(r#"{"identitytoken":"x"}"#, false);
        check_body("{\"a\":\"\u{1b}\"}", false);
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,60}") {
            let _ = (body(text.as_bytes()), links(&text), challenges(&text));
        }
    }
}
