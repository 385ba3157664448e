//! Finding repositories.

use std::fs;

use crate::name::RepositoryName;
use crate::store::Error;

use super::disk;
use super::layout::Layout;

/// The names of all directories that may be repositories, in order.
pub(super) fn repositories(layout: &Layout) -> Result<Vec<RepositoryName>, Error> {
    let mut found = Vec::new();
    let mut pending = vec![String::new()];
    while let Some(prefix) = pending.pop() {
        let dir = layout.repositories().join(&prefix);
        let Some(entries) = disk::present(fs::read_dir(dir))? else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            let Ok(component) = entry.file_name().into_string() else {
                continue;
            };
            if component.starts_with('_') || !entry.file_type()?.is_dir() {
                continue;
            }
            let name = if prefix.is_empty() {
                component
            } else {
                format!("{prefix}/{component}")
            };
            if let Ok(repository) = name.parse() {
                found.push(repository);
                pending.push(name);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}
