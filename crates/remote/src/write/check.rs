//! Whether a repository may be written to.

use wharf_name::Repository;

use crate::Client;
use crate::error::Error;

impl Client {
    /// Asks whether this client may push to a repository (Go: `remote.CheckPushPermission`), by beginning an upload and
    /// giving it up. With the credentials and the token that a push would use.
    ///
    /// Costs 1 request, and 1 more behind the scenes that gives up the upload.
    ///
    /// # Errors
    /// Those that the push would fail with: [`Error::Request`] when the registry refuses, see
    /// [`is_denied`](Error::is_denied) and [`is_unauthorized`](Error::is_unauthorized), or cannot be reached.
    pub async fn check_push(&self, repository: &Repository) -> Result<(), Error> {
        self.destination(repository).begin().await.map(drop)
    }
}
