//! JSON of others, which may hold secrets: errors say where, never what.

use std::mem::take;

use serde::Deserialize;
use serde::de::Error as _;
use serde_json::Deserializer;
use serde_json::de::StrRead;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::{JsonFault, Secret};

/// Reads the object that `text` begins with; `None` for `null`. What follows it is ignored.
pub(crate) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<Option<T>, JsonFault> {
    begin(text).map(|(value, _)| value)
}

/// Reads the object that `text` is; `None` for `null`. Nothing may follow it.
pub(crate) fn whole<'a, T: Deserialize<'a>>(text: &'a str) -> Result<Option<T>, JsonFault> {
    let (value, mut deserializer) = begin(text)?;
    deserializer.end().map_err(fault)?;
    Ok(value)
}

type Begun<'a, T> = (Option<T>, Deserializer<StrRead<'a>>);

fn begin<'a, T: Deserialize<'a>>(text: &'a str) -> Result<Begun<'a, T>, JsonFault> {
    // serde would fill a struct from a list by position.
    if text.trim_ascii_start().starts_with('[') {
        return Err(JsonFault {
            syntax: false,
            line: 1,
            column: 1,
        });
    }
    let mut deserializer = Deserializer::from_str(text);
    let value = Option::deserialize(&mut deserializer).map_err(fault)?;
    Ok((value, deserializer))
}

fn fault(error: serde_json::Error) -> JsonFault {
    JsonFault {
        syntax: !error.is_data(),
        line: error.line(),
        column: error.column(),
    }
}

/// A text that may be a secret, and is in no buffer that is not wiped; serde's own for texts with escaped characters
/// is none.
#[derive(Default)]
pub(crate) struct Text(pub(crate) Secret);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?.get();
        unescape(json)
            .map(Self)
            .ok_or_else(|| D::Error::custom("not a text"))
    }
}

/// `text` as JSON. As a secret it may be, it is in no buffer that is not wiped.
pub(crate) fn quoted(text: &str) -> Secret {
    // With room for each character escaped, no copy stays behind from growing.
    let mut json = Zeroizing::new(Vec::with_capacity(2 + 6 * text.len()));
    serde_json::to_writer(&mut *json, text).expect("a text is JSON, and memory takes it");
    String::from_utf8(take(&mut *json)).expect("JSON is UTF-8").into()
}

/// The text that `json`, which is valid, stands for; `None` if it is something other than a text, or half of a
/// surrogate pair is in it.
fn unescape(json: &str) -> Option<Secret> {
    let mut rest = json.strip_prefix('"')?.strip_suffix('"')?;
    // No character is longer than its escape.
    let mut text = Zeroizing::new(String::with_capacity(rest.len()));
    while let Some((before, escape)) = rest.split_once('\\') {
        text.push_str(before);
        let (c, after) = escaped(escape)?;
        text.push(c);
        rest = after;
    }
    text.push_str(rest);
    Some(take(&mut *text).into())
}

/// The character that an escape stands for, and what follows. The backslash is taken already.
fn escaped(escape: &str) -> Option<(char, &str)> {
    let kind = escape.chars().next()?;
    let after = &escape[kind.len_utf8()..];
    let c = match kind {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => {
            let (first, after) = unit(after)?;
            if let Some(c) = char::from_u32(first.into()) {
                return Some((c, after));
            }
            let (second, after) = unit(after.strip_prefix("\\u")?)?;
            let c = char::decode_utf16([first, second]).next()?.ok()?;
            return Some((c, after));
        }
        // `"`, `\` and `/` stand for themselves.
        c => c,
    };
    Some((c, after))
}

/// Four hex digits.
fn unit(text: &str) -> Option<(u16, &str)> {
    let (digits, after) = text.split_at_checked(4)?;
    Some((u16::from_str_radix(digits, 16).ok()?, after))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(json: &str, want: Option<&str>) {
        let text = whole::<Text>(json).ok().flatten();
        assert_eq!(text.as_ref().map(|text| text.0.expose()), want, "{json}");
    }

    #[test]
    fn texts() {
        check(r#""""#, Some(""));
        check(r#" "plain é" "#, Some("plain é"));
        check(r#""\"\\\/\b\f\n\r\t""#, Some("\"\\/\u{8}\u{c}\n\r\t"));
        check(r#""\u0041\u00e9\uD83D\ude00x""#, Some("Aé😀x"));
        check(r#""\\u0041""#, Some("\\u0041"));
        // Halves of pairs.
        check(r#""\ud83d""#, None);
        check(r#""\ud83dx""#, None);
        check(r#""\ud83d\u0041""#, None);
        check(r#""\ude00\ud83d""#, None);
        // No texts, and no JSON.
        for json in [
            "7",
            "true",
            "[\"a\"]",
            "{}",
            "\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u12é\"",
            "\"\n\"",
        ] {
            check(json, None);
        }
    }

    proptest! {
        #[test]
        fn what_is_quoted_reads_back(text in any::<String>()) {
            let json = quoted(&text);
            let read: String = serde_json::from_str(json.expose()).expect("JSON");
            prop_assert_eq!(&read, &text);
            check(json.expose(), Some(&text));
        }

        #[test]
        fn any_text_is_read_as_serde_does(json in r#""([ -~é]|\\[bfnrt/"\\]|\\u[0-9a-fA-F]{4}|\\ud83d\\ude00){0,8}""#) {
            let want: Option<String> = serde_json::from_str(&json).ok();
            check(&json, want.as_deref());
        }
    }
}
