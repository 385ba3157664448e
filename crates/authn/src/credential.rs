//! What is shown to a registry.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::LazyLock;

use crate::Secret;

/// A credential, as it is at this moment.
///
/// ```
/// use wharf_authn::Credential;
///
/// let credential = Credential::basic("alice", "wonderland");
/// assert_eq!(format!("{credential:?}"), r#"Basic { username: "alice", password: **** }"#);
/// assert_eq!(credential.identity(), Credential::basic("alice", "wonderland").identity());
/// assert_ne!(credential.identity(), Credential::Anonymous.identity());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential {
    /// None. Nothing is sent.
    #[default]
    Anonymous,
    /// A user and a password, for Basic authentication or for a token server.
    Basic {
        /// The user. May be empty: some registries take a token as password of no user.
        username: String,
        /// The password. May be empty.
        password: Secret,
    },
    /// An OAuth2 refresh token, good for a token server only: `identitytoken` in docker's file.
    IdentityToken {
        /// The user it belongs to, where known.
        username: Option<String>,
        /// The refresh token.
        token: Secret,
    },
    /// A token for the registry itself, sent as it is: `registrytoken` in docker's file.
    RegistryToken(Secret),
}

impl Credential {
    /// A user and a password.
    pub fn basic(username: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self::Basic {
            username: username.into(),
            password: password.into(),
        }
    }

    /// An OAuth2 refresh token.
    pub fn identity_token(token: impl Into<Secret>) -> Self {
        Self::IdentityToken {
            username: None,
            token: token.into(),
        }
    }

    /// A token for the registry itself.
    pub fn registry_token(token: impl Into<Secret>) -> Self {
        Self::RegistryToken(token.into())
    }

    /// Whether this is [`Anonymous`](Self::Anonymous).
    pub fn is_anonymous(&self) -> bool {
        *self == Self::Anonymous
    }

    /// What kind it is, without the secret.
    pub fn kind(&self) -> CredentialKind {
        match self {
            Self::Anonymous => CredentialKind::Anonymous,
            Self::Basic { .. } => CredentialKind::Basic,
            Self::IdentityToken { .. } => CredentialKind::IdentityToken,
            Self::RegistryToken(_) => CredentialKind::RegistryToken,
        }
    }

    /// The user, where there is one that has a name.
    pub fn username(&self) -> Option<&str> {
        let username = match self {
            Self::Basic { username, .. } => Some(username),
            Self::IdentityToken { username, .. } => username.as_ref(),
            Self::Anonymous | Self::RegistryToken(_) => None,
        };
        username
            .map(String::as_str)
            .filter(|username| !username.is_empty())
    }

    /// What tells this credential from others, for keys of caches.
    ///
    /// Equal credentials have equal ids. Of different ones they differ but for a chance of 2⁻¹²⁸, as ids
    /// are keyed hashes with keys made anew in each process: they do not give the secret away and mean
    /// nothing elsewhere.
    pub fn identity(&self) -> CredentialId {
        static KEYS: LazyLock<[RandomState; 2]> = LazyLock::new(Default::default);
        CredentialId(KEYS.each_ref().map(|key| {
            let mut hasher = key.build_hasher();
            match self {
                Self::Anonymous => 0_u8.hash(&mut hasher),
                Self::Basic { username, password } => (1_u8, username, password.expose()).hash(&mut hasher),
                Self::IdentityToken { username, token } => {
                    (2_u8, username, token.expose()).hash(&mut hasher);
                }
                Self::RegistryToken(token) => (3_u8, token.expose()).hash(&mut hasher),
            }
            hasher.finish()
        }))
    }
}

/// What a [`Credential`] is, without its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CredentialKind {
    /// None.
    Anonymous,
    /// A user and a password.
    Basic,
    /// An OAuth2 refresh token.
    IdentityToken,
    /// A token for the registry itself.
    RegistryToken,
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "no credentials",
            Self::Basic => "a password",
            Self::IdentityToken => "an identity token",
            Self::RegistryToken => "a registry token",
        })
    }
}

/// Identifies a [`Credential`] within this process without revealing it: [`Credential::identity`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CredentialId([u64; 2]);

impl fmt::Debug for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialId(****)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_differ_where_credentials_do() {
        let all = [
            Credential::Anonymous,
            Credential::basic("", ""),
            Credential::basic("ab", "c"),
            Credential::basic("a", "bc"),
            Credential::identity_token("c"),
            Credential::IdentityToken {
                username: Some("ab".into()),
                token: "c".into(),
            },
            Credential::registry_token("c"),
        ];
        for (i, a) in all.iter().enumerate() {
            for (j, b) in all.iter().enumerate() {
                assert_eq!(a.identity() == b.identity(), i == j, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        for credential in [
            Credential::basic("user", "hunter2"),
            Credential::identity_token("hunter2"),
            Credential::registry_token("hunter2"),
        ] {
            let shown = format!("{credential:?} {credential:#?} {:?}", credential.identity());
            assert!(shown.contains("****") && !shown.contains("hunter2"), "{shown}");
        }
    }
}
