//! Times in images.

/// What a time that is not known is written as.
pub(crate) const UNKNOWN_TIME: &str = "0001-01-01T00:00:00Z";
