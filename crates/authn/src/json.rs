//! JSON of others, which may hold secrets: errors say where, never what.

use serde::Deserialize;
use serde_json::Deserializer;
use serde_json::de::StrRead;

use crate::JsonFault;

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
