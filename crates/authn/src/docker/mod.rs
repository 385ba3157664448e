//! The file that `docker login` and `podman login` leave behind.

mod entry;
mod key;

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
use crate::json;
use crate::keychain::anonymous;
use crate::{Authenticator, ConfigSource, Credential, EntryFault, Error, Helpers, Keychain, Resource};

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
    cred_helpers: Vec<(Key, String)>,
    helpers: Arc<Helpers>,
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
        let unreadable = |error| Error::unreadable(path, error);
        let file = File::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len().min(MAX_SIZE);
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
        Self::from_text(&text, ConfigSource::File(path.to_owned()))
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
        let mut cred_helpers: Vec<(Key, String)> = cred_helpers
            .into_iter()
            .flatten()
            .filter_map(|(text, helper)| Some((Key::parse(&text)?, helper.unwrap_or_default())))
            .filter(|(key, _)| key.is_registry())
            .collect();
        cred_helpers.sort_by_key(|(key, _)| key.rank());
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
    pub(crate) async fn find(&self, resource: &Resource) -> Result<Option<Arc<dyn Authenticator>>, Error> {
        let asked = match self.helper(resource) {
            Some(helper) => self.helpers.find(helper, key::server(resource.registry())).await,
            None => Ok(None),
        };
        let failure = match asked {
            Ok(None) => None,
            Ok(found) => return Ok(found),
            Err(error) => Some(error),
        };
        match (self.entry(resource)?, failure) {
            (Some(credential), None) => Ok(Some(Arc::new(credential.clone()))),
            (Some(credential), Some(failure)) => {
                tracing::warn!(error = %failure, cause = ?failure, "credential helper failed, using auths");
                Ok(Some(Arc::new(credential.clone())))
            }
            (None, Some(failure)) => Err(failure),
            (None, None) => Ok(None),
        }
    }

    /// The helper that is responsible for `resource`.
    fn helper(&self, resource: &Resource) -> Option<&str> {
        match self.cred_helpers.iter().find(|(key, _)| key.matches(resource)) {
            Some((_, helper)) => (!helper.is_empty()).then_some(helper),
            None => self.creds_store.as_deref(),
        }
    }

    /// The credential for `resource` in `auths`.
    fn entry(&self, resource: &Resource) -> Result<Option<&Credential>, Error> {
        let found = self
            .auths
            .iter()
            .find(|entry| entry.key.matches(resource) && entry.credential != Ok(Credential::Anonymous));
        let Some(Entry { text, credential, .. }) = found else {
            return Ok(None);
        };
        match credential {
            Ok(credential) => Ok(Some(credential)),
            Err(fault) => Err(Error::Entry {
                config: self.source.clone(),
                key: text.clone(),
                source: *fault,
            }),
        }
    }
}

impl Keychain for DockerConfig {
    fn resolve<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Result<Arc<dyn Authenticator>, Error>> {
        Box::pin(async move { Ok(self.find(resource).await?.unwrap_or_else(anonymous)) })
    }
}
