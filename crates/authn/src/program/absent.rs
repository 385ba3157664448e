//! Credential helpers in a build without them.

use std::sync::Arc;

use crate::{Authenticator, Credential, Environment, Error, HelperFault, HelperVerb};

/// Runs credential helpers; in this build, without feature `helper`, refuses to.
#[derive(Clone, Debug, Default)]
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
    ) -> Result<(Credential, Arc<dyn Authenticator>), Error> {
        Err(unsupported(helper, HelperVerb::Get, server))
    }

    pub(crate) async fn store(
        &self,
        helper: &str,
        server: &str,
        _credential: &Credential,
    ) -> Result<(), Error> {
        Err(unsupported(helper, HelperVerb::Store, server))
    }

    pub(crate) async fn erase(&self, helper: &str, server: &str) -> Result<(), Error> {
        Err(unsupported(helper, HelperVerb::Erase, server))
    }
}

fn unsupported(helper: &str, verb: HelperVerb, server: &str) -> Error {
    Error::Helper {
        helper: helper.to_owned(),
        verb,
        server: server.to_owned(),
        source: Arc::new(HelperFault::Unsupported),
    }
}
