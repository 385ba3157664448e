use http::HeaderValue;
use http::header::InvalidHeaderValue;
use tower::Layer;

use super::UserAgent;

const WHARF: &str = concat!("wharf/", env!("CARGO_PKG_VERSION"));

/// Sets the `User-Agent` header to `wharf/<version>`, after the product that uses it.
#[derive(Clone, Debug)]
pub struct UserAgentLayer {
    value: HeaderValue,
}

impl UserAgentLayer {
    /// The header `wharf/<version>`.
    #[must_use]
    pub fn new() -> Self {
        Self {
            value: HeaderValue::from_static(WHARF),
        }
    }

    /// The header `<prefix> wharf/<version>`, where the prefix is the product that uses wharf, as `my-tool/1.0`.
    ///
    /// # Errors
    /// When `prefix` has characters that a header cannot have.
    pub fn with_prefix(prefix: &str) -> Result<Self, InvalidHeaderValue> {
        if prefix.trim().is_empty() {
            return Ok(Self::new());
        }
        Ok(Self {
            value: HeaderValue::try_from(format!("{} {WHARF}", prefix.trim()))?,
        })
    }
}

impl Default for UserAgentLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for UserAgentLayer {
    type Service = UserAgent<S>;

    fn layer(&self, inner: S) -> UserAgent<S> {
        UserAgent {
            inner,
            value: self.value.clone(),
        }
    }
}
