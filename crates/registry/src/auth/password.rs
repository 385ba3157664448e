//! Passwords, of which only hashes are kept.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use oci_spec::image::Digest;

/// A password that is known.
#[derive(Clone)]
pub(super) enum Password {
    /// One that was given as such. Only its hash is kept, and compared, so that the time it takes tells nothing about
    /// it.
    Given(Digest),
    /// One of which only a slow hash is known.
    Bcrypt {
        hash: Arc<str>,
        /// The fast hash of what was found right, so that not every request takes as long as the first.
        right: Arc<Mutex<Option<Digest>>>,
    },
}

impl Password {
    pub(super) fn given(password: &str) -> Self {
        Self::Given(wharf_v1::sha256(password))
    }

    /// `None` when this is no hash of bcrypt.
    pub(super) fn bcrypt(hash: &str) -> Option<Self> {
        hash.parse::<bcrypt::HashParts>().ok()?;
        Some(Self::Bcrypt {
            hash: hash.into(),
            right: Arc::default(),
        })
    }

    /// Whether it is this one.
    pub(super) async fn is(&self, password: &str) -> bool {
        let fast = wharf_v1::sha256(password);
        let (hash, right) = match self {
            Self::Given(known) => return *known == fast,
            Self::Bcrypt { hash, right } => (hash, right),
        };
        let known = right.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if known.as_ref() == Some(&fast) {
            return true;
        }
        let (hash, password) = (Arc::clone(hash), password.to_owned());
        let verified = tokio::task::spawn_blocking(move || bcrypt::verify(password, &hash).unwrap_or(false));
        let is_right = verified.await.unwrap_or(false);
        if is_right {
            *right.lock().unwrap_or_else(PoisonError::into_inner) = Some(fast);
        }
        is_right
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}
