//! JSON objects by their members, which keep the text that they had.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// The members of a JSON object, sorted by their names.
#[derive(Default)]
pub(crate) struct Members(BTreeMap<String, Box<RawValue>>);

impl Members {
    pub(crate) fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json).map(Self)
    }

    /// The member as a value; nothing where there is none, or `null`.
    pub(crate) fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, serde_json::Error> {
        match self.0.get(name) {
            Some(raw) => serde_json::from_str(raw.get()),
            None => Ok(None),
        }
    }

    /// The members of a member that is an object itself, if it is.
    pub(crate) fn inner(&self, name: &str) -> Option<Self> {
        Self::parse(self.0.get(name)?.get().as_bytes()).ok()
    }

    /// Sets a member to this value.
    pub(crate) fn set(&mut self, name: &str, value: &impl Serialize) -> Result<(), serde_json::Error> {
        self.0
            .insert(name.to_owned(), serde_json::value::to_raw_value(value)?);
        Ok(())
    }

    /// Sets a member to this JSON.
    pub(crate) fn set_json(&mut self, name: &str, json: String) -> Result<(), serde_json::Error> {
        self.0.insert(name.to_owned(), RawValue::from_string(json)?);
        Ok(())
    }

    /// Removes a member. False when there was none.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    /// The object, without blanks between the members.
    pub(crate) fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&self.0)
    }
}
