//! `crane man`.

use std::path::{Path, PathBuf};

use crate::cli;
use crate::failure::Failure;

/// Write a manual page for each command into a directory
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The directory, which is made if it is not there
    directory: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let directory: &Path = &args.directory;
    let written = std::fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(cli::definition(), directory));
    written.map_err(|error| Failure::local(format!("writing {}", directory.display()), error))
}
