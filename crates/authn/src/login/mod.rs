//! Storing credentials, and forgetting them.

mod document;
mod indent;
mod save;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wharf_name::Registry;

use self::save::IfMissing;
use crate::docker::{key, read};
use crate::{ConfigSource, Credential, DockerConfig, Environment, Error, Helpers, Resource, blocking};

pub use self::document::ConfigDocument;

/// Stores credentials where `docker login` does, and erases them as `docker logout` does.
///
/// # Contract
///
/// The helper that the file names for the registry gets the credential, and the file an entry without one;
/// where it names none, the credential is in the file, in plain text. [`ConfigDocument`] says how the file
/// is edited.
///
/// The file is replaced as a whole, by one with mode 0600; a symbolic link to it stays one. Writers who
/// use the lock beside it (`config.json.lock`) do not lose each other's changes. Files are handled on a
/// thread for blocking work where there is a tokio runtime and feature `helper` is on; else the calls
/// block. Dropping a future does not stop what has begun.
///
/// Nothing here asks the registry whether it takes the credential: do that before.
///
/// ```
/// use wharf_authn::{Authenticator, ConfigEditor, Credential, DockerConfig, Keychain, Resource, Stored};
/// use wharf_name::Registry;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let home = tempfile::tempdir()?;
/// # let file = home.path().join("config.json");
/// let registry: Registry = "registry.example.com".parse()?;
/// let editor = ConfigEditor::of_file(&file);
/// let stored = editor.store(&registry, &Credential::basic("alice", "wonderland")).await?;
/// assert_eq!(stored, Stored::File);
///
/// let found = DockerConfig::from_file(&file)?.resolve(&Resource::from(&registry)).await?;
/// assert_eq!(found.credential().await?, Credential::basic("alice", "wonderland"));
/// editor.erase(&registry).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ConfigEditor {
    path: PathBuf,
    helpers: Arc<Helpers>,
}

/// Where a credential is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stored {
    /// In the file, in plain text.
    File,
    /// By the helper of this name, without its `docker-credential-`.
    Helper(String),
}

/// Why a credential cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreFault {
    /// There is nothing to store.
    #[error("username and password required")]
    Nothing,
    /// The user has a colon, which separates it from the password.
    #[error("the user has a colon in it")]
    Colon,
    /// The password begins or ends with NUL, which readers take for padding.
    #[error("the password begins or ends with NUL")]
    Nul,
}

impl ConfigEditor {
    /// Edits docker's `config.json`, as the environment of this process says where.
    ///
    /// # Errors
    ///
    /// [`Error::NoHome`] if it does not.
    pub fn from_env() -> Result<Self, Error> {
        Self::new(&Environment::from_process())
    }

    /// Edits docker's `config.json`, as `environment` says where: in `DOCKER_CONFIG`, by default `~/.docker`.
    ///
    /// # Errors
    ///
    /// [`Error::NoHome`] if it does not.
    pub fn new(environment: &Environment) -> Result<Self, Error> {
        Ok(Self {
            path: environment.docker_config_file().ok_or(Error::NoHome)?,
            helpers: Arc::new(Helpers::new(environment)),
        })
    }

    /// Edits this file, which need not be there.
    pub fn of_file(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            helpers: Arc::default(),
        }
    }

    /// The credential helpers are found and run by `helpers`, which forget what they knew of a registry
    /// that is edited.
    #[must_use]
    pub fn with_helpers(mut self, helpers: Arc<Helpers>) -> Self {
        self.helpers = helpers;
        self
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Stores the credential for a registry, in place of the one there is.
    ///
    /// # Errors
    ///
    /// [`Error::Unstorable`] and [`Error::Helper`] if there is no place for it; [`Error::Malformed`],
    /// [`Error::Unreadable`] and [`Error::TooLarge`] if the file is not one to be edited, and
    /// [`Error::Unwritable`]. The file is then as it was.
    pub async fn store(&self, registry: &Registry, credential: &Credential) -> Result<Stored, Error> {
        let helper = self.helper(registry).await?;
        if let Some(helper) = &helper {
            self.helpers
                .store(helper, key::server(registry), credential)
                .await?;
        }
        let (path, registry, credential) = (self.path.clone(), registry.clone(), credential.clone());
        let is_elsewhere = helper.is_some();
        blocking::run(move || {
            save::edit(&path, IfMissing::Create, |document| match is_elsewhere {
                true => {
                    document.set_elsewhere(&registry);
                    Ok(())
                }
                false => document.set(&registry, &credential),
            })
        })
        .await?;
        Ok(helper.map_or(Stored::File, Stored::Helper))
    }

    /// Erases the credential for a registry, if there is one, and says where it would have been.
    ///
    /// # Errors
    ///
    /// As for [`store`](Self::store). If the helper fails, the file is edited already.
    pub async fn erase(&self, registry: &Registry) -> Result<Stored, Error> {
        let helper = self.helper(registry).await?;
        let (path, ours) = (self.path.clone(), registry.clone());
        blocking::run(move || {
            save::edit(&path, IfMissing::Leave, |document| {
                document.remove(&ours);
                Ok(())
            })
        })
        .await?;
        if let Some(helper) = &helper {
            self.helpers.erase(helper, key::server(registry)).await?;
        }
        Ok(helper.map_or(Stored::File, Stored::Helper))
    }

    /// The helper that is responsible for the registry.
    async fn helper(&self, registry: &Registry) -> Result<Option<String>, Error> {
        let path = self.path.clone();
        let text = match blocking::run(move || read(&path)).await {
            Err(Error::Unreadable { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return Ok(None);
            }
            text => text?,
        };
        let config = DockerConfig::from_text(&text, ConfigSource::File(self.path.clone()))?;
        Ok(config.helper(&Resource::from(registry)).map(str::to_owned))
    }
}
