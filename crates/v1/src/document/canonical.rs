//! From a typed view back to bytes: canonical, and without losing what the view does not know.
//!
//! Every value has three sides: `base`, the text that the document had; `before`, what the view said of
//! it; `after`, what the view says now. Where the view did not change the text stays, only brought into
//! canonical form; where it did, the new value is written over it. So what the view does not have is
//! never touched.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;
use serde_json::value::RawValue;

use super::json::{Members, compact, quote};
use super::schema::{Field, Identity, Kind, Presence, Schema};
use super::time;

/// The three sides of one value. JSON's `null` counts as nothing.
#[derive(Clone, Copy, Default)]
pub(super) struct Sides<'a> {
    pub(super) base: Option<&'a RawValue>,
    pub(super) before: Option<&'a Value>,
    pub(super) after: Option<&'a Value>,
    /// An element of a list that keeps its length stays the same element, whatever it says now.
    pub(super) in_place: bool,
}

impl<'a> Sides<'a> {
    fn member(self, base: Option<&'a RawValue>, name: &str) -> Self {
        let member = |side: Option<&'a Value>| side?.get(name).filter(|value| !value.is_null());
        Self {
            base: base.filter(|raw| raw.get() != "null"),
            before: member(self.before),
            after: member(self.after),
            in_place: self.in_place,
        }
    }

    fn was_removed(self) -> bool {
        self.before.is_some() && self.after.is_none()
    }
}

/// The text of an object, or nothing if there is none.
pub(super) fn object(schema: &Schema, sides: Sides<'_>) -> Option<String> {
    if sides.was_removed() || (sides.base.is_none() && sides.after.is_none()) {
        return None;
    }
    let mut members = match sides.base.map(Members::parse) {
        None => Members::default(),
        Some(Some(members)) => members,
        // No object, so nothing that the view knows: it stays as it is.
        Some(None) => return sides.base.map(|raw| compact(raw.get())),
    };
    let mut out = String::from("{");
    let mut write = |name: &str, text: &str| {
        if out.len() > 1 {
            out.push(',');
        }
        quote(name, &mut out);
        out.push(':');
        out.push_str(text);
    };
    for field in schema.fields {
        let base = members.take(field.name);
        let text = value(field.kind, sides.member(base.as_deref(), field.name));
        if let Some(text) = written(field, text) {
            write(field.name, &text);
        }
    }
    for (name, raw) in members.rest() {
        write(name, &compact(raw.get()));
    }
    out.push('}');
    Some(out)
}

/// What is written for a field whose value is `text`, if anything is.
fn written(field: &Field, text: Option<String>) -> Option<String> {
    match field.presence {
        Presence::Written(default) | Presence::Filled(default) => {
            Some(text.unwrap_or_else(|| default.to_owned()))
        }
        Presence::Required => text,
        // Go never takes a struct for empty, but all else that is zero.
        Presence::Optional | Presence::Hidden => text.filter(|text| {
            matches!(field.kind, Kind::Object(_))
                || !matches!(text.as_str(), "false" | "0" | "\"\"" | "[]" | "{}")
        }),
    }
}

/// The text of a value, or nothing if there is none.
fn value(kind: Kind, sides: Sides<'_>) -> Option<String> {
    match kind {
        Kind::Object(schema) => object(schema, sides),
        Kind::List(schema, identity) => list(schema, identity, sides),
        _ if sides.before == sides.after => {
            let text = sides.base?.get();
            let canonical = serde_json::from_str(text)
                .ok()
                .and_then(|value| leaf(kind, &value));
            Some(canonical.unwrap_or_else(|| compact(text)))
        }
        _ => sides
            .after
            .map(|value| leaf(kind, value).unwrap_or_else(|| value.to_string())),
    }
}

/// The text of a value without fields; nothing when it is not of this kind.
fn leaf(kind: Kind, value: &Value) -> Option<String> {
    let mut out = String::new();
    match (kind, value) {
        (Kind::Text, Value::String(text)) => quote(text, &mut out),
        (Kind::Time, Value::String(text)) => quote(&time::canonical(text), &mut out),
        (Kind::Flag, Value::Bool(flag)) => out.push_str(if *flag { "true" } else { "false" }),
        (Kind::Texts, Value::Array(elements)) => {
            separated('[', elements, ']', &mut out, text_of)?;
        }
        (Kind::TextMap | Kind::Set, Value::Object(members)) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| *name);
            separated('{', sorted, '}', &mut out, |(name, value), out| {
                quote(name, out);
                out.push(':');
                match (kind, value) {
                    (Kind::TextMap, value) => return text_of(value, out),
                    (_, Value::Null) => out.push_str("{}"),
                    (_, value) => out.push_str(&value.to_string()),
                }
                Some(())
            })?;
        }
        _ => return None,
    }
    Some(out)
}

fn text_of(value: &Value, out: &mut String) -> Option<()> {
    match value {
        Value::String(text) => quote(text, out),
        Value::Null => out.push_str("\"\""),
        _ => return None,
    }
    Some(())
}

fn separated<T>(
    open: char,
    items: impl IntoIterator<Item = T>,
    close: char,
    out: &mut String,
    mut write: impl FnMut(T, &mut String) -> Option<()>,
) -> Option<()> {
    out.push(open);
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(item, out)?;
    }
    out.push(close);
    Some(())
}

fn list(schema: &Schema, identity: Identity, sides: Sides<'_>) -> Option<String> {
    if sides.was_removed() {
        return None;
    }
    let base: Vec<Box<RawValue>> = match sides.base.map(|raw| serde_json::from_str(raw.get())) {
        None => Vec::new(),
        Some(Ok(elements)) if sides.after.is_some() => elements,
        Some(_) => return sides.base.map(|raw| compact(raw.get())),
    };
    let (before, after) = (elements(sides.before), elements(Some(sides.after?)));
    let mut out = String::new();
    let places = if sides.in_place && before.len() == after.len() {
        (0..after.len()).map(Some).collect()
    } else {
        origins(identity, before, after)
    };
    let in_place = sides.in_place;
    separated(
        '[',
        after.iter().zip(places),
        ']',
        &mut out,
        |(after, place), out| {
            let base = place.and_then(|place| base.get(place)).map(|raw| &**raw);
            let sides = Sides {
                base: base.filter(|raw| raw.get() != "null"),
                before: place.and_then(|place| before.get(place)),
                after: Some(after),
                in_place,
            };
            out.push_str(&object(schema, sides)?);
            Some(())
        },
    )?;
    Some(out)
}

fn elements(side: Option<&Value>) -> &[Value] {
    side.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// For each element of `after` the place in `before` of the element that it was, if it was one.
fn origins(identity: Identity, before: &[Value], after: &[Value]) -> Vec<Option<usize>> {
    let key = |element: &Value| match identity {
        Identity::Digest => element.get("digest").map(Value::to_string),
        Identity::Place => Some(element.to_string()),
    };
    let mut places: HashMap<String, VecDeque<usize>> = HashMap::new();
    for (place, element) in before.iter().enumerate() {
        if let Some(key) = key(element) {
            places.entry(key).or_default().push_back(place);
        }
    }
    let mut free = vec![true; before.len()];
    let mut found: Vec<Option<usize>> = after
        .iter()
        .map(|element| {
            let place = places.get_mut(&key(element)?)?.pop_front()?;
            free[place] = false;
            Some(place)
        })
        .collect();
    if identity == Identity::Place && before.len() == after.len() {
        for (place, origin) in found.iter_mut().enumerate() {
            if origin.is_none() && free[place] {
                *origin = Some(place);
            }
        }
    }
    found
}
