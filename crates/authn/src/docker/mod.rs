//! The file that `docker login` and `podman login` leave behind.

pub(crate) mod entry;
pub(crate) mod key;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use self::key::Key;
use crate::explanation::Notes;
use crate::json;
use crate::keychain::anonymous;
use crate::{Absence, Authenticator, ConfigSource, Credential, EntryFault, Error};
use crate::{Explanation, Finding, Found, Helpers, Keychain, Resource};

/// The largest file that is read, in bytes.
const MAX_SIZE: u64 = 4 << 20;

/// Docker's `config.json`, or podman's `auth.json`, which has the same format.
///
/// # Contract
///
/// For a resource, in this order:
///
/// 1. the helper that `credHelpers` names for the registry, or else `credsStore`; an empty name in
///    `credHelpers` switches `credsStore` off for that registry;
/// 2. the entry of `auths` with the longest path that the repository is in or below, by whole segments:
///    `host/org/app`, then `host/org`, then `host`. Entries without content are passed over.
///
/// A helper that has no credentials leaves the word to `auths`; so does one that fails, but then finding
/// nothing in `auths` either is a failure. A damaged entry matters only where it is the one to use.
///
/// `docker.io`, `index.docker.io` and `registry-1.docker.io` are all Docker Hub. Keys with a scheme, as
/// `https://host/v1/`, are for the whole registry. Ports have to agree, letter case of hosts has not.
/// Unknown fields and keys that name no registry are passed over.
///
/// Docker takes helpers' word alone, has no paths, and refuses a file for any bad entry in it.
///
/// ```
/// use wharf_authn::{Authenticator, Credential, DockerConfig, Keychain, Resource};
/// use wharf_name::Repository;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config = DockerConfig::parse(r#"{"auths": {
///     "quay.io": {"auth": "YWxpY2U6d29uZGVybGFuZA=="},
///     "quay.io/org": {"registrytoken": "t0ken"}
/// }}"#)?;
/// let app: Repository = "quay.io/org/app".parse()?;
/// let found = config.resolve(&Resource::from(&app)).await?.credential().await?;
/// assert_eq!(found, Credential::registry_token("t0ken"));
/// let other: Repository = "quay.io/organic/app".parse()?;
/// let found = config.resolve(&Resource::from(&other)).await?.credential().await?;
/// assert_eq!(found, Credential::basic("alice", "wonderland"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct DockerConfig {
    source: ConfigSource,
    /// In order of rank.
    auths: Vec<Entry>,
    creds_store: Option<String>,
    cred_helpers: Vec<Helper>,
    helpers: Arc<Helpers>,
}

/// An entry of `credHelpers`.
#[derive(Debug)]
struct Helper {
    key: Key,
    text: String,
    /// Empty to ask none.
    name: String,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    text: String,
    credential: Result<Credential, EntryFault>,
}

/// The file as far as it concerns us; `null` stands for nothing everywhere.
#[derive(Default, Deserialize)]
struct Fields<'a> {
    #[serde(borrow, default)]
    auths: Option<BTreeMap<String, &'a RawValue>>,
    #[serde(default, rename = "credsStore")]
    creds_store: Option<String>,
    #[serde(default, rename = "credHelpers")]
    cred_helpers: Option<BTreeMap<String, Option<String>>>,
}

