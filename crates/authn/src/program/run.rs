//! Asking helpers, and remembering what they said.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::time::Instant;

use super::process::Ended;
use super::{answer, path, process};
use crate::flight::Flight;
use crate::{Authenticator, Credential, CredentialId, Environment, Error, HelperFault, HelperVerb};

/// How long an answer is used without asking again.
const LIFE: Duration = Duration::from_secs(60);

/// How long a failure is. Where another source has the credentials, each lookup would wait for a helper
/// that hangs; and a person may be about to unlock something.
const FAILURE_LIFE: Duration = Duration::from_secs(5);

/// How long a helper may take by default: a person may have to unlock something.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The most that a helper may write about one registry, in bytes.
const MAX_ANSWER: usize = 64 << 10;

/// The most that it may write about all of them, in bytes.
const MAX_LIST: usize = 1 << 20;

/// Runs credential helpers, and remembers for a minute what they answered.
///
/// A helper is asked by [its protocol]: `docker-credential-<name> <verb>`, with the registry or, to be stored, the
/// credentials on its standard input.
///
/// - It is never asked for the same registry twice at the same time: all who ask get the one answer, or the
///   one failure. Different registries are asked about at the same time.
/// - It is killed when it takes too long, when it writes more than 64 KiB (1 MiB to list), and when nobody
///   waits for its answer any more. On Linux what it has started is killed with it, daemons that it has detached
///   excepted; elsewhere only the helper is, and nobody waits for the others.
/// - Answers of `get`, "none" included, are used for 60 s, failures for 5 s; `store` and `erase` end that.
/// - What it writes to its standard error is not shown; its beginning is in the error if it fails.
/// - It is looked for in the absolute directories of `PATH`; on Windows as `.exe`, `.cmd` and `.bat`.
///
/// A tokio runtime with I/O and time enabled is needed.
///
/// [its protocol]: https://github.com/docker/docker-credential-helpers#development
#[derive(Clone, Debug)]
pub struct Helpers {
    runner: Arc<Runner>,
    known: Arc<Known>,
}

/// How helpers are run.
#[derive(Clone, Debug)]
struct Runner {
    path: OsString,
    timeout: Duration,
}

/// What helpers have said.
#[derive(Debug, Default)]
struct Known(Mutex<HashMap<Question, Arc<Slot>>>);

/// A helper and what it is asked for.
type Question = (String, String);

#[derive(Debug, Default)]
struct Slot {
    flight: Flight<Credential>,
    answer: Mutex<Option<(Instant, Result<Credential, Error>)>>,
}

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
            runner: Arc::new(Runner {
                path: environment.path().cloned().unwrap_or_default(),
                timeout: TIMEOUT,
            }),
            known: Arc::default(),
        }
    }

    /// How long a helper may take before it is killed. Default: 60 s.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        Arc::make_mut(&mut self.runner).timeout = timeout;
        self
    }

    /// Asks `helper`, named without its `docker-credential-`, for the credentials of `server`.
    ///
    /// [`Credential::Anonymous`] if it has none. Dropping the future kills the helper, unless others wait
    /// for the same answer.
    ///
    /// # Errors
    ///
    /// [`Error::Helper`] if the helper gives no answer.
    pub async fn get(&self, helper: &str, server: &str) -> Result<Credential, Error> {
        let slot = self.known.slot(helper, server);
        if let Some(answer) = slot.answer() {
            return answer;
        }
        let begin = || -> BoxFuture<'static, _> {
            let (runner, slot) = (Arc::clone(&self.runner), Arc::downgrade(&slot));
            let (helper, server) = (helper.to_owned(), server.to_owned());
            Box::pin(async move {
                let (verb, input) = (HelperVerb::Get, server.as_bytes());
                let answer = runner.run(&helper, verb, input, MAX_ANSWER, answer::got).await;
                let answer = answer.map_err(|fault| failure(&helper, verb, &server, fault));
                // Whoever waits holds it; after `store` and `erase` it is no longer in the map.
                if let Some(slot) = slot.upgrade() {
                    *slot.lock() = Some((Instant::now(), answer.clone()));
                }
                answer
            })
        };
        slot.flight.join(begin).await
    }

    /// Has `helper` keep `credential` for `server`.
    ///
    /// Dropping the future kills the helper, which may have stored the credential by then.
    ///
    /// # Errors
    ///
    /// [`Error::Helper`] if the helper fails, and if helpers cannot keep credentials of this kind: they
    /// take passwords and identity tokens. What the helper says is not repeated, as it may be the secret.
    pub async fn store(&self, helper: &str, server: &str, credential: &Credential) -> Result<(), Error> {
        let verb = HelperVerb::Store;
        let done = async {
            let input = answer::to_store(server, credential)?;
            self.runner
                .run(helper, verb, &input, MAX_ANSWER, answer::stored)
                .await
        };
        let done = done.await;
        self.known.forget(helper, server);
        done.map_err(|fault| failure(helper, verb, server, fault))
    }

    /// Has `helper` forget what it has for `server`, if anything.
    ///
    /// Dropping the future kills the helper, which may have forgotten by then.
    ///
    /// # Errors
    ///
    /// [`Error::Helper`] if the helper fails. Many do if they have nothing for the server; where they say so
    /// as they do for [`get`](Self::get), that is a success.
    pub async fn erase(&self, helper: &str, server: &str) -> Result<(), Error> {
        let (verb, input) = (HelperVerb::Erase, server.as_bytes());
        let done = self
            .runner
            .run(helper, verb, input, MAX_ANSWER, answer::erased)
            .await;
        self.known.forget(helper, server);
        done.map_err(|fault| failure(helper, verb, server, fault))
    }

    /// Asks `helper` what it has: the user by registry.
    ///
    /// Dropping the future kills the helper.
    ///
    /// # Errors
    ///
    /// [`Error::Helper`] if the helper gives no answer.
    pub async fn list(&self, helper: &str) -> Result<BTreeMap<String, String>, Error> {
        let verb = HelperVerb::List;
        let done = self.runner.run(helper, verb, b"", MAX_LIST, answer::listed).await;
        done.map_err(|fault| failure(helper, verb, "", fault))
    }

    /// What the helper has for `server` now, and who has it later.
    pub(crate) async fn find(
        self: &Arc<Self>,
        helper: &str,
        server: &str,
    ) -> Result<(Credential, Arc<dyn Authenticator>), Error> {
        let credential = self.get(helper, server).await?;
        let (helper, server) = (helper.to_owned(), server.to_owned());
        let authenticator = HelperAuthenticator {
            helpers: Arc::clone(self),
            helper,
            server,
        };
        Ok((credential, Arc::new(authenticator)))
    }
}

