//! What Kubernetes keeps for pulling images.

mod glob;
mod pattern;

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_core::future::BoxFuture;
use serde::Deserialize;
use serde_json::value::RawValue;

use self::pattern::Pattern;
use crate::docker::entry;
use crate::explanation::Notes;
use crate::json;
use crate::keychain::anonymous;
use crate::{Absence, Authenticator, ConfigSource, Credential, CredentialId, EntryFault, Error};
use crate::{Explanation, Finding, Found, Keychain, Resource};

/// The pull secrets of a pod or service account, read by the kubelet's rules.
///
/// The texts are the values of secrets; to fetch those from a cluster is the business of its client.
///
/// | Type of the secret | Key of its data | Method |
/// |---|---|---|
/// | `kubernetes.io/dockerconfigjson` | `.dockerconfigjson` | [`with_docker_config_json`](Self::with_docker_config_json) |
/// | `kubernetes.io/dockercfg` | `.dockercfg` | [`with_docker_cfg`](Self::with_docker_cfg) |
///
/// # Contract
///
/// The key of an entry may have a scheme, which is ignored, and a path; a leading `/v1/` or `/v2/` of the
/// path is an API's and ignored. It matches
///
/// - a registry with the same port, or without one as it, and the same number of labels, where each label
///   is the same or fits the key's as a pattern of `*`, `?` and `[a-z]`;
/// - a repository whose path is the key's or is below it, by whole segments.
///
/// Exact hosts come first, then longer paths, then earlier secrets. Entries without content and keys that
/// can be for no registry are passed over; a damaged entry matters only where it is the first to use.
/// If the registry refuses a credential, the next one that matches is tried.
///
/// Go's compares paths by characters, so that `/par` is good for `/partial`, uses the first match only, and
/// fails as a whole for any bad entry. The names of Docker Hub count as one registry here.
///
/// ```
/// use wharf_authn::{Authenticator, Credential, Keychain, PullSecrets, Resource};
/// use wharf_name::Repository;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let secrets = PullSecrets::default()
///     .with_docker_config_json("regcred", r#"{"auths": {"*.example.com/team": {"auth": "YWxpY2U6cw=="}}}"#)?;
/// let app: Repository = "eu.example.com/team/app".parse()?;
/// let found = secrets.resolve(&Resource::from(&app)).await?.credential().await?;
/// assert_eq!(found, Credential::basic("alice", "s"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct PullSecrets {
    /// In order of rank.
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    secret: Arc<str>,
    pattern: Pattern,
    key: String,
    credential: Result<Credential, EntryFault>,
}

/// Entries by key.
type Entries<'a> = BTreeMap<String, &'a RawValue>;

#[derive(Deserialize)]
struct DockerConfigJson<'a> {
    #[serde(borrow, default)]
    auths: Option<Entries<'a>>,
}

impl PullSecrets {
    /// Adds the `.dockerconfigjson` of a secret of type `kubernetes.io/dockerconfigjson`; `name` is for
    /// messages.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] if it is not JSON, or not of this shape. Entries are not judged yet.
    pub fn with_docker_config_json(self, name: &str, text: &str) -> Result<Self, Error> {
        let config: Option<DockerConfigJson<'_>> = parse(name, text)?;
        Ok(self.with(name, config.and_then(|config| config.auths).unwrap_or_default()))
    }

    /// Adds the `.dockercfg` of a secret of type `kubernetes.io/dockercfg`, which is the entries alone;
    /// `name` is for messages.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] if it is not JSON, or not of this shape. Entries are not judged yet.
    pub fn with_docker_cfg(self, name: &str, text: &str) -> Result<Self, Error> {
        let entries: Option<Entries<'_>> = parse(name, text)?;
        Ok(self.with(name, entries.unwrap_or_default()))
    }

    fn with(mut self, name: &str, entries: Entries<'_>) -> Self {
        let secret: Arc<str> = name.into();
        self.entries.extend(entries.into_iter().filter_map(|(key, raw)| {
            Some(Entry {
                secret: Arc::clone(&secret),
                pattern: Pattern::parse(&key)?,
                key,
                credential: entry::parse(raw),
            })
        }));
        // What came first stays first.
        self.entries
            .sort_by(|a, b| a.pattern.rank().cmp(&b.pattern.rank()));
        self
    }

    fn search(&self, resource: &Resource, notes: &mut Notes) -> Result<Arc<dyn Authenticator>, Error> {
        let mut found = Vec::new();
        for entry in self
            .entries
            .iter()
            .filter(|entry| entry.pattern.matches(resource))
        {
            let source = || ConfigSource::PullSecret(entry.secret.to_string());
            match &entry.credential {
                Ok(Credential::Anonymous) => notes.add(source(), || {
                    Finding::Nothing(Absence::EmptyEntry(entry.key.clone()))
                }),
                Ok(credential) => {
                    notes.add(source(), || match found.is_empty() {
                        true => Finding::used(Found::Key(entry.key.clone()), credential),
                        false => Finding::NotAsked,
                    });
                    found.push(credential.clone());
                }
                // One to fall back to is not worth a failure.
                Err(_) if !found.is_empty() => {}
                Err(fault) => {
                    let error = Error::Entry {
                        config: source(),
                        key: entry.key.clone(),
                        source: *fault,
                    };
                    notes.add(source(), || Finding::Failed(error.clone()));
                    return Err(error);
                }
            }
        }
        if found.is_empty() {
            notes.add("pull secrets", || Finding::Nothing(Absence::NoEntry));
            return Ok(anonymous());
        }
        let at = AtomicUsize::new(0);
        Ok(Arc::new(Candidates {
            credentials: found,
            at,
        }))
    }
}

impl Keychain for PullSecrets {
    fn resolve<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Result<Arc<dyn Authenticator>, Error>> {
        Box::pin(ready(self.search(resource, &mut Notes::default())))
    }

    fn explain<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Explanation> {
        let mut notes = Notes::taken();
        // Its outcome is in the notes.
        let _ = self.search(resource, &mut notes);
        Box::pin(ready(notes.into_explanation()))
    }
}

/// Several credentials of which one may do.
#[derive(Debug)]
struct Candidates {
    /// At least one.
    credentials: Vec<Credential>,
    /// The one to use.
    at: AtomicUsize,
}

impl Authenticator for Candidates {
    fn credential(&self) -> BoxFuture<'_, Result<Credential, Error>> {
        let at = self.at.load(Ordering::Relaxed);
        Box::pin(ready(Ok(self.credentials[at].clone())))
    }

    fn rejected(&self, credential: &CredentialId) -> bool {
        let mut credentials = self.credentials.iter();
        let Some(refused) = credentials.position(|known| known.identity() == *credential) else {
            return false;
        };
        let next = refused + 1;
        if next < self.credentials.len() {
            self.at.fetch_max(next, Ordering::Relaxed);
        }
        // Others may have moved on already.
        self.at.load(Ordering::Relaxed) > refused
    }
}

fn parse<'a, T: Deserialize<'a>>(name: &str, text: &'a str) -> Result<Option<T>, Error> {
    json::object(text).map_err(|source| Error::Malformed {
        config: ConfigSource::PullSecret(name.to_owned()),
        source,
    })
}
