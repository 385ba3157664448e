use std::sync::Arc;

use tower::Layer;

use crate::settings::AllSettings;

use super::Redirect;

/// Follows redirects; see the [module](super).
#[derive(Clone, Debug, Default)]
pub struct RedirectLayer {
    settings: Arc<AllSettings>,
}

impl RedirectLayer {
    /// The layer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn with_settings(settings: Arc<AllSettings>) -> Self {
        Self { settings }
    }
}

impl<S> Layer<S> for RedirectLayer {
    type Service = Redirect<S>;

    fn layer(&self, inner: S) -> Redirect<S> {
        let settings = Arc::clone(&self.settings);
        Redirect { inner, settings }
    }
}
