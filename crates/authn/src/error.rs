//! What can go wrong on the way to a credential.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{HelperFault, HelperVerb, StoreFault};

/// Why credentials could not be had.
///
/// No variant holds a secret, nor text of a file that could be one. A clone is cheap: one failure may be
/// the answer to many who asked at the same time.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of credentials is there but cannot be read.
    #[error("cannot read the credentials in {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Arc<io::Error>,
    },

    /// A file of credentials is too large to be one.
    #[error("{} is larger than {limit} bytes and cannot hold credentials", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The largest size that is read, in bytes.
        limit: u64,
    },

    /// A file of credentials is not what its format demands.
    #[error("parsing config file ({config})")]
    Malformed {
        /// The file, or what stands for it.
        config: ConfigSource,
        /// Where and how.
        source: JsonFault,
    },

    /// The entry that was needed is not usable. Entries for other registries do not matter.
    #[error("unusable credentials for {key:?} in {config}")]
    Entry {
        /// The file, or what stands for it.
        config: ConfigSource,
        /// The key of the entry.
        key: String,
        /// What is wrong.
        source: EntryFault,
    },

    /// The credential helper that is responsible did not do what it was asked for.
    #[error("error {} docker-credential-{helper}", .verb.doing(.server))]
    Helper {
        /// The helper, without `docker-credential-`.
        helper: String,
        /// What it was asked to do.
        verb: HelperVerb,
        /// The registry, as helpers call it; empty for [`HelperVerb::List`].
        server: String,
        /// What happened.
        source: Arc<HelperFault>,
    },

    /// A file of credentials cannot be written.
    #[error("cannot write the credentials to {}", .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Arc<io::Error>,
    },

    /// A credential has no place in a file.
    #[error("cannot store the credentials for {registry}")]
    Unstorable {
        /// The registry.
        registry: String,
        /// Why not.
        source: StoreFault,
    },

    /// There is no file to store credentials in.
    #[error("no place for credentials: neither DOCKER_CONFIG nor a home directory is set")]
    NoHome,

    /// An environment variable that should hold a part of the credentials does not.
    #[error("no credentials in environment variable {name}")]
    Variable {
        /// Its name.
        name: String,
        /// What is wrong.
        source: VariableFault,
    },

    /// A keychain or authenticator from elsewhere failed, in its own words: [`Error::other`].
    #[error("credentials are not available")]
    Other {
        /// What it said.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// Wraps the failure of a keychain or authenticator that is not from here.
    pub fn other(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Other {
            source: Arc::from(source.into()),
        }
    }

    pub(crate) fn variable(name: &str, source: VariableFault) -> Self {
        Self::Variable {
            name: name.to_owned(),
            source,
        }
    }

    pub(crate) fn unreadable(path: &Path, source: io::Error) -> Self {
        Self::Unreadable {
            path: path.to_owned(),
            source: Arc::new(source),
        }
    }
}

/// Where a configuration came from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigSource {
    /// A file.
    File(PathBuf),
    /// An environment variable.
    Variable(&'static str),
    /// A pull secret of Kubernetes, by its name.
    PullSecret(String),
    /// A text that the program gave.
    Text,
}

impl fmt::Display for ConfigSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::PullSecret(name) => write!(f, "pull secret {name:?}"),
            Self::Text => f.write_str("given text"),
        }
    }
}

/// Where a text is not the JSON it should be; what stands there may be a secret and is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} at line {line} column {column}", if *.syntax { "invalid JSON" } else { "a value of the wrong type" })]
#[non_exhaustive]
pub struct JsonFault {
    /// Whether it is not JSON at all, rather than JSON of another shape.
    pub syntax: bool,
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1; 0 at the start of a line.
    pub column: usize,
}

/// Why an entry of a configuration is not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryFault {
    /// The entry is not an object, or a field of it not a text.
    #[error("not an object of texts")]
    Shape,
    /// `auth` is not base64, of any kind.
    #[error("unable to decode auth field: not base64")]
    NotBase64,
    /// `auth` is not UTF-8 once decoded.
    #[error("unable to decode auth field: not UTF-8")]
    NotUtf8,
    /// `auth` has no colon once decoded.
    #[error("unable to decode auth field: must be formatted as base64(username:password)")]
    NoColon,
}

/// Why an environment variable cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VariableFault {
    /// It is not set, though the one that goes with it is.
    #[error("not set, but its counterpart is")]
    NotSet,
    /// It is not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
}