impl DockerConfig {
    /// Parses the text of a file. An empty text is an empty configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] if it is not JSON, or not of this shape. Entries of `auths` are not judged yet.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::from_text(text, ConfigSource::Text)
    }

    /// Reads a file, of at most 4 MiB.
    ///
    /// # Errors
    ///
    /// [`Error::Unreadable`] also if there is none, [`Error::TooLarge`], and [`Error::Malformed`] as of
    /// [`parse`](Self::parse).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        Self::from_text(&read(path)?, ConfigSource::File(path.to_owned()))
    }

    /// The credential helpers are found and run by `helpers`, and share its cache.
    ///
    /// Default: [`Helpers::default`].
    #[must_use]
    pub fn with_helpers(mut self, helpers: Arc<Helpers>) -> Self {
        self.helpers = helpers;
        self
    }

    pub(crate) fn from_text(text: &str, source: ConfigSource) -> Result<Self, Error> {
        // Some editors on Windows write a byte order mark.
        let text = text.trim_start_matches('\u{feff}');
        let fields = match text.trim_ascii() {
            "" => None,
            // What follows the object is ignored, as docker does.
            _ => json::object::<Fields<'_>>(text).map_err(|fault| Error::Malformed {
                config: source.clone(),
                source: fault,
            })?,
        };
        let Fields {
            auths,
            creds_store,
            cred_helpers,
        } = fields.unwrap_or_default();
        let mut auths: Vec<Entry> = auths
            .into_iter()
            .flatten()
            .filter_map(|(text, raw)| {
                Some(Entry {
                    key: Key::parse(&text)?,
                    credential: entry::parse(raw),
                    text,
                })
            })
            .collect();
        auths.sort_by_key(|entry| entry.key.rank());
        let mut cred_helpers: Vec<Helper> = cred_helpers
            .into_iter()
            .flatten()
            .filter_map(|(text, name)| {
                Some(Helper {
                    key: Key::parse(&text)?,
                    text,
                    name: name.unwrap_or_default(),
                })
            })
            .filter(|helper| helper.key.is_registry())
            .collect();
        cred_helpers.sort_by_key(|helper| helper.key.rank());
        let creds_store = creds_store.filter(|helper| !helper.is_empty());
        Ok(Self {
            source,
            auths,
            creds_store,
            cred_helpers,
            helpers: Arc::default(),
        })
    }

    /// What is here for `resource`, if anything.
    pub(crate) async fn find(
        &self,
        resource: &Resource,
        notes: &mut Notes,
    ) -> Result<Option<Arc<dyn Authenticator>>, Error> {
        let failure = match self.ask_helper(resource, notes).await {
            Ok(None) => None,
            Ok(found) => return Ok(found),
            Err(error) => Some(error),
        };
        match (self.entry(resource, notes)?, failure) {
            (Some(credential), None) => Ok(Some(Arc::new(credential.clone()))),
            (Some(credential), Some(failure)) => {
                tracing::warn!(error = %failure, cause = ?failure, "credential helper failed, using auths");
                Ok(Some(Arc::new(credential.clone())))
            }
            (None, Some(failure)) => Err(failure),
            (None, None) => Ok(None),
        }
    }

    /// What the helper has that is responsible for `resource`, if there is one.
    async fn ask_helper(
        &self,
        resource: &Resource,
        notes: &mut Notes,
    ) -> Result<Option<Arc<dyn Authenticator>>, Error> {
        let Some(helper) = self.helper(resource) else {
            if let Some(helper) = self.helper_entry(resource) {
                notes.add(&self.source, || {
                    Finding::Nothing(Absence::NoHelper(helper.text.clone()))
                });
            }
            return Ok(None);
        };
        let asked = self.helpers.find(helper, key::server(resource.registry())).await;
        let found = match asked {
            Ok((Credential::Anonymous, _)) => {
                notes.add(&self.source, || {
                    Finding::Nothing(Absence::Helper(helper.to_owned()))
                });
                return Ok(None);
            }
            Ok((credential, found)) => {
                notes.add(&self.source, || {
                    Finding::used(Found::Helper(helper.to_owned()), &credential)
                });
                found
            }
            Err(error) => {
                notes.add(&self.source, || Finding::Failed(error.clone()));
                return Err(error);
            }
        };
        Ok(Some(found))
    }

    /// The helper that is responsible for `resource`.
    pub(crate) fn helper(&self, resource: &Resource) -> Option<&str> {
        match self.helper_entry(resource) {
            Some(helper) => (!helper.name.is_empty()).then_some(&helper.name),
            None => self.creds_store.as_deref(),
        }
    }

    fn helper_entry(&self, resource: &Resource) -> Option<&Helper> {
        self.cred_helpers
            .iter()
            .find(|helper| helper.key.matches(resource))
    }

    /// The credential for `resource` in `auths`.
    fn entry(&self, resource: &Resource, notes: &mut Notes) -> Result<Option<&Credential>, Error> {
        for Entry { text, credential, .. } in self.auths.iter().filter(|entry| entry.key.matches(resource)) {
            match credential {
                Ok(Credential::Anonymous) => notes.add(&self.source, || {
                    Finding::Nothing(Absence::EmptyEntry(text.clone()))
                }),
                Ok(credential) => {
                    notes.add(&self.source, || {
                        Finding::used(Found::Key(text.clone()), credential)
                    });
                    return Ok(Some(credential));
                }
                Err(fault) => {
                    let error = Error::Entry {
                        config: self.source.clone(),
                        key: text.clone(),
                        source: *fault,
                    };
                    notes.add(&self.source, || Finding::Failed(error.clone()));
                    return Err(error);
                }
            }
        }
        notes.add(&self.source, || Finding::Nothing(Absence::NoEntry));
        Ok(None)
    }
}

/// Reads a file of at most [`MAX_SIZE`].
pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>, Error> {
    let unreadable = |error| Error::unreadable(path, error);
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    // A pipe does not say how much will come.
    let size = if metadata.is_file() {
        metadata.len().min(MAX_SIZE)
    } else {
        MAX_SIZE
    };
    // With room for all of it from the start, no copy of the secrets stays behind from growing.
    let mut text = Zeroizing::new(String::with_capacity(size as usize + 1));
    file.take(MAX_SIZE + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if text.len() as u64 > MAX_SIZE {
        return Err(Error::TooLarge {
            path: path.to_owned(),
            limit: MAX_SIZE,
        });
    }
    Ok(text)
}

impl Keychain for DockerConfig {
    fn resolve<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Result<Arc<dyn Authenticator>, Error>> {
        Box::pin(async move {
            let found = self.find(resource, &mut Notes::default()).await?;
            Ok(found.unwrap_or_else(anonymous))
        })
    }

    fn explain<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Explanation> {
        Box::pin(async move {
            let mut notes = Notes::taken();
            // Its outcome is in the notes.
            let _ = self.find(resource, &mut notes).await;
            notes.into_explanation()
        })
    }
}
