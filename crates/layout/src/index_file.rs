//! `index.json`: changed without losing what we do not know.

use std::fmt;
use std::path::Path;

use oci_spec::image::Descriptor;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::file::{read_capped, replace};
use crate::indent::indent;
use crate::options::REF_NAME;
use crate::{Error, canonical};

/// The file's name.
pub(crate) const INDEX: &str = "index.json";

/// Largest `index.json` that is read, in bytes.
const LIMIT: u64 = 100 * 1024 * 1024;

/// More fields than an index ever has.
const FIELDS_LIMIT: usize = 256;

const SCHEMA_VERSION: &str = "schemaVersion";
const MEDIA_TYPE: &str = "mediaType";
const MANIFESTS: &str = "manifests";

/// The order in which an index's own fields are written; others follow as they came.
const ORDER: [&str; 6] = [
    SCHEMA_VERSION,
    MEDIA_TYPE,
    MANIFESTS,
    "annotations",
    "subject",
    "artifactType",
];

/// An `index.json` while it is changed. Fields and entries are kept as raw JSON.
#[derive(Debug)]
pub(crate) struct IndexFile {
    fields: Vec<(String, Box<RawValue>)>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    raw: Box<RawValue>,
    /// `None` for an entry that is no descriptor; it is kept, and never matches.
    descriptor: Option<Descriptor>,
}

/// The bytes of a layout's `index.json`.
pub(crate) fn read(root: &Path) -> Result<Vec<u8>, Error> {
    read_capped(&root.join(INDEX), LIMIT)
}

/// Writes an index without entries, unless there is one. Returns whether it wrote.
pub(crate) fn ensure(root: &Path) -> Result<bool, Error> {
    let path = root.join(INDEX);
    if path.exists() {
        return Ok(false);
    }
    replace(&path, IndexFile::empty().render().as_bytes())?;
    Ok(true)
}

/// Whether the layout lists nothing: neither an entry nor any field that we did not write.
pub(crate) fn is_empty_at(root: &Path) -> bool {
    match read(root) {
        Ok(bytes) => bytes == IndexFile::empty().render().as_bytes(),
        Err(error) => error.is_not_found(),
    }
}

/// Lists an entry in a layout's `index.json`. The caller holds the lock.
pub(crate) fn add(root: &Path, descriptor: &Descriptor) -> Result<(), Error> {
    let path = root.join(INDEX);
    let mut file = match read(root) {
        Ok(bytes) => IndexFile::parse(&bytes, &path)?,
        Err(error) if error.is_not_found() => IndexFile::empty(),
        Err(error) => return Err(error),
    };
    file.put(descriptor);
    replace(&path, file.render().as_bytes())
}

impl IndexFile {
    fn empty() -> Self {
        let fields = [
            (SCHEMA_VERSION, "2"),
            (MEDIA_TYPE, r#""application/vnd.oci.image.index.v1+json""#),
        ];
        let fields = fields.map(|(name, json)| (name.to_owned(), raw(json.to_owned())));
        Self {
            fields: fields.into(),
            entries: Vec::new(),
        }
    }

    fn parse(bytes: &[u8], path: &Path) -> Result<Self, Error> {
        let invalid = |error: serde_json::Error| Error::Invalid {
            path: path.to_owned(),
            source: error.into(),
        };
        let Fields(mut fields) = serde_json::from_slice(bytes).map_err(invalid)?;
        let entries: Option<Vec<Box<RawValue>>> = match fields.iter().position(|(name, _)| name == MANIFESTS)
        {
            Some(position) => serde_json::from_str(fields.remove(position).1.get()).map_err(invalid)?,
            None => None,
        };
        let entries = entries.unwrap_or_default().into_iter().map(|raw| {
            let descriptor = serde_json::from_str(raw.get()).ok();
            Entry { raw, descriptor }
        });
        let entries = entries.collect();
        Ok(Self { fields, entries })
    }

    /// Adds an entry, in place of one that has the same digest and name.
    fn put(&mut self, descriptor: &Descriptor) {
        let entry = Entry {
            raw: raw(canonical::descriptor(descriptor)),
            descriptor: Some(descriptor.clone()),
        };
        let same = self.entries.iter().position(|entry| {
            entry.descriptor.as_ref().is_some_and(|old| {
                old.digest() == descriptor.digest() && ref_name(old) == ref_name(descriptor)
            })
        });
        match same {
            Some(position) => self.entries[position] = entry,
            None => self.entries.push(entry),
        }
    }

    fn render(&self) -> String {
        let entries: Vec<&str> = self.entries.iter().map(|entry| entry.raw.get()).collect();
        let entries = raw(format!("[{}]", entries.join(",")));
        let mut fields: Vec<(&str, &RawValue)> = Vec::with_capacity(self.fields.len() + 1);
        fields.extend(self.fields.iter().map(|(name, value)| (name.as_str(), &**value)));
        fields.push((MANIFESTS, &entries));
        fields.sort_by_key(|(name, _)| {
            ORDER
                .iter()
                .position(|known| known == name)
                .unwrap_or(ORDER.len())
        });
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{}:{}", serde_json::Value::from(*name), value.get()))
            .collect();
        indent(&format!("{{{}}}", fields.join(",")))
    }
}

fn ref_name(descriptor: &Descriptor) -> Option<&String> {
    descriptor.annotations().as_ref()?.get(REF_NAME)
}

fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("valid JSON was put together")
}

/// The fields of a JSON object in their order. Of several with one name the last counts.
struct Fields(Vec<(String, Box<RawValue>)>);

impl<'de> serde::Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields: Vec<(String, Box<RawValue>)> = Vec::new();
                while let Some((name, value)) = map.next_entry()? {
                    if fields.len() == FIELDS_LIMIT {
                        return Err(A::Error::custom("too many fields"));
                    }
                    fields.retain(|(earlier, _)| *earlier != name);
                    fields.push((name, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
