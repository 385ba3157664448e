use std::sync::Arc;

use tower::Layer;
use wharf_authn::Keychain;
use wharf_name::Registry;

use crate::settings::{AllSettings, RegistrySettings};

use super::state::State;
use super::{Auth, AuthOptions};

/// Authenticates requests; see the [module](super). All services of one layer share their tokens.
#[derive(Clone, Debug)]
pub struct AuthLayer {
    state: Arc<State>,
}

impl AuthLayer {
    /// Takes credentials from `keychain`.
    #[must_use]
    pub fn new(keychain: Arc<dyn Keychain>) -> Self {
        Self::with_options(keychain, AuthOptions::default())
    }

    /// Takes credentials from `keychain`, and trusts the token servers in the given settings
    /// ([`RegistrySettings::trusted_realms`]).
    #[must_use]
    pub fn with_trusted_realms(
        keychain: Arc<dyn Keychain>,
        default: RegistrySettings,
        own: impl IntoIterator<Item = (Registry, RegistrySettings)>,
    ) -> Self {
        Self::with_settings(
            keychain,
            Arc::new(AllSettings::new(default, own)),
            AuthOptions::default(),
        )
    }

    /// Takes credentials from `keychain`, and does as `options` say.
    #[must_use]
    pub fn with_options(keychain: Arc<dyn Keychain>, options: AuthOptions) -> Self {
        Self::with_settings(keychain, Arc::default(), options)
    }

    pub(crate) fn with_settings(
        keychain: Arc<dyn Keychain>,
        settings: Arc<AllSettings>,
        options: AuthOptions,
    ) -> Self {
        Self {
            state: Arc::new(State::new(keychain, settings, options)),
        }
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = Auth<S>;

    fn layer(&self, inner: S) -> Auth<S> {
        Auth {
            inner,
            state: Arc::clone(&self.state),
        }
    }
}
