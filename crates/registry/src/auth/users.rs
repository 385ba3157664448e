//! Who there is and what they may do.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::auth::password::Password;
use crate::auth::{Action, Need};
use crate::name::RepositoryName;

/// The users of a registry with their passwords and rights.
#[derive(Clone, Debug, Default)]
pub struct Users {
    known: HashMap<String, User>,
    anonymous: Rights,
}

#[derive(Clone, Debug)]
struct User {
    password: Password,
    rights: Rights,
}

/// Why a text is no list of users.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HtpasswdError {
    /// A line has no colon, or nothing before it.
    #[error("line {line}: no user name")]
    Name {
        /// The line, counted from 1.
        line: usize,
    },
    /// A password is not hashed with bcrypt.
    #[error("line {line}: the password of {name:?} is not hashed with bcrypt (htpasswd -B)")]
    Hash {
        /// The line, counted from 1.
        line: usize,
        /// The user.
        name: String,
    },
}

/// What someone may do.
#[derive(Clone, Default)]
pub struct Rights(Kind);

/// Judges an action on a repository.
type Judge = dyn Fn(&str, Action) -> bool + Send + Sync;

#[derive(Clone, Default)]
enum Kind {
    #[default]
    None,
    Pull,
    All,
    Custom(Arc<Judge>),
}

impl Users {
    /// Nobody, and no rights for those who do not say who they are.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The users that a file of `htpasswd` lists, who may do everything. Each line is a name, a colon and a hash of
    /// bcrypt (`htpasswd -B`); other hashes are not safe enough. Empty lines and those that begin with `#` say nothing.
    /// Of several lines for one name the last counts.
    ///
    /// ```
    /// use wharf_registry::auth::Users;
    ///
    /// let file = "# ops\nann:$2y$05$6S6Yp5ZcJDZ8a7Sl1oJHWOQ2Um1W0Qe3pQ1bM6W9rD8n2Wm6m0mRa\n";
    /// let users = Users::from_htpasswd(file)?;
    /// assert!(Users::from_htpasswd("ann:plain").is_err());
    /// # Ok::<(), wharf_registry::auth::HtpasswdError>(())
    /// ```
    ///
    /// # Errors
    /// [`HtpasswdError`] with the first line that is of another form.
    pub fn from_htpasswd(text: &str) -> Result<Self, HtpasswdError> {
        let mut users = Self::new();
        for (line, content) in (1..).zip(text.lines()) {
            let content = content.trim();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let split = content.split_once(':').filter(|(name, _)| !name.is_empty());
            let (name, hash) = split.ok_or(HtpasswdError::Name { line })?;
            let password = Password::bcrypt(hash).ok_or_else(|| HtpasswdError::Hash {
                line,
                name: name.to_owned(),
            })?;
            let rights = Rights::all();
            users.known.insert(name.to_owned(), User { password, rights });
        }
        Ok(users)
    }

    /// Adds a user who may do everything.
    #[must_use]
    pub fn with(self, name: &str, password: &str) -> Self {
        self.with_rights(name, password, Rights::all())
    }

    /// Adds a user who may do some things.
    #[must_use]
    pub fn with_rights(mut self, name: &str, password: &str, rights: Rights) -> Self {
        let user = User {
            password: Password::given(password),
            rights,
        };
        self.known.insert(name.to_owned(), user);
        self
    }

    /// What everybody may do without saying who they are. Default: nothing.
    #[must_use]
    pub fn with_anonymous(mut self, rights: Rights) -> Self {
        self.anonymous = rights;
        self
    }

    /// The rights of a user, if the password is theirs.
    pub(super) async fn check(&self, name: &str, password: &str) -> Option<&Rights> {
        let Some(user) = self.known.get(name) else {
            // It takes as long as for a user whom there is.
            if let Some(other) = self.known.values().next() {
                other.password.is(password).await;
            }
            return None;
        };
        user.password.is(password).await.then_some(&user.rights)
    }

    pub(super) fn anonymous(&self) -> &Rights {
        &self.anonymous
    }

    /// The rights of a user by name, for whom another proof was found good.
    pub(super) fn rights(&self, name: Option<&str>) -> Rights {
        match name {
            Some(name) => self
                .known
                .get(name)
                .map(|user| user.rights.clone())
                .unwrap_or_default(),
            None => self.anonymous.clone(),
        }
    }
}

