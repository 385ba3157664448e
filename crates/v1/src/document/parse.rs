//! From bytes to the typed view: tolerant where real documents are loose, strict where it matters.

use std::fmt;

use oci_spec::image::MediaType;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::schema::{Field, Kind, Presence, Schema};
use super::{DocumentKind, View};
use crate::Error;
use crate::media_type::MediaTypeExt as _;

/// The typed view of `raw`, a document stored as `media_type`.
pub(super) fn parse<T: View>(raw: &[u8], media_type: &MediaType) -> Result<T, Error> {
    if !may_be(T::KIND, media_type) {
        return Err(Error::UnexpectedMediaType {
            got: media_type.clone(),
            wanted: T::KIND,
        });
    }
    let value: Value = serde_json::from_slice(raw).invalid_as(T::KIND)?;
    refuse_ambiguous(T::KIND, &value).invalid_as(T::KIND)?;
    let mut view: T = typed(T::KIND, value)?;
    view.settle();
    Ok(view)
}

/// A value of the JSON that a document of this kind is.
pub(super) fn typed<T: DeserializeOwned>(kind: DocumentKind, mut value: Value) -> Result<T, Error> {
    object(Schema::of(kind), &mut value).invalid_as(kind)?;
    serde_json::from_value(value).invalid_as(kind)
}

/// The JSON, in the form that documents have, of one of the ecosystem's types.
pub(super) fn untyped(schema: &Schema, typed: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(typed).expect("the types have string keys and whole numbers only");
    wire(schema, &mut value);
    value
}

/// Says of which kind of document something is wrong.
pub(super) trait InvalidAs<T> {
    fn invalid_as(self, kind: DocumentKind) -> Result<T, Error>;
}

impl<T, E: std::error::Error + Send + Sync + 'static> InvalidAs<T> for Result<T, E> {
    fn invalid_as(self, kind: DocumentKind) -> Result<T, Error> {
        self.map_err(|error| Error::InvalidDocument {
            kind,
            source: error.into(),
        })
    }
}

/// Whether content stored as `media_type` can be a document of this kind. Unknown media types can:
/// some places store none, or any.
fn may_be(kind: DocumentKind, media_type: &MediaType) -> bool {
    let known = media_type.is_image()
        || media_type.is_index()
        || media_type.is_config()
        || media_type.is_layer()
        || media_type.is_schema1();
    !known
        || match kind {
            DocumentKind::Manifest => media_type.is_image(),
            DocumentKind::Index => media_type.is_index(),
            DocumentKind::Config => media_type.is_config(),
            DocumentKind::Descriptor => false,
        }
}

