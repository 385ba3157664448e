//! Editing a configuration without losing what is in it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use wharf_name::Registry;
use zeroize::Zeroizing;

use super::StoreFault;
use super::indent::indent;
use crate::docker::key;
use crate::{ConfigSource, Credential, DockerConfig, Error, JsonFault, Secret, json};

/// The fields of an entry that are its credentials.
const CREDENTIAL_FIELDS: [&str; 5] = ["auth", "username", "password", "identitytoken", "registrytoken"];

/// The text of docker's `config.json` or podman's `auth.json`, to be edited.
///
/// # Contract
///
/// What an edit does not concern stays as it is: unknown fields, their order, and the spelling of their
/// values; white space aside, as the text is written as docker writes it, indented by tabs. What cannot be
/// read is not edited either.
///
/// An entry is written under the registry's name, Docker Hub's under `https://index.docker.io/v1/`; others
/// that stand for the same registry, as `https://host/v2/` does, give way. Entries for paths in it stay.
///
/// ```
/// use wharf_authn::{ConfigDocument, Credential};
///
/// let mut document = ConfigDocument::parse(r#"{"detachKeys": "ctrl-e,e"}"#)?;
/// document.set(&"docker.io".parse()?, &Credential::basic("alice", "wonderland"))?;
/// let text = document.to_text().expose().replace('\t', "  ");
/// assert_eq!(
///     text,
///     r#"{
///   "detachKeys": "ctrl-e,e",
///   "auths": {
///     "https://index.docker.io/v1/": {
///       "auth": "YWxpY2U6d29uZGVybGFuZA=="
///     }
///   }
/// }"#
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ConfigDocument {
    members: Members,
}

impl ConfigDocument {
    /// Parses a text. An empty one is an empty configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] if it is not JSON or not of the shape that [`DockerConfig::parse`] takes, and if
    /// something follows the object.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::from_text(text, ConfigSource::Text)
    }

    pub(super) fn from_text(text: &str, source: ConfigSource) -> Result<Self, Error> {
        // What was not understood is not ours to write.
        DockerConfig::from_text(text, source.clone())?;
        let text = text.trim_start_matches('\u{feff}');
        if text.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let members = json::whole(text).map_err(|fault| Error::Malformed {
            config: source,
            source: fault,
        })?;
        Ok(Self {
            members: members.unwrap_or_default(),
        })
    }

    /// Sets the credential for a registry as a whole, in place of what is there.
    ///
    /// # Errors
    ///
    /// [`Error::Unstorable`] if the format has no place for it, or it would read back as another one.
    pub fn set(&mut self, registry: &Registry, credential: &Credential) -> Result<(), Error> {
        let fields = fields(credential).map_err(|source| Error::Unstorable {
            registry: registry.to_string(),
            source,
        })?;
        self.put(registry, fields);
        Ok(())
    }

    /// Notes that a helper has the credential for a registry: an entry without one, as docker leaves it.
    pub fn set_elsewhere(&mut self, registry: &Registry) {
        self.put(registry, Members::default());
    }

    /// Removes all entries for a registry as a whole. Says whether there was one.
    pub fn remove(&mut self, registry: &Registry) -> bool {
        let mut auths = self.auths();
        let before = auths.0.len();
        auths.0.retain(|(key, _)| !key::stands_for(key, registry));
        let has_changed = auths.0.len() < before;
        if has_changed {
            self.members.set("auths", auths.to_json());
        }
        has_changed
    }

    /// The JSON, indented as docker does it.
    pub fn to_text(&self) -> Secret {
        let json = self.members.to_json();
        let mut len = 0;
        indent(json.expose(), &mut |piece| len += piece.len());
        // With room for all of it from the start, no copy of the secrets stays behind from growing.
        let mut text = String::with_capacity(len);
        indent(json.expose(), &mut |piece| text.push_str(piece));
        text.into()
    }

    fn auths(&self) -> Members {
        let auths = self.members.get("auths").map(members);
        auths.unwrap_or_default()
    }

    fn put(&mut self, registry: &Registry, fields: Members) {
        let mut auths = self.auths();
        let ours = key::server(registry);
        let mut entry = auths.get(ours).map(members).unwrap_or_default();
        entry.0.retain(|(name, _)| !CREDENTIAL_FIELDS.contains(&&**name));
        entry.0.splice(0..0, fields.0);
        auths
            .0
            .retain(|(key, _)| key == ours || !key::stands_for(key, registry));
        auths.set(ours, entry.to_json());
        self.members.set("auths", auths.to_json());
    }
}

