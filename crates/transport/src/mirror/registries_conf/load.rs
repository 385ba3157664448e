use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::super::config::{ConfigError, ConfigProblem, read_dir, read_text};
use super::RegistriesConf;

impl RegistriesConf {
    /// Reads a file, and then the files `*.conf` in the directory of the same name with `.d` at its end, by their names.
    /// The file need not be there if the directory is.
    ///
    /// It reads files, so it blocks.
    ///
    /// # Errors
    /// [`ConfigError`] for the first file that cannot be read or used.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let mut dir = path.as_os_str().to_owned();
        dir.push(".d");
        Self::load_with(path, &[PathBuf::from(dir)])
    }

    /// As [`load`](Self::load), with the drop-in files of these directories, those of a later one after those of an
    /// earlier one.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_with(path: impl AsRef<Path>, dirs: &[PathBuf]) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let mut files = Vec::new();
        let mut any_dir = false;
        for dir in dirs {
            if let Some(found) = read_dir(dir)? {
                any_dir = true;
                files.extend(
                    found
                        .into_iter()
                        .filter(|file| file.extension() == Some(OsStr::new("conf"))),
                );
            }
        }
        let mut conf = match read_text(path) {
            Ok(text) => Self::parse(&text, path)?,
            Err(error) if any_dir && is_missing(&error) => Self::default(),
            Err(error) => return Err(error),
        };
        for file in files {
            conf = conf.with_drop_in(Self::parse(&read_text(&file)?, &file)?);
        }
        conf.aliases.retain(|_, stands_for| !stands_for.is_empty());
        conf.check(path)?;
        Ok(conf)
    }
}

fn is_missing(error: &ConfigError) -> bool {
    matches!(&*error.problem, ConfigProblem::Read(error) if error.kind() == io::ErrorKind::NotFound)
}
