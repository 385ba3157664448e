//! What can go wrong on the way to a credential.

/// Why credentials could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A keychain or authenticator from elsewhere failed, in its own words: [`Error::other`].
    #[error("credentials are not available")]
    Other {
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// Wraps the failure of a keychain or authenticator that is not from here.
    pub fn other(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Other {
            source: source.into(),
        }
    }
}
