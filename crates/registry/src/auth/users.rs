//! Who there is and what they may do.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use oci_spec::image::Digest;

use crate::auth::{Action, Need};
use crate::name::RepositoryName;

/// The users of a registry with their passwords and rights.
#[derive(Clone, Debug, Default)]
pub struct Users {
    known: HashMap<String, User>,
    anonymous: Rights,
}

#[derive(Clone)]
struct User {
    /// Only the hash is kept, and compared, so that the time it takes tells nothing about the password.
    password: Digest,
    rights: Rights,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("password", &"****")
            .field("rights", &self.rights)
            .finish()
    }
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

    /// Adds a user who may do everything.
    #[must_use]
    pub fn with(self, name: &str, password: &str) -> Self {
        self.with_rights(name, password, Rights::all())
    }

    /// Adds a user who may do some things.
    #[must_use]
    pub fn with_rights(mut self, name: &str, password: &str, rights: Rights) -> Self {
        let user = User {
            password: wharf_v1::sha256(password),
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
    pub(super) fn check(&self, name: &str, password: &str) -> Option<&Rights> {
        let user = self.known.get(name)?;
        (user.password == wharf_v1::sha256(password)).then_some(&user.rights)
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
