use std::io;
use std::path::{Path, PathBuf};

use super::super::InvalidLocation;

/// A configuration file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}", place(.file, *.line, .key))]
#[non_exhaustive]
pub struct ConfigError {
    /// The file or directory.
    pub file: PathBuf,
    /// The line, counted from 1, if the file could be read.
    pub line: Option<usize>,
    /// The key, as `registry[0].mirror[1].location`; empty if the file as a whole is meant.
    pub key: String,
    /// What is wrong.
    #[source]
    pub problem: Box<ConfigProblem>,
}

/// What is wrong with a configuration file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigProblem {
    /// It cannot be read.
    #[error("cannot be read")]
    Read(#[source] io::Error),
    /// It is larger than the limit.
    #[error("larger than {limit} bytes")]
    #[non_exhaustive]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// A directory has more files than the limit.
    #[error("more than {limit} entries")]
    #[non_exhaustive]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// It is not TOML.
    #[error("not TOML: {0}")]
    Syntax(String),
    /// A value is of another type.
    #[error("must be {want}, and is a value of type {got}")]
    #[non_exhaustive]
    Type {
        /// What it has to be.
        want: &'static str,
        /// What it is.
        got: &'static str,
    },
    /// A value is none of those that are known.
    #[error("must be one of {want}")]
    #[non_exhaustive]
    Value {
        /// Those that are known.
        want: &'static str,
    },
    /// A value is no name of a registry, no prefix, or no URL.
    #[error(transparent)]
    Location(InvalidLocation),
    /// A header has characters that headers cannot have.
    #[error("not a header that can be sent")]
    Header,
    /// Something has to be there and is not.
    #[error("missing")]
    Missing,
    /// The file has the first version of the format of `registries.conf`.
    #[error("this is version 1 of the format, which is not supported; write `[[registry]]` tables instead")]
    VersionOne,
    /// It cannot be together with something else.
    #[error("{0}")]
    Conflict(&'static str),
}

impl ConfigError {
    /// The file as a whole.
    pub(in super::super) fn of_file(file: &Path, problem: ConfigProblem) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            key: String::new(),
            problem: Box::new(problem),
        }
    }

    pub(in super::super) fn read(file: &Path, error: io::Error) -> Self {
        Self::of_file(file, ConfigProblem::Read(error))
    }
}

/// Something with a place in a file.
pub(in super::super) trait ErrorAt {
    fn error(&self, problem: ConfigProblem) -> ConfigError;
}

fn place(file: &Path, line: Option<usize>, key: &str) -> String {
    let mut text = file.display().to_string();
    if let Some(line) = line {
        text = format!("{text}, line {line}");
    }
    if !key.is_empty() {
        text = format!("{text}, {key}");
    }
    text
}
