/// How credentials and tokens are used.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AuthOptions {
    /// What to do when a stored credential is refused. Default: nothing, the refusal is the answer.
    pub stale_credentials: StaleCredentials,
    /// Where tokens are kept. Default: a cache of its own.
    pub tokens: super::TokenCache,
}

/// What to do when a stored credential is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StaleCredentials {
    /// The refusal is the answer: a credential that is there is meant to be used.
    #[default]
    Fail,
    /// A request that only reads is sent once more without the credential, with a warning in the log: a public image
    /// stays readable although a stored password is out of date. This is done only after a `401` or `403` of the
    /// registry or its token server, never after other errors, and never for requests that write.
    PullAnonymously,
}

impl AuthOptions {
    /// Sets what to do when a stored credential is refused.
    #[must_use]
    pub fn with_stale_credentials(mut self, policy: StaleCredentials) -> Self {
        self.stale_credentials = policy;
        self
    }

    /// Keeps tokens in `cache`, which may be shared with other stacks.
    #[must_use]
    pub fn with_tokens(mut self, cache: super::TokenCache) -> Self {
        self.tokens = cache;
        self
    }
}