/// Members of an object in their order, the values as they are written.
#[derive(Clone, Default, PartialEq, Eq)]
struct Members(Vec<(String, Secret)>);

impl Members {
    fn get(&self, name: &str) -> Option<&Secret> {
        // Of several of the same name the last one counts, as for serde.
        self.0
            .iter()
            .rfind(|(known, _)| known == name)
            .map(|(_, json)| json)
    }

    /// Sets a member in its place, the only one of its name, or adds it.
    fn set(&mut self, name: &str, json: Secret) {
        let at = self.0.iter().position(|(known, _)| known == name);
        let at = at.unwrap_or(self.0.len());
        self.0.retain(|(known, _)| known != name);
        self.0.insert(at, (name.to_owned(), json));
    }

    fn to_json(&self) -> Secret {
        let quoted = |name| serde_json::to_string(name).expect("a text is JSON");
        let names: Vec<String> = self.0.iter().map(|(name, _)| quoted(name)).collect();
        let values = self.0.iter().map(|(_, json)| json.expose());
        let pairs = || names.iter().zip(values.clone());
        // With room for all of it from the start, no copy of the secrets stays behind from growing.
        let len = 2 + pairs()
            .map(|(name, json)| name.len() + json.len() + 2)
            .sum::<usize>();
        let mut text = String::with_capacity(len);
        text.push('{');
        for (i, (name, json)) in pairs().enumerate() {
            if i > 0 {
                text.push(',');
            }
            text.push_str(name);
            text.push(':');
            text.push_str(json);
        }
        text.push('}');
        text.into()
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Members::default();
                while let Some((name, json)) = map.next_entry::<String, &RawValue>()? {
                    members.0.push((name, json.get().into()));
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// The members of a value; none if it is no object, which is then replaced.
fn members(json: &Secret) -> Members {
    let parsed: Result<Option<Members>, JsonFault> = json::whole(json.expose());
    parsed.ok().flatten().unwrap_or_default()
}

/// The fields that hold a credential.
fn fields(credential: &Credential) -> Result<Members, StoreFault> {
    let field = |name: &str, text: &str| (name.to_owned(), json::quoted(text));
    let token = |name, token: &Secret| match token.is_empty() {
        true => Err(StoreFault::Nothing),
        false => Ok(field(name, token.expose())),
    };
    let fields = match credential {
        Credential::Anonymous => return Err(StoreFault::Nothing),
        Credential::Basic { username, password } => vec![field("auth", &auth(username, password.expose())?)],
        Credential::IdentityToken { token: text, .. } => {
            let user = credential.username().map(|username| auth(username, ""));
            let user = user.transpose()?.map(|auth| field("auth", &auth));
            user.into_iter().chain([token("identitytoken", text)?]).collect()
        }
        Credential::RegistryToken(text) => vec![token("registrytoken", text)?],
    };
    Ok(Members(fields))
}

/// `base64(username:password)`.
fn auth(username: &str, password: &str) -> Result<Zeroizing<String>, StoreFault> {
    if username.is_empty() && password.is_empty() {
        return Err(StoreFault::Nothing);
    }
    if username.contains(':') {
        return Err(StoreFault::Colon);
    }
    // Readers cut it off.
    if password.starts_with('\0') || password.ends_with('\0') {
        return Err(StoreFault::Nul);
    }
    let mut pair = Zeroizing::new(String::with_capacity(username.len() + 1 + password.len()));
    pair.push_str(username);
    pair.push(':');
    pair.push_str(password);
    Ok(Zeroizing::new(STANDARD.encode(pair.as_bytes())))
}

/// Shows no value, as each may be a secret.
impl fmt::Debug for ConfigDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.members.0.iter().map(|(name, _)| name);
        f.debug_tuple("ConfigDocument")
            .field(&names.collect::<Vec<_>>())
            .finish()
    }
}
