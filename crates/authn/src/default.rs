//! The credentials that are lying around.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use futures_core::future::BoxFuture;

use crate::blocking;
use crate::explanation::Notes;
use crate::keychain::anonymous;
use crate::{Absence, Authenticator, ConfigSource, DockerConfig, Environment, Error};
use crate::{Explanation, Finding, Helpers, Keychain, Resource, Secret};

const DOCKER_AUTH_CONFIG: &str = "DOCKER_AUTH_CONFIG";

/// The credentials that `docker login`, `podman login` and CI systems leave behind.
///
/// # Contract
///
/// Asks the following in order, each as [`DockerConfig`] describes, and answers the first credentials that
/// are there for the resource:
///
/// 1. the file that `REGISTRY_AUTH_FILE` names,
/// 2. the text in `DOCKER_AUTH_CONFIG`,
/// 3. `$DOCKER_CONFIG/config.json`, by default `~/.docker/config.json`,
/// 4. `$XDG_RUNTIME_DIR/containers/auth.json`, by default, on Linux, `/run/containers/<uid>/auth.json`,
/// 5. `$XDG_CONFIG_HOME/containers/auth.json`, by default `~/.config/containers/auth.json`.
///
/// A file that is missing, is a directory, or is in a place that this process may not look into, is passed
/// over. One that is there and cannot be read or parsed is a failure: nobody should push anonymously
/// because of a typing error. A helper that fails counts only if nothing else is found.
///
/// Go's crane reads one of these and never a second one, prefers docker's file to `REGISTRY_AUTH_FILE`, and
/// takes `DOCKER_AUTH_CONFIG` only if a file is there too; it ignores that variable if it is damaged.
///
/// Files are read when they are needed and again when they have changed, `DOCKER_AUTH_CONFIG` and the other
/// variables when the keychain is made. Files are read on a thread for blocking work where there is a tokio
/// runtime and feature `helper` is on; else reading blocks, for as long as reading a small file takes.
///
/// ```
/// use wharf_authn::{Authenticator, Credential, DefaultKeychain, Environment, Keychain, Resource};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // In a program: DefaultKeychain::from_env().
/// let keychain = DefaultKeychain::new(Environment::from_lookup(|name| match name {
///     "DOCKER_AUTH_CONFIG" => Some(r#"{"auths": {"ghcr.io": {"auth": "YWxpY2U6cw=="}}}"#.into()),
///     _ => None,
/// }));
/// let resource = Resource::new("ghcr.io".parse()?);
/// let found = keychain.resolve(&resource).await?.credential().await?;
/// assert_eq!(found, Credential::basic("alice", "s"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct DefaultKeychain {
    sources: Vec<Arc<Source>>,
}

impl DefaultKeychain {
    /// The keychain of this process, from its environment.
    pub fn from_env() -> Self {
        Self::new(Environment::from_process())
    }

    /// The keychain that `environment` describes.
    pub fn new(environment: Environment) -> Self {
        let helpers = Arc::new(Helpers::new(&environment));
        Self::with_helpers(environment, helpers)
    }

    /// The keychain that `environment` describes, with helpers found and run by `helpers`.
    pub fn with_helpers(environment: Environment, helpers: Arc<Helpers>) -> Self {
        let file = |path: Option<PathBuf>, variable| path.map_or(Place::Unset(variable), Place::File);
        let variable = environment.docker_auth_config().cloned();
        let places = [
            file(
                environment.registry_auth_file().map(Path::to_owned),
                "REGISTRY_AUTH_FILE",
            ),
            variable.map_or(Place::Unset(DOCKER_AUTH_CONFIG), Place::Variable),
            file(environment.docker_config_file(), "DOCKER_CONFIG"),
            file(environment.runtime_auth_file(), "XDG_RUNTIME_DIR"),
            file(environment.config_auth_file(), "XDG_CONFIG_HOME"),
        ];
        let source = |place| {
            Arc::new(Source {
                place,
                helpers: Arc::clone(&helpers),
                read: Mutex::default(),
            })
        };
        Self {
            sources: places.into_iter().map(source).collect(),
        }
    }

    /// Reads every source once, so that a damaged one is known before anything is done without it.
    ///
    /// A keychain is otherwise asked only when a registry wants credentials, and a typing error in a file
    /// would go unnoticed until then. Blocks for as long as reading a few small files takes.
    ///
    /// # Errors
    ///
    /// [`Error::Unreadable`], [`Error::TooLarge`] or [`Error::Malformed`] for the first source that is there
    /// and cannot be used. What is missing is no error, and no helper is run.
    pub fn check(&self) -> Result<(), Error> {
        for source in &self.sources {
            // Absent sources are passed over, as in a search.
            let _ = source.config()?;
        }
        Ok(())
    }

