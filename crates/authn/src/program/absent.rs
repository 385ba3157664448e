//! Credential helpers in a build without them.

use std::sync::Arc;

use crate::{Authenticator, Environment, Error, HelperFault};

/// Runs credential helpers; in this build, without feature `helper`, refuses to.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Helpers;

impl Helpers {
    /// Helpers that refuse to run.
    pub fn new(_environment: &Environment) -> Self {
        Self
    }

    pub(crate) async fn find(
        &self,
        helper: &str,
        server: &str,
    ) -> Result<Option<Arc<dyn Authenticator>>, Error> {
        let source = Box::new(HelperFault::Unsupported);
        Err(Error::Helper {
            helper: helper.to_owned(),
            server: server.to_owned(),
            source,
        })
    }
}
