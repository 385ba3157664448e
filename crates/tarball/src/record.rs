//! The records of `manifest.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The name of the file that lists an archive's images.
pub(crate) const MANIFEST: &str = "manifest.json";

/// What `manifest.json` says of one image. Fields that we do not know are ignored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Record {
    /// The name of the config's file.
    pub(crate) config: String,
    /// The image's names; `null` where it has none.
    pub(crate) repo_tags: Option<Vec<String>>,
    /// The names of the layers' files, base first.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(crate) layers: Vec<String>,
    /// By diff_id, the descriptors of layers that may not be distributed. Docker 25 and later list
    /// every layer.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "null_as_empty"
    )]
    pub(crate) layer_sources: BTreeMap<String, Box<RawValue>>,
}

/// `manifest.json` of these records.
pub(crate) fn to_json(records: &[Record]) -> Vec<u8> {
    serde_json::to_vec(records).expect("strings and lists always serialise")
}

fn null_as_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
