//! What a credential helper can be asked to do.

use std::fmt;

/// What a credential helper is asked to do: its only argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HelperVerb {
    /// To give the credentials for a registry.
    Get,
    /// To keep the credentials for a registry.
    Store,
    /// To forget the credentials for a registry.
    Erase,
    /// To name all registries that it has credentials for.
    List,
}

impl HelperVerb {
    /// The argument itself.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Store => "store",
            Self::Erase => "erase",
            Self::List => "list",
        }
    }

    /// What was being done, up to the name of the helper.
    pub(crate) fn doing(self, server: &str) -> String {
        match self {
            Self::Get => format!("getting credentials for {server} from"),
            Self::Store => format!("storing credentials for {server} in"),
            Self::Erase => format!("erasing credentials for {server} in"),
            Self::List => "listing credentials of".to_owned(),
        }
    }
}

impl fmt::Display for HelperVerb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
