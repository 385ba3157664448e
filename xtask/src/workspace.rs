//! What cargo knows of the workspace, and its files as text.

use std::fs;
use std::path::Path;

use cargo_metadata::{Metadata, MetadataCommand, Package, TargetKind};
use walkdir::{DirEntry, WalkDir};

use crate::command::Failure;

/// A text file of the workspace.
#[derive(Debug)]
pub(crate) struct File {
    /// From the workspace root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The members and what they declare, without resolving anything.
pub(crate) fn metadata(root: &Path) -> Result<Metadata, Failure> {
    MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .map_err(|error| Failure::Check(format!("cannot read the workspace: {error}")))
}

/// The members that have a library.
pub(crate) fn libraries(root: &Path) -> Result<Vec<Package>, Failure> {
    let is_library = |package: &Package| {
        package
            .targets
            .iter()
            .any(|target| target.kind.contains(&TargetKind::Lib))
    };
    let mut packages = metadata(root)?.packages;
    packages.retain(is_library);
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(packages)
}

/// The Rust, TOML and Markdown files, in the order of their paths.
pub(crate) fn files(root: &Path) -> Result<Vec<File>, Failure> {
    let mut files = Vec::new();
    for entry in WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(is_ours)
    {
        let entry = entry.map_err(|error| Failure::Check(error.to_string()))?;
        let known = entry
            .path()
            .extension()
            .is_some_and(|end| end == "rs" || end == "toml" || end == "md");
        if !entry.file_type().is_file() || !known {
            continue;
        }
        let text = fs::read_to_string(entry.path())
            .map_err(|error| Failure::Check(format!("{}: {error}", entry.path().display())))?;
        let path = entry
            .path()
            .strip_prefix(root)
            .expect("the walk stays below its root");
        files.push(File {
            path: path.to_string_lossy().replace('\\', "/"),
            text,
        });
    }
    Ok(files)
}

/// Neither hidden, nor built, nor fed to the fuzzer.
fn is_ours(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    entry.depth() == 0 || !(name.starts_with('.') || matches!(&*name, "target" | "corpus" | "artifacts"))
}
