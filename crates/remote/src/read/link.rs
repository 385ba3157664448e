//! The `Link` header of a page.

use http::{HeaderMap, header};

use crate::error::Violation;

/// The target of the link to the next page ([RFC 8288](https://www.rfc-editor.org/rfc/rfc8288)).
///
/// A link without `rel` counts, since there are registries that leave it out.
pub(super) fn next_link(headers: &HeaderMap) -> Result<Option<&str>, Violation> {
    let invalid = || Violation::InvalidHeader { name: header::LINK };
    for value in headers.get_all(header::LINK) {
        let mut rest = value.to_str().map_err(|_| invalid())?.trim();
        while !rest.is_empty() {
            let (target, after) = rest
                .strip_prefix('<')
                .and_then(|rest| rest.split_once('>'))
                .ok_or_else(invalid)?;
            let (parameters, after) = split_at(after, ',');
            if is_next(parameters) {
                return Ok(Some(target).filter(|target| !target.is_empty()));
            }
            rest = after.trim_start_matches([',', ' ', '\t']);
        }
    }
    Ok(None)
}

/// Whether the parameters of a link say that it leads to the next page, or nothing.
fn is_next(mut parameters: &str) -> bool {
    while !parameters.is_empty() {
        let (parameter, rest) = split_at(parameters, ';');
        parameters = rest;
        let Some((name, value)) = parameter.split_once('=') else {
            continue;
        };
        if name.trim().eq_ignore_ascii_case("rel") {
            let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
            return relations.any(|relation| relation.eq_ignore_ascii_case("next"));
        }
    }
    true
}

/// What is before and after the first `separator` outside of quotes.
fn split_at(text: &str, separator: char) -> (&str, &str) {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        if c == '"' {
            quoted = !quoted;
        } else if c == separator && !quoted {
            return (&text[..at], &text[at + c.len_utf8()..]);
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, want: Result<Option<&str>, ()>) {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::LINK,
            header::HeaderValue::from_bytes(value.as_bytes()).expect("a value"),
        );
        assert_eq!(next_link(&headers).map_err(|_| ()), want, "{value}");
    }

    #[test]
    fn links() {
        check(
            r#"</v2/a/tags/list?n=2&last=b>; rel="next""#,
            Ok(Some("/v2/a/tags/list?n=2&last=b")),
        );
        check("</v2/a/tags/list?n=2>", Ok(Some("/v2/a/tags/list?n=2")));
        check("<https://r.example/x>;REL=Next", Ok(Some("https://r.example/x")));
        check("<a>; rel=prev", Ok(None));
        check(
            r#"<a>; rel="prev", <b>; title="x, y"; rel="last next""#,
            Ok(Some("b")),
        );
        check("", Ok(None));
        check("<>", Ok(None));
        check("<", Err(()));
        check("><", Err(()));
        check("a", Err(()));
        check("<ä>", Err(()));
    }

    proptest::proptest! {
        #[test]
        fn no_header_panics(value in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            if let Ok(value) = header::HeaderValue::from_bytes(&value) {
                let headers = HeaderMap::from_iter([(header::LINK, value)]);
                let _ = next_link(&headers);
            }
        }

        #[test]
        fn a_target_is_found_whatever_is_around_it(target in "[!-;=?-~]{1,40}", title in "[ -!#-~]{0,20}") {
            let value = format!("<other>; rel=prev; title=\"{title}\", <{target}>; title=\"{title}\"; rel=\"next\"");
            let value = value.parse().expect("a header value");
            let headers = HeaderMap::from_iter([(header::LINK, value)]);
            let found = next_link(&headers).expect("well-formed");
            proptest::prop_assert_eq!(found, Some(target.as_str()));
        }
    }
}
