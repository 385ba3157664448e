//! JSON as it is printed.

use serde_json::Value;

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
