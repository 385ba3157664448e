use http::{HeaderMap, header};

/// The target of the link to the next page of a list ([RFC 8288](https://www.rfc-editor.org/rfc/rfc8288)), as the
/// registry wrote it; `None` on the last page.
///
/// It may be relative, to [`AnsweredBy`](crate::AnsweredBy), and lead anywhere: have it judged by
/// [`Transport::resolve_location`](crate::Transport::resolve_location) before it is followed. A link without `rel`
/// counts, since there are registries that leave it out.
///
/// ```
/// use http::HeaderMap;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("link", "</v2/app/tags/list?last=v1>; rel=\"next\"".parse()?);
/// assert_eq!(wharf_transport::next_link(&headers)?, Some("/v2/app/tags/list?last=v1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`InvalidLink`] when a header is not of the RFC's form.
pub fn next_link(headers: &HeaderMap) -> Result<Option<&str>, InvalidLink> {
    for value in headers.get_all(header::LINK) {
        let mut rest = value.to_str().map_err(|_| InvalidLink)?.trim();
        while !rest.is_empty() {
            let (target, after) = rest
                .strip_prefix('<')
                .and_then(|rest| rest.split_once('>'))
                .ok_or(InvalidLink)?;
            let (parameters, after) = split_at(after, ',');
            if is_next(parameters) {
                return Ok(Some(target).filter(|target| !target.is_empty()));
            }
            rest = after.trim_start_matches([',', ' ', '\t']);
        }
    }
    Ok(None)
}

/// A `Link` header is not of the form of RFC 8288.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a Link header is malformed")]
#[non_exhaustive]
pub struct InvalidLink;

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
    fn check(value: &str, want: Result<Option<&str>, InvalidLink>) {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::LINK,
            header::HeaderValue::from_bytes(value.as_bytes()).expect("a value"),
        );
        assert_eq!(next_link(&headers), want, "{value}");
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
        check("<", Err(InvalidLink));
        check("><", Err(InvalidLink));
        check("a", Err(InvalidLink));
        check("<ä>", Err(InvalidLink));
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