impl Rights {
    /// Nothing.
    #[must_use]
    pub fn none() -> Self {
        Self(Kind::None)
    }

    /// Reading everything.
    #[must_use]
    pub fn pull() -> Self {
        Self(Kind::Pull)
    }

    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self(Kind::All)
    }

    /// What `may` says for a repository's name. Listing all repositories is pulling from the empty name.
    #[must_use]
    pub fn custom(may: impl Fn(&str, Action) -> bool + Send + Sync + 'static) -> Self {
        Self(Kind::Custom(Arc::new(may)))
    }

    pub(super) fn may(&self, repository: &RepositoryName, action: Action) -> bool {
        self.may_with(repository.as_str(), action)
    }

    pub(super) fn allow(&self, need: Option<Need<'_>>) -> bool {
        match need {
            None => true,
            Some(Need::Catalog) => self.may_with("", Action::Pull),
            Some(Need::Repository(repository, action)) => self.may(repository, action),
        }
    }

    pub(super) fn may_with(&self, repository: &str, action: Action) -> bool {
        match &self.0 {
            Kind::None => false,
            Kind::Pull => action == Action::Pull,
            Kind::All => true,
            Kind::Custom(may) => may(repository, action),
        }
    }

    /// Whether nothing at all is allowed.
    pub(super) fn is_none(&self) -> bool {
        matches!(self.0, Kind::None)
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::None => "none",
            Kind::Pull => "pull",
            Kind::All => "all",
            Kind::Custom(_) => "custom",
        })
    }
}

/// The value of an `Authorization` header of this scheme.
pub(super) fn authorization<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let (given, value) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    given.eq_ignore_ascii_case(scheme).then(|| value.trim())
}

/// An `Authorization` header that is not of the scheme it should be, or not of its form.
#[derive(Debug)]
pub(super) struct Malformed;

/// User name and password of a Basic `Authorization` header; none if there is no header, or if both are
/// empty, as some clients send them that have none.
pub(super) fn basic_credentials(headers: &HeaderMap) -> Result<Option<(String, String)>, Malformed> {
    use base64::Engine as _;
    if !headers.contains_key(AUTHORIZATION) {
        return Ok(None);
    }
    let encoded = authorization(headers, "Basic").ok_or(Malformed)?;
    let decoded = base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .map_err(|_| Malformed)?;
    let decoded = std::str::from_utf8(&decoded).map_err(|_| Malformed)?;
    let (name, password) = decoded.split_once(':').ok_or(Malformed)?;
    let given = !name.is_empty() || !password.is_empty();
    Ok(given.then(|| (name.to_owned(), password.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn users_of_a_file() {
        let hash = |password: &str| bcrypt::hash(password, 4).expect("a hash");
        let text = format!(
            "# ops\n\nann:{}\n bob:{}\r\nann:{}\n",
            hash("old"),
            hash("b:b"),
            hash("new")
        );
        let users = Users::from_htpasswd(&text).expect("users");
        for (name, password, want) in [
            ("ann", "new", true),
            ("ann", "new", true),
            ("ann", "old", false),
            ("ann", "", false),
            ("bob", "b:b", true),
            ("eve", "new", false),
        ] {
            assert_eq!(
                users.check(name, password).await.is_some(),
                want,
                "{name} {password:?}"
            );
        }
        assert!(!format!("{users:?}").contains("$2"), "{users:?}");
    }

    #[test]
    fn what_is_no_list_of_users() {
        let fails = |text: &str, want: HtpasswdError| {
            assert_eq!(
                Users::from_htpasswd(text).expect_err("no users"),
                want,
                "{text:?}"
            );
        };
        let hash = |line, name: &str| HtpasswdError::Hash {
            line,
            name: name.to_owned(),
        };
        fails("\nann", HtpasswdError::Name { line: 2 });
        fails(":x", HtpasswdError::Name { line: 1 });
        fails("ann:", hash(1, "ann"));
        fails("#\nann:{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=", hash(2, "ann"));
        fails("ann:$apr1$a$b", hash(1, "ann"));
        fails("ann:$2y$05$short", hash(1, "ann"));
    }
}
