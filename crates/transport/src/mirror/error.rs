use wharf_name::Registry;

use super::{EndpointFailure, Prefix};
use crate::Error;

/// Why a [`Rule`](super::Rule) gives no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MirrorError {
    /// The rule for the name blocks it.
    #[error("{name} is blocked by the rule for {prefix}")]
    #[non_exhaustive]
    Blocked {
        /// The repository, or the registry, that was asked for.
        name: String,
        /// The prefix of the rule.
        prefix: Prefix,
    },
    /// No server of the rule is to be asked for such a thing.
    #[error("no server is set up for this request to {name}")]
    #[non_exhaustive]
    NoEndpoint {
        /// The repository, or the registry, that was asked for.
        name: String,
    },
    /// The mirrors failed, and then what is asked last gave no answer at all.
    #[error("no mirror of {name} has it ({})", list(.failures))]
    #[non_exhaustive]
    Unanswered {
        /// The repository, or the registry, that was asked for.
        name: String,
        /// What is wrong with the mirrors, in the order in which they were asked.
        failures: Vec<EndpointFailure>,
        /// What happened at the registry itself.
        source: Box<Error>,
    },
    /// The only servers that the rule allows for this request answered, but not with what was asked for.
    #[error("no server of {name} has it ({})", list(.failures))]
    #[non_exhaustive]
    Useless {
        /// The repository, or the registry, that was asked for.
        name: String,
        /// What is wrong with them, in the order in which they were asked.
        failures: Vec<EndpointFailure>,
    },
}

impl MirrorError {
    /// Whether the same request may work a little later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unanswered { source, .. } => source.is_temporary(),
            _ => false,
        }
    }
}

impl From<MirrorError> for Error {
    fn from(error: MirrorError) -> Self {
        Self::Mirror(Box::new(error))
    }
}

fn list(failures: &[EndpointFailure]) -> String {
    let each: Vec<_> = failures.iter().map(ToString::to_string).collect();
    each.join("; ")
}

/// A name as errors say it.
pub(super) fn name(registry: &Registry, path: Option<&str>) -> String {
    match path {
        Some(path) => format!("{registry}/{path}"),
        None => registry.to_string(),
    }
}