/// Refuses a document that one reader may take for a manifest and another for an index: who checked it
/// as one must not see it used as the other (CVE-2021-41190). Go's decoder takes names in any case, so a
/// foreign name counts in any, and one of our own in another case would be read by Go alone.
fn refuse_ambiguous(kind: DocumentKind, value: &Value) -> Result<(), Flaw> {
    let foreign: &[&str] = match kind {
        DocumentKind::Manifest => &["manifests"],
        DocumentKind::Index => &["config", "layers", "fsLayers"],
        DocumentKind::Config | DocumentKind::Descriptor => return Ok(()),
    };
    let Some(members) = value.as_object() else {
        return Ok(());
    };
    let own = Schema::of(kind).fields;
    for (name, value) in members {
        let is_foreign = foreign.iter().any(|foreign| foreign.eq_ignore_ascii_case(name));
        let is_misspelt = own
            .iter()
            .any(|own| own.name != name && own.name.eq_ignore_ascii_case(name));
        let is_other_kind = name == "mediaType"
            && value
                .as_str()
                .is_some_and(|text| !may_be(kind, &MediaType::from(text)));
        if !is_empty(value) && (is_foreign || is_misspelt || is_other_kind) {
            return Err(Flaw::at(name, What::Ambiguous));
        }
    }
    Ok(())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Brings an object into the form that the typed view reads: no `null`, names as the view has them,
/// defaults filled in.
fn object(schema: &Schema, value: &mut Value) -> Result<(), Flaw> {
    let Some(members) = value.as_object_mut() else {
        return Err(Flaw::here(What::Wanted("an object")));
    };
    let mut viewed = Map::new();
    for field in schema.fields {
        let value = members.remove(field.name).filter(|value| !value.is_null());
        if let Some(value) = member(field, value).map_err(|flaw| flaw.inside(field.name))? {
            viewed.insert(field.view_name.to_owned(), value);
        }
    }
    *members = viewed;
    Ok(())
}

fn member(field: &Field, value: Option<Value>) -> Result<Option<Value>, Flaw> {
    let mut value = match (value, field.presence) {
        (_, Presence::Hidden) => return Ok(None),
        (Some(value), _) => value,
        (None, Presence::Required) => return Err(Flaw::here(What::Missing)),
        (None, Presence::Filled(default)) => {
            let default = serde_json::from_str(default).expect("the schema's defaults are JSON");
            if matches!(default, Value::Null) {
                Value::Array(Vec::new())
            } else {
                default
            }
        }
        (None, Presence::Optional | Presence::Written(_)) => return Ok(None),
    };
    read(field.kind, &mut value)?;
    Ok(Some(value))
}

fn read(kind: Kind, value: &mut Value) -> Result<(), Flaw> {
    let wanted = match (kind, &mut *value) {
        (Kind::Object(schema), value) => return object(schema, value),
        (Kind::List(schema, _), Value::Array(elements)) => {
            for (i, element) in elements.iter_mut().enumerate() {
                or_default(element, || Value::Object(Map::new()));
                object(schema, element).map_err(|flaw| flaw.inside(&format!("[{i}]")))?;
            }
            return Ok(());
        }
        (Kind::Texts, Value::Array(elements)) => {
            elements
                .iter_mut()
                .for_each(|element| or_default(element, || Value::String(String::new())));
            if elements.iter().all(Value::is_string) {
                return Ok(());
            }
            "a list of strings"
        }
        (Kind::TextMap, Value::Object(members)) => {
            members
                .values_mut()
                .for_each(|value| or_default(value, || Value::String(String::new())));
            if members.values().all(Value::is_string) {
                return Ok(());
            }
            "a map of strings"
        }
        (Kind::Set, Value::Object(members)) => {
            members
                .values_mut()
                .for_each(|value| *value = Value::Object(Map::new()));
            return Ok(());
        }
        // Beyond that no registry and no other tool can go.
        (Kind::Integer, Value::Number(number)) if number.as_u64().is_some_and(|n| n <= i64::MAX as u64) => {
            return Ok(());
        }
        (Kind::Text | Kind::Time, Value::String(_)) | (Kind::Flag, Value::Bool(_)) => return Ok(()),
        (Kind::List(..), _) => "a list",
        (Kind::Texts, _) => "a list of strings",
        (Kind::TextMap | Kind::Set, _) => "an object",
        (Kind::Integer, _) => "a whole number that is not negative and has 63 bits at most",
        (Kind::Text | Kind::Time, _) => "a string",
        (Kind::Flag, _) => "true or false",
    };
    Err(Flaw::here(What::Wanted(wanted)))
}

fn or_default(value: &mut Value, default: impl FnOnce() -> Value) {
    if value.is_null() {
        *value = default();
    }
}

/// Brings what the typed view wrote into the form that documents have; the inverse of [`object`] in
/// names.
fn wire(schema: &Schema, value: &mut Value) {
    let Some(members) = value.as_object_mut() else {
        return;
    };
    for field in schema.fields {
        let Some(mut value) = members.remove(field.view_name) else {
            continue;
        };
        match field.kind {
            Kind::Object(schema) => wire(schema, &mut value),
            Kind::List(schema, _) => {
                value
                    .as_array_mut()
                    .into_iter()
                    .flatten()
                    .for_each(|element| wire(schema, element));
            }
            _ => {}
        }
        members.insert(field.name.to_owned(), value);
    }
}

/// What is wrong with a document, and where in it.
#[derive(Debug)]
struct Flaw {
    path: String,
    what: What,
}

#[derive(Debug)]
enum What {
    Ambiguous,
    Missing,
    Wanted(&'static str),
}

impl Flaw {
    fn here(what: What) -> Self {
        Self {
            path: String::new(),
            what,
        }
    }

    fn at(path: &str, what: What) -> Self {
        Self {
            path: path.to_owned(),
            what,
        }
    }

    fn inside(mut self, outer: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') {
            ""
        } else {
            "."
        };
        self.path = format!("{outer}{dot}{}", self.path);
        self
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match self.what {
            What::Ambiguous => write!(f, "ambiguous document: others may take {path} for something else"),
            What::Missing => write!(f, "{path} is missing"),
            What::Wanted(wanted) if path.is_empty() => write!(f, "not {wanted}"),
            What::Wanted(wanted) => write!(f, "{path} is not {wanted}"),
        }
    }
}

impl std::error::Error for Flaw {}
