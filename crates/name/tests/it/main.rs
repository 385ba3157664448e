//! Names, row by row.

mod errors;
mod parse;
mod properties;
mod scheme;
mod values;

/// A sha256 digest.
const SHA256: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
