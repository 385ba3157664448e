//! Which file a helper is.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::HelperFault;

/// What the name of a program may end in. Windows finds no program by its bare name.
const ENDINGS: &[&str] = if cfg!(windows) {
    &[".exe", ".cmd", ".bat"]
} else {
    &[""]
};

/// Finds a helper in the directories of `path`.
pub(super) fn find(helper: &str, path: &OsStr) -> Result<PathBuf, HelperFault> {
    search(helper, path, ENDINGS)
}

fn search(helper: &str, path: &OsStr, endings: &[&str]) -> Result<PathBuf, HelperFault> {
    // The name comes from a file and must not lead out of the directories in PATH.
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
    if helper.is_empty() || !helper.chars().all(allowed) {
        return Err(HelperFault::Name);
    }
    std::env::split_paths(path)
        // An empty or relative element would run what happens to lie in the working directory.
        .filter(|directory| directory.is_absolute())
        .flat_map(|directory| {
            endings
                .iter()
                .map(move |ending| directory.join(format!("docker-credential-{helper}{ending}")))
        })
        .find(|program| is_executable(program))
        .ok_or(HelperFault::NotFound)
}

fn is_executable(program: &Path) -> bool {
    let Ok(metadata) = program.metadata() else {
        return false;
    };
    #[cfg(unix)]
    let may_run = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let may_run = true;
    metadata.is_file() && may_run
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::OpenOptionsExt as _;

    use super::*;

    /// The names that Windows would find, in order of directories first and of endings second.
    #[test]
    fn endings_are_tried_in_each_directory() {
        let (first, second) = (
            tempfile::tempdir().expect("a directory"),
            tempfile::tempdir().expect("a directory"),
        );
        let path = std::env::join_paths([first.path(), second.path()]).expect("paths");
        let make = |path: PathBuf| {
            let mut options = std::fs::File::options();
            options
                .write(true)
                .create_new(true)
                .mode(0o700)
                .open(path)
                .expect("a file")
        };
        let find = |helper| search(helper, &path, &[".exe", ".cmd", ".bat"]).ok();

        make(second.path().join("docker-credential-a"));
        assert_eq!(find("a"), None, "a bare name is no program on Windows");
        let cmd = second.path().join("docker-credential-a.cmd");
        make(cmd.clone());
        assert_eq!(find("a").as_ref(), Some(&cmd));
        let exe = second.path().join("docker-credential-a.exe");
        make(exe.clone());
        assert_eq!(find("a").as_ref(), Some(&exe));
        let bat = first.path().join("docker-credential-a.bat");
        make(bat.clone());
        assert_eq!(find("a").as_ref(), Some(&bat));
        assert_eq!(find(r"..\a"), None);
    }
}
