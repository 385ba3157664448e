//! Indents JSON without parsing it into values, so that every number and escape stays as it is.

/// Three spaces a level, as the tools that people compare `index.json` with.
const LEVEL: &str = "   ";

/// Lays out valid JSON over several lines. Existing white space is dropped first; empty lists and
/// objects stay on one line; no line feed at the end.
pub(crate) fn indent(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0;
    let mut in_string = false;
    let mut escaped = false;
    let mut opened = false;
    for c in json.chars() {
        if in_string {
            out.push(c);
            (in_string, escaped) = (escaped || c != '"', !escaped && c == '\\');
            continue;
        }
        if c.is_ascii_whitespace() {
            continue;
        }
        let closes = matches!(c, '}' | ']');
        if closes {
            depth = usize::saturating_sub(depth, 1);
        }
        if opened != closes {
            // Either something follows an opening bracket, or a closing one follows something.
            new_line(&mut out, depth);
        }
        opened = matches!(c, '{' | '[');
        out.push(c);
        match c {
            '{' | '[' => depth += 1,
            ',' => new_line(&mut out, depth),
            ':' => out.push(' '),
            '"' => in_string = true,
            _ => {}
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    for _ in 0..depth {
        out.push_str(LEVEL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, want: &str) {
        assert_eq!(indent(json), want);
        assert_eq!(indent(want), want, "indenting twice");
    }

    #[test]
    fn layouts() {
        check("{}", "{}");
        check("[ ]", "[]");
        check("3", "3");
        check("[[]]", "[\n   []\n]");
        check(r#"{"a":1,"b":[]}"#, "{\n   \"a\": 1,\n   \"b\": []\n}");
        check(
            r#"{"a":[{"b":{}},null,-1.50e3]}"#,
            "{\n   \"a\": [\n      {\n         \"b\": {}\n      },\n      null,\n      -1.50e3\n   ]\n}",
        );
    }

    #[test]
    fn strings_are_left_alone() {
        check(
            r#"["{\"a\": [1, 2]}","\\","\u003c é"]"#,
            "[\n   \"{\\\"a\\\": [1, 2]}\",\n   \"\\\\\",\n   \"\\u003c é\"\n]",
        );
    }
}