    async fn search(&self, resource: &Resource, notes: &mut Notes) -> Result<Arc<dyn Authenticator>, Error> {
        let mut failure = None;
        let mut sources = self.sources.iter();
        let answer = loop {
            let Some(source) = sources.next() else {
                break failure.map_or_else(|| Ok(anonymous()), Err);
            };
            let reading = Arc::clone(source);
            let config = match blocking::run(move || reading.config()).await {
                Ok(Ok(config)) => config,
                Ok(Err(absence)) => {
                    notes.add(&source.place, || Finding::Nothing(absence));
                    continue;
                }
                Err(error) => {
                    notes.add(&source.place, || Finding::Failed(error.clone()));
                    break Err(error);
                }
            };
            match config.find(resource, notes).await {
                Ok(None) => {}
                Ok(Some(found)) => {
                    if let Some(failure) = failure {
                        tracing::warn!(error = %failure, cause = ?failure, "credential helper failed, using another source");
                    }
                    break Ok(found);
                }
                Err(error @ Error::Helper { .. }) => failure = failure.or(Some(error)),
                Err(error) => break Err(error),
            }
        };
        for source in sources {
            notes.add(&source.place, || Finding::NotAsked);
        }
        answer
    }
}

impl Keychain for DefaultKeychain {
    fn resolve<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Result<Arc<dyn Authenticator>, Error>> {
        Box::pin(async move { self.search(resource, &mut Notes::default()).await })
    }

    fn explain<'a>(&'a self, resource: &'a Resource) -> BoxFuture<'a, Explanation> {
        Box::pin(async move {
            let mut notes = Notes::taken();
            // Its outcome is in the notes.
            let _ = self.search(resource, &mut notes).await;
            notes.into_explanation()
        })
    }
}

/// A configuration that may be there.
#[derive(Debug)]
struct Source {
    place: Place,
    helpers: Arc<Helpers>,
    read: Mutex<Option<(Stamp, Arc<DockerConfig>)>>,
}

#[derive(Debug)]
enum Place {
    File(PathBuf),
    /// The text in `DOCKER_AUTH_CONFIG`.
    Variable(Secret),
    /// Nowhere, as this variable and what stands in for it are not set.
    Unset(&'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Variable(_) => ConfigSource::Variable(DOCKER_AUTH_CONFIG).fmt(f),
            Self::Unset(name) => ConfigSource::Variable(name).fmt(f),
        }
    }
}

/// What tells one state of a file from the next. Two writes within the clock's grain are told apart by
/// their size, or by the file if it was replaced, as docker and podman do.
#[derive(Clone, Debug, Default, PartialEq)]
struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    inode: u64,
}

impl Source {
    /// The configuration as it is now, or why there is none.
    fn config(&self) -> Result<Result<Arc<DockerConfig>, Absence>, Error> {
        let stamp = match &self.place {
            Place::File(path) => match Stamp::of(path)? {
                Ok(stamp) => stamp,
                Err(absence) => return Ok(Err(absence)),
            },
            Place::Variable(_) => Stamp::default(),
            Place::Unset(_) => return Ok(Err(Absence::NotSet)),
        };
        // A panic while holding the lock leaves the old value or the new one, and both are whole.
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read_stamp, config)) = &*read
            && *read_stamp == stamp
        {
            return Ok(Ok(Arc::clone(config)));
        }
        let config = match &self.place {
            Place::File(path) => DockerConfig::from_file(path)?,
            Place::Variable(text) => {
                DockerConfig::from_text(text.expose(), ConfigSource::Variable(DOCKER_AUTH_CONFIG))?
            }
            Place::Unset(_) => return Ok(Err(Absence::NotSet)),
        };
        let config = Arc::new(config.with_helpers(Arc::clone(&self.helpers)));
        *read = Some((stamp, Arc::clone(&config)));
        Ok(Ok(config))
    }
}

impl Stamp {
    /// The stamp of a file, or why there is none to read.
    fn of(path: &Path) -> Result<Result<Self, Absence>, Error> {
        use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};

        let metadata = match path.metadata() {
            // Kubernetes mounts a directory where an optional secret is missing.
            Ok(metadata) if metadata.is_dir() => return Ok(Err(Absence::Directory)),
            Ok(metadata) => metadata,
            Err(error) => match error.kind() {
                NotFound | NotADirectory => return Ok(Err(Absence::NoFile)),
                // A container whose HOME belongs to another user, not a file with a fault.
                PermissionDenied => return Ok(Err(Absence::NotPermitted)),
                _ => return Err(Error::unreadable(path, error)),
            },
        };
        // A pipe can be read only once.
        if !metadata.is_file() {
            return Ok(Ok(Self::default()));
        }
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Ok(Ok(Self {
            modified: metadata.modified().ok(),
            size: metadata.len(),
            inode,
        }))
    }
}
