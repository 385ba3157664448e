//! Credentials and tokens.

mod error;

pub use self::error::{AuthError, AuthFailure};
