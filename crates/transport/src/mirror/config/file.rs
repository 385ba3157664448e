use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::{ConfigError, ConfigProblem};

/// The largest configuration file or certificate that is read, in bytes.
const MAX_FILE: usize = 1 << 20;
/// The most entries that a directory may have.
const MAX_ENTRIES: usize = 4096;

pub(in super::super) fn read_file(path: &Path) -> Result<Vec<u8>, ConfigError> {
    let failed = |error| ConfigError::read(path, error);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_FILE as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() > MAX_FILE {
        return Err(ConfigError::of_file(
            path,
            ConfigProblem::TooLarge { limit: MAX_FILE },
        ));
    }
    Ok(bytes)
}

pub(in super::super) fn read_text(path: &Path) -> Result<String, ConfigError> {
    String::from_utf8(read_file(path)?).map_err(|_| {
        let problem = ConfigProblem::Syntax("not UTF-8".to_owned());
        ConfigError::of_file(path, problem)
    })
}

/// What is in a directory, sorted by name; `None` if there is no such directory.
pub(in super::super) fn read_dir(path: &Path) -> Result<Option<Vec<PathBuf>>, ConfigError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ConfigError::read(path, error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        if paths.len() == MAX_ENTRIES {
            return Err(ConfigError::of_file(
                path,
                ConfigProblem::TooMany { limit: MAX_ENTRIES },
            ));
        }
        paths.push(entry.map_err(|error| ConfigError::read(path, error))?.path());
    }
    paths.sort();
    Ok(Some(paths))
}

/// For parsers of text that was not read here.
pub(super) fn check_size(path: &Path, text: &str) -> Result<(), ConfigError> {
    if text.len() > MAX_FILE {
        return Err(ConfigError::of_file(
            path,
            ConfigProblem::TooLarge { limit: MAX_FILE },
        ));
    }
    Ok(())
}
