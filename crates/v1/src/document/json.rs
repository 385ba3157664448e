//! JSON as text: objects whose values stay as they were written, and text as Go's encoder writes it.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object in the order they were written, with the text of their values. Of members
/// with the same name the last counts, in the place of the first.
#[derive(Default)]
pub(super) struct Members {
    members: Vec<(String, Option<Box<RawValue>>)>,
    places: HashMap<String, usize>,
}

impl Members {
    /// The members of the object that `raw` is; `None` when it is something else.
    pub(super) fn parse(raw: &RawValue) -> Option<Self> {
        serde_json::from_str(raw.get()).ok()
    }

    /// Takes out the member called `name`.
    pub(super) fn take(&mut self, name: &str) -> Option<Box<RawValue>> {
        self.places
            .get(name)
            .and_then(|place| self.members[*place].1.take())
    }

    /// The members that were not taken out.
    pub(super) fn rest(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.members
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?)))
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut found = Members::default();
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            match found.places.get(&name) {
                Some(place) => found.members[*place].1 = Some(value),
                None => {
                    found.places.insert(name.clone(), found.members.len());
                    found.members.push((name, Some(value)));
                }
            }
        }
        Ok(found)
    }
}

/// `json` without the blanks between its tokens; strings and numbers stay as they are.
pub(super) fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        if in_string {
            in_string = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
        } else if c.is_ascii_whitespace() {
            continue;
        } else {
            in_string = c == '"';
        }
        out.push(c);
    }
    out
}

/// `compact` spread over lines, each level of nesting indented by one more `unit`.
pub(super) fn indent(compact: &str, unit: &str) -> String {
    let mut out = String::with_capacity(compact.len() * 2);
    let (mut in_string, mut escaped, mut depth) = (false, false, 0);
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        (0..depth).for_each(|_| out.push_str(unit));
    };
    let mut chars = compact.chars().peekable();
    while let Some(c) = chars.next() {
        if in_string {
            in_string = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
            out.push(c);
            continue;
        }
        match c {
            '{' | '[' => {
                out.push(c);
                if let Some(end) = chars.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth -= 1;
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => {
                in_string = c == '"';
                out.push(c);
            }
        }
    }
    out
}

/// Appends `text` as a JSON string, escaped as Go's encoder does it: also what HTML would take for
/// markup, and the two line separators that JavaScript does not allow in strings.
pub(super) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn quotes(text: &str, want: &str) {
        let mut out = String::new();
        quote(text, &mut out);
        assert_eq!(out, want);
    }

    #[test]
    fn strings_as_go_writes_them() {
        quotes("", r#""""#);
        quotes("a/b", r#""a/b""#);
        quotes(
            "<a href=\"x\">&</a>",
            r#""\u003ca href=\"x\"\u003e\u0026\u003c/a\u003e""#,
        );
        quotes("\u{2028}\u{2029}", r#""\u2028\u2029""#);
        quotes("\u{8}\u{c}\n\r\t\0\u{1f}\\", r#""\b\f\n\r\t\u0000\u001f\\""#);
        quotes("\u{7f}é\u{1f600}", "\"\u{7f}é\u{1f600}\"");
    }

    #[test]
    fn compacting_leaves_strings_alone() {
        let spread = " { \"a b\\\" \\\\\" : [ 1 , -2.50e+3 ,\n\ttrue ] ,\r\n \"\\u0041\" : \" , \" } ";
        assert_eq!(
            compact(spread),
            r#"{"a b\" \\":[1,-2.50e+3,true],"\u0041":" , "}"#
        );
    }

    #[test]
    fn indenting_as_go_does_it() {
        let want = "{\n   \"a\": [],\n   \"b\": [\n      1,\n      \"x,y:{\\\"\"\n   ],\n   \"c\": {}\n}";
        assert_eq!(indent(r#"{"a":[],"b":[1,"x,y:{\""],"c":{}}"#, "   "), want);
        assert_eq!(compact(want), r#"{"a":[],"b":[1,"x,y:{\""],"c":{}}"#);
    }

    #[test]
    fn the_last_of_equal_names_counts() {
        let mut members: Members = serde_json::from_str(r#"{"a":1,"b":2,"a":[ 3 ]}"#).expect("valid");
        let rest: Vec<_> = members.rest().map(|(name, value)| (name, value.get())).collect();
        assert_eq!(rest, [("a", "[ 3 ]"), ("b", "2")]);
        assert_eq!(members.take("a").expect("there").get(), "[ 3 ]");
        assert!(members.take("a").is_none());
        assert_eq!(members.rest().count(), 1);
    }

    proptest! {
        #[test]
        fn quoting_is_undone_by_parsing(text: String) {
            let mut out = String::new();
            quote(&text, &mut out);
            prop_assert_eq!(serde_json::from_str::<String>(&out).expect("valid"), text);
        }

        #[test]
        fn compacting_undoes_indenting(text: String, numbers: Vec<i32>) {
            let json = serde_json::json!({ "a": [text.clone(), { text: numbers }] }).to_string();
            prop_assert_eq!(compact(&indent(&json, "\t")), json);
        }
    }
}
