//! Finding helpers, asking them, and remembering what they said.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::time::Instant;

use super::process;
use crate::{Authenticator, Credential, Environment, Error, HelperFault};

/// How long an answer is used without asking again.
const LIFE: Duration = Duration::from_secs(60);

/// How long a helper may take by default: a person may have to unlock something.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Runs credential helpers, and remembers their answers for a minute.
///
/// A helper is asked by [its protocol]: `docker-credential-<name> get`, with the registry on its standard
/// input. It is never asked for the same registry twice at the same time, and is killed when it takes too
/// long, when it writes more than 64 KiB, and when nobody waits for its answer any more. It needs a tokio
/// runtime with I/O and time enabled.
///
/// [its protocol]: https://github.com/docker/docker-credential-helpers#development
#[derive(Debug)]
pub struct Helpers {
    path: OsString,
    timeout: Duration,
    answers: Mutex<HashMap<Question, Answer>>,
}

/// A helper and what it is asked for.
type Question = (String, String);

/// Locked while the helper runs, so that all who want to know wait for the one answer.
type Answer = Arc<tokio::sync::Mutex<Option<(Instant, Credential)>>>;

/// With the `PATH` of this process.
impl Default for Helpers {
    fn default() -> Self {
        Self::new(&Environment::from_process())
    }
}

impl Helpers {
    /// Looks for helpers in the `PATH` of `environment`.
    pub fn new(environment: &Environment) -> Self {
        Self {
            path: environment.path().cloned().unwrap_or_default(),
            timeout: TIMEOUT,
            answers: Mutex::default(),
        }
    }

    /// How long a helper may take before it is killed. Default: 60 s.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Asks `helper`, named without its `docker-credential-`, for the credentials of `server`.
    ///
    /// [`Credential::Anonymous`] if it has none. Dropping the future kills the helper.
    ///
    /// # Errors
    ///
    /// [`Error::Helper`] if the helper gives no answer.
    pub async fn get(&self, helper: &str, server: &str) -> Result<Credential, Error> {
        let answer = {
            // A panic while holding the lock leaves the map whole.
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(answers.entry((helper.to_owned(), server.to_owned())).or_default())
        };
        let mut answer = answer.lock().await;
        if let Some((since, credential)) = &*answer
            && since.elapsed() < LIFE
        {
            return Ok(credential.clone());
        }
        let credential = self.run(helper, server).await.map_err(|source| Error::Helper {
            helper: helper.to_owned(),
            server: server.to_owned(),
            source: Box::new(source),
        })?;
        *answer = Some((Instant::now(), credential.clone()));
        Ok(credential)
    }

    /// What the helper has for `server`, if anything.
    pub(crate) async fn find(
        self: &Arc<Self>,
        helper: &str,
        server: &str,
    ) -> Result<Option<Arc<dyn Authenticator>>, Error> {
        if self.get(helper, server).await?.is_anonymous() {
            return Ok(None);
        }
        let (helper, server) = (helper.to_owned(), server.to_owned());
        Ok(Some(Arc::new(HelperAuthenticator {
            helpers: Arc::clone(self),
            helper,
            server,
        })))
    }

    async fn run(&self, helper: &str, server: &str) -> Result<Credential, HelperFault> {
        let program = self.program(helper)?;
        match tokio::time::timeout(self.timeout, process::get(&program, server)).await {
            Ok(answer) => answer,
            Err(_) => Err(HelperFault::TimedOut { limit: self.timeout }),
        }
    }

    /// The file that the helper is.
    fn program(&self, helper: &str) -> Result<PathBuf, HelperFault> {
        // The name comes from a file and must not lead out of the directories in PATH.
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
        if helper.is_empty() || !helper.chars().all(allowed) {
            return Err(HelperFault::Name);
        }
        let endings: &[&str] = if cfg!(windows) {
            &[".exe", ".cmd", ".bat"]
        } else {
            &[""]
        };
        std::env::split_paths(&self.path)
            // An empty or relative element would run what happens to lie in the working directory.
            .filter(|directory| directory.is_absolute())
            .flat_map(|directory| {
                endings
                    .iter()
                    .map(move |ending| directory.join(format!("docker-credential-{helper}{ending}")))
            })
            .find(|program| is_executable(program))
            .ok_or(HelperFault::NotFound)
    }
}

fn is_executable(program: &std::path::Path) -> bool {
    let Ok(metadata) = program.metadata() else {
        return false;
    };
    #[cfg(unix)]
    let may_run = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let may_run = true;
    metadata.is_file() && may_run
}

/// Asks the helper again when its answer is old: what it gives may be short-lived.
#[derive(Debug)]
struct HelperAuthenticator {
    helpers: Arc<Helpers>,
    helper: String,
    server: String,
}

impl Authenticator for HelperAuthenticator {
    fn credential(&self) -> BoxFuture<'_, Result<Credential, Error>> {
        Box::pin(self.helpers.get(&self.helper, &self.server))
    }
}
