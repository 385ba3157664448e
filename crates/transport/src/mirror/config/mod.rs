//! What the readers of configuration files share: TOML with places, and errors that name file, line and key.

mod error;
mod file;
mod node;

pub use self::error::{ConfigError, ConfigProblem};

pub(super) use self::error::ErrorAt;
pub(super) use self::file::{read_dir, read_file, read_text};
pub(super) use self::node::{Document, Node, Table};
