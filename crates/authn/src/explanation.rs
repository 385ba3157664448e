//! Why there are these credentials, or none.

use std::fmt;
use std::sync::Arc;

use crate::{Authenticator, Credential, CredentialKind, Error};

/// What a keychain looked at for a resource, in order, and what came of it: [`Keychain::explain`].
///
/// Its `Display` is one line for each step. No secret is in it; names of users are.
///
/// ```
/// use wharf_authn::{DockerConfig, Keychain, Resource};
/// use wharf_name::Repository;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config = DockerConfig::parse(r#"{"auths": {"quay.io/org": {"auth": "YWxpY2U6cw=="}}}"#)?;
/// let app: Repository = "quay.io/org/app".parse()?;
/// let explained = config.explain(&Resource::from(&app)).await;
/// assert_eq!(explained.to_string(), r#"given text: used "quay.io/org": a password of user "alice""#);
/// let other: Repository = "quay.io/other/app".parse()?;
/// assert_eq!(config.explain(&Resource::from(&other)).await.to_string(), "given text: no entry");
/// # Ok(())
/// # }
/// ```
///
/// [`Keychain::explain`]: crate::Keychain::explain
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    steps: Vec<Step>,
}

/// One thing that a keychain looked at.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step {
    /// What it is, for people: a file, a variable, a keychain.
    pub source: String,
    /// What was found in it.
    pub finding: Finding,
}

/// What came of a [`Step`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Finding {
    /// Credentials for the resource, which are the answer.
    Used {
        /// What led to them.
        found: Found,
        /// What they are.
        kind: CredentialKind,
        /// Whose they are, where known.
        username: Option<String>,
    },
    /// Nothing for the resource.
    Nothing(Absence),
    /// Something that could not be read. If no other step is used, this is the answer.
    Failed(Error),
    /// Nobody looked, as the answer was clear before.
    NotAsked,
}

/// What led to credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Found {
    /// They are what the source is about.
    Itself,
    /// The entry with this key.
    Key(String),
    /// This helper, named without its `docker-credential-`.
    Helper(String),
}

/// Why a source has nothing for a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Absence {
    /// The variable that says where it is is not set.
    NotSet,
    /// There is no such file.
    NoFile,
    /// There is a directory in place of the file.
    Directory,
    /// The file is where this process may not look.
    NotPermitted,
    /// No entry is for the resource.
    NoEntry,
    /// The entry with this key is for the resource, and has nothing in it.
    EmptyEntry(String),
    /// This helper has nothing for the registry.
    Helper(String),
    /// The entry with this key in `credHelpers` says that no helper is to be asked.
    NoHelper(String),
    /// The source is about something else, or has nothing at all.
    NotConcerned,
}

impl Explanation {
    /// What was looked at, first to last.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The step that gave the credentials; none if there are none.
    pub fn used(&self) -> Option<&Step> {
        let is_used = |step: &&Step| matches!(step.finding, Finding::Used { .. });
        self.steps.iter().find(is_used)
    }

    /// The failure that keeps the keychain from answering, if it does.
    pub fn failure(&self) -> Option<&Error> {
        if self.used().is_some() {
            return None;
        }
        self.steps.iter().find_map(|step| match &step.finding {
            Finding::Failed(error) => Some(error),
            _ => None,
        })
    }

    /// Adds a step: for keychains that look at more than one thing.
    #[must_use]
    pub fn with(mut self, source: impl Into<String>, finding: Finding) -> Self {
        self.steps.push(Step {
            source: source.into(),
            finding,
        });
        self
    }

    pub(crate) fn append(&mut self, other: Self) {
        self.steps.extend(other.steps);
    }

    /// One step, told by what a keychain answers.
    pub(crate) async fn of_outcome(source: &str, outcome: Result<Arc<dyn Authenticator>, Error>) -> Self {
        let outcome = match outcome {
            Ok(found) => found.credential().await,
            Err(error) => Err(error),
        };
        Self::default().with(
            source,
            match outcome {
                Ok(Credential::Anonymous) => Finding::Nothing(Absence::NotConcerned),
                Ok(credential) => Finding::used(Found::Itself, &credential),
                Err(error) => Finding::Failed(error),
            },
        )
    }
}

impl Finding {
    /// The finding of `credential`.
    pub fn used(found: Found, credential: &Credential) -> Self {
        Self::Used {
            found,
            kind: credential.kind(),
            username: credential.username().map(str::to_owned),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.steps.iter().enumerate() {
            let end_of_line = if i == 0 { "" } else { "\n" };
            write!(f, "{end_of_line}{step}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.finding)
    }
}

/// Texts from files are quoted and escaped, as they may hold anything.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Used {
                found,
                kind,
                username,
            } => {
                match found {
                    Found::Itself => write!(f, "used: {kind}")?,
                    Found::Key(key) => write!(f, "used {key:?}: {kind}")?,
                    Found::Helper(helper) => write!(f, "used docker-credential-{helper}: {kind}")?,
                }
                match username {
                    Some(username) => write!(f, " of user {username:?}"),
                    None => Ok(()),
                }
            }
            Self::Nothing(absence) => absence.fmt(f),
            Self::Failed(error) => {
                write!(f, "failed: {error}")?;
                let mut cause = std::error::Error::source(error);
                while let Some(error) = cause {
                    write!(f, ": {error}")?;
                    cause = error.source();
                }
                Ok(())
            }
            Self::NotAsked => f.write_str("not asked"),
        }
    }
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSet => f.write_str("not set"),
            Self::NoFile => f.write_str("no such file"),
            Self::Directory => f.write_str("a directory, not a file"),
            Self::NotPermitted => f.write_str("not accessible to this user"),
            Self::NoEntry => f.write_str("no entry"),
            Self::EmptyEntry(key) => write!(f, "the entry {key:?} is empty"),
            Self::Helper(helper) => write!(f, "docker-credential-{helper} has none"),
            Self::NoHelper(key) => write!(f, "{key:?} in credHelpers says to ask no helper"),
            Self::NotConcerned => f.write_str("nothing"),
        }
    }
}

/// Takes notes of what a search looks at, if somebody wants to know.
#[derive(Debug, Default)]
pub(crate) struct Notes(Option<Explanation>);

impl Notes {
    pub(crate) fn taken() -> Self {
        Self(Some(Explanation::default()))
    }

    pub(crate) fn add(&mut self, source: impl fmt::Display, finding: impl FnOnce() -> Finding) {
        if let Some(explanation) = self.0.take() {
            self.0 = Some(explanation.with(source.to_string(), finding()));
        }
    }

    pub(crate) fn into_explanation(self) -> Explanation {
        self.0.unwrap_or_default()
    }
}
