use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tower::Layer;
use wharf_name::Registry;

use crate::settings::{AllSettings, RegistrySettings};

use super::Scheme;

/// By registry: whether it speaks TLS.
pub(super) type Learned = Arc<Mutex<HashMap<String, bool>>>;

/// Chooses between `https` and `http`; see the [module](super). All services of one layer share what they learn.
#[derive(Clone, Debug)]
pub struct SchemeLayer {
    settings: Arc<AllSettings>,
    learned: Learned,
}

impl SchemeLayer {
    /// Uses the given settings for the given registries, and `default` for all others.
    #[must_use]
    pub fn new(
        default: RegistrySettings,
        own: impl IntoIterator<Item = (Registry, RegistrySettings)>,
    ) -> Self {
        Self::with_settings(Arc::new(AllSettings::new(default, own)))
    }

    pub(crate) fn with_settings(settings: Arc<AllSettings>) -> Self {
        Self {
            settings,
            learned: Learned::default(),
        }
    }
}

impl<S> Layer<S> for SchemeLayer {
    type Service = Scheme<S>;

    fn layer(&self, inner: S) -> Scheme<S> {
        Scheme {
            inner,
            settings: Arc::clone(&self.settings),
            learned: Arc::clone(&self.learned),
        }
    }
}
