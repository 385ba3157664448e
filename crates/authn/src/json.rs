//! JSON of others, which may hold secrets: errors say where, never what.

use serde::Deserialize;

use crate::JsonFault;

/// Reads the object that `text` begins with; `None` for `null`. What follows it is ignored.
pub(crate) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<Option<T>, JsonFault> {
    // serde would fill a struct from a list by position.
    if text.trim_ascii_start().starts_with('[') {
        return Err(JsonFault {
            syntax: false,
            line: 1,
            column: 1,
        });
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Option::deserialize(&mut deserializer).map_err(|error| JsonFault {
        syntax: !error.is_data(),
        line: error.line(),
        column: error.column(),
    })
}