impl Runner {
    async fn run<T>(
        &self,
        helper: &str,
        verb: HelperVerb,
        input: &[u8],
        limit: usize,
        read: impl FnOnce(&Ended) -> Result<T, HelperFault>,
    ) -> Result<T, HelperFault> {
        let program = path::find(helper, &self.path)?;
        match tokio::time::timeout(self.timeout, process::run(&program, verb, input, limit)).await {
            Ok(ended) => read(&ended?),
            Err(_) => Err(HelperFault::TimedOut { limit: self.timeout }),
        }
    }
}

impl Known {
    fn slot(&self, helper: &str, server: &str) -> Arc<Slot> {
        let mut slots = self.lock();
        // Those that nobody uses and that hold nothing of use make room.
        slots.retain(|_, slot| Arc::strong_count(slot) > 1 || slot.answer().is_some());
        Arc::clone(slots.entry((helper.to_owned(), server.to_owned())).or_default())
    }

    fn forget(&self, helper: &str, server: &str) {
        self.lock().remove(&(helper.to_owned(), server.to_owned()));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Question, Arc<Slot>>> {
        // A panic while holding the lock leaves the map whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// The answer, while it is good.
    fn answer(&self) -> Option<Result<Credential, Error>> {
        let (since, answer) = self.lock().clone()?;
        let life = if answer.is_ok() { LIFE } else { FAILURE_LIFE };
        (since.elapsed() < life).then_some(answer)
    }

    /// Ends the life of an answer that was not taken. A fresh one stays: the helper has no other, and who is
    /// refused again and again should not run it each time.
    fn expire(&self, credential: &CredentialId) -> bool {
        let mut answer = self.lock();
        let refused = |(since, answer): &(Instant, Result<Credential, Error>)| {
            since.elapsed() >= FAILURE_LIFE
                && answer.as_ref().is_ok_and(|found| found.identity() == *credential)
        };
        let expired = answer.as_ref().is_some_and(refused);
        if expired {
            *answer = None;
        }
        expired
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Instant, Result<Credential, Error>)>> {
        // A panic while holding the lock leaves the old value or the new one, and both are whole.
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
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

    fn rejected(&self, credential: &CredentialId) -> bool {
        let slot = self.helpers.known.slot(&self.helper, &self.server);
        slot.expire(credential)
    }
}

fn failure(helper: &str, verb: HelperVerb, server: &str, fault: HelperFault) -> Error {
    Error::Helper {
        helper: helper.to_owned(),
        verb,
        server: server.to_owned(),
        source: Arc::new(fault),
    }
}
