//! JSON as it is printed.

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::failure::Failure;

/// One line, with the characters escaped that Go's encoder escapes.
pub(crate) fn compact(value: &Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => text.push(c),
        }
    }
    text
}

/// The most bytes of an indented document: lists in lists become a hundred times what they were.
const LIMIT: usize = 256 << 20;

/// A document with its members on lines of their own. Their order, and how numbers and texts are written, stay.
pub(crate) fn indented(document: &[u8]) -> Result<String, Failure> {
    indented_within(document, LIMIT)
}

fn indented_within(document: &[u8], limit: usize) -> Result<String, Failure> {
    let failed = |why: String| Failure::usage(format!("this is no JSON: {why}"));
    let text = std::str::from_utf8(document).map_err(|error| failed(error.to_string()))?;
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| failed(error.to_string()))?;
    let mut out = String::with_capacity(text.len());
    let mut depth = 0usize;
    let mut chars = text
        .chars()
        .filter(|c| !c.is_whitespace() || *c == ' ')
        .peekable();
    let newline = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    while let Some(c) = chars.next() {
        if out.len() > limit {
            return Err(Failure::usage("indented, the document is too large"));
        }
        match c {
            ' ' | '\n' | '\r' | '\t' => {}
            '"' => {
                out.push('"');
                while let Some(c) = chars.next() {
                    out.push(c);
                    match c {
                        '\\' => out.extend(chars.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '{' | '[' => {
                out.push(c);
                while chars.next_if(|c| " \n\r\t".contains(*c)).is_some() {}
                if let Some(end) = chars.next_if(|c| "]}".contains(*c)) {
                    out.push(end);
                } else {
                    depth += 1;
                    newline(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                newline(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(',');
                newline(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c => out.push(c),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(document: &str, want: &str) {
        assert_eq!(indented(document.as_bytes()).expect("JSON"), want, "{document}");
    }

    #[test]
    fn documents_are_indented_and_else_as_they_are() {
        check("{}", "{}");
        check("[ \n]", "[]");
        check(" 1.50e0 ", "1.50e0");
        check(
            r#"{"b":[1,{"a":""}] , "a":"x, {\"\u00e9 é:\\"}"#,
            "{\n  \"b\": [\n    1,\n    {\n      \"a\": \"\"\n    }\n  ],\n  \"a\": \"x, {\\\"\\u00e9 é:\\\\\"\n}",
        );
        for wrong in ["", "{", "no", "{} {}"] {
            assert!(indented(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(indented(b"\"\xff\"").is_err());
        let deep = format!("{}1,1,1{}", "[".repeat(100), "]".repeat(100));
        let whole = indented(deep.as_bytes()).expect("JSON").len();
        assert!(whole > 50 * deep.len());
        assert!(indented_within(deep.as_bytes(), whole / 2).is_err());
    }
}
