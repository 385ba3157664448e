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
            let end = end_of_link(after);
            if is_next(&after[..end]) {
                return Ok(Some(target).filter(|target| !target.is_empty()));
            }
            rest = after[end..].trim_start_matches([',', ' ', '\t']);
        }
    }
    Ok(None)
}

/// Where the parameters of one link end: at a comma outside of quotes.
fn end_of_link(parameters: &str) -> usize {
    let mut quoted = false;
    for (at, c) in parameters.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => return at,
            _ => {}
        }
    }
    parameters.len()
}

fn is_next(parameters: &str) -> bool {
    for parameter in parameters.split(';') {
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
}
