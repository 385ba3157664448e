//! Where a path leads.

use super::entry::{FileEntry, FileKind, Files, clean};
use crate::Error;

/// How many symbolic links a path may lead through, as on Linux.
const MOST_LINKS: usize = 40;

impl Files {
    /// The regular file that a path leads to: symbolic links are followed, also those of directories, below the
    /// image's own root, and hard links.
    ///
    /// # Errors
    /// [`Error::NoSuchFile`], [`Error::NotFile`], and [`Error::TooManyLinks`] when links lead in a circle.
    pub fn resolve(&self, path: &str) -> Result<&FileEntry, Error> {
        let name = self.resolve_name(path)?;
        self.at(&name).ok_or_else(|| no_such(path))
    }

    /// The name of the regular file that a path leads to, as it is in the archive.
    pub(super) fn resolve_name(&self, path: &str) -> Result<Vec<u8>, Error> {
        let mut left: Vec<Vec<u8>> = parts(path.as_bytes());
        let mut at: Vec<Vec<u8>> = Vec::new();
        let mut links = 0;
        while let Some(part) = left.pop() {
            if part == b".." {
                at.pop();
                continue;
            }
            at.push(part);
            let Some(entry) = self.at(&at.join(&b'/')) else {
                continue;
            };
            if entry.kind != FileKind::Symlink {
                continue;
            }
            links += 1;
            if links > MOST_LINKS {
                return Err(Error::TooManyLinks {
                    path: path.to_owned(),
                });
            }
            let target = entry.link.as_deref().unwrap_or_default();
            if target.starts_with('/') {
                at.clear();
            } else {
                at.pop();
            }
            left.extend(parts(target.as_bytes()));
        }
        let mut name = at.join(&b'/');
        // A hard link names a file, or another hard link.
        for _ in 0..MOST_LINKS {
            match self.at(&name) {
                None => return Err(no_such(path)),
                Some(entry) if entry.kind == FileKind::File => return Ok(name),
                Some(entry) if entry.kind == FileKind::HardLink => {
                    name = clean(entry.link.as_deref().unwrap_or_default().as_bytes());
                }
                Some(_) => {
                    return Err(Error::NotFile {
                        path: path.to_owned(),
                    });
                }
            }
        }
        Err(Error::TooManyLinks {
            path: path.to_owned(),
        })
    }
}

/// The parts of a path, last first.
fn parts(path: &[u8]) -> Vec<Vec<u8>> {
    let parts = path
        .split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".");
    parts.rev().map(<[u8]>::to_vec).collect()
}

fn no_such(path: &str) -> Error {
    Error::NoSuchFile {
        path: path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::{Header, Kind};

    fn files() -> Files {
        let mut files = Files::default();
        for (name, kind, link) in [
            ("etc/os-release", Kind::Symlink, "../usr/lib/os-release"),
            ("usr/lib/os-release", Kind::File, ""),
            ("bin", Kind::Symlink, "usr/bin"),
            ("usr/bin/sh", Kind::Symlink, "/bin/dash"),
            ("usr/bin/dash", Kind::File, ""),
            ("usr/bin/also", Kind::Link, "./usr/bin/dash"),
            ("out", Kind::Symlink, "../../../../usr/bin/dash"),
            ("a", Kind::Symlink, "b"),
            ("b", Kind::Symlink, "a"),
            ("loop", Kind::Link, "loop"),
            ("dir/", Kind::Directory, ""),
            ("none", Kind::Symlink, "nowhere"),
        ] {
            let header = Header {
                name: name.into(),
                link: link.into(),
                kind,
                ..Header::default()
            };
            files.insert(&header, None);
        }
        files
    }

    #[track_caller]
    fn check(path: &str, want: Result<&str, &str>) {
        let files = files();
        match (files.resolve(path), want) {
            (Ok(entry), Ok(want)) => assert_eq!(entry.path, want, "{path}"),
            (Err(error), Err(want)) => assert_eq!(error.to_string(), want, "{path}"),
            (got, _) => panic!("{path}: {got:?}"),
        }
    }

    #[test]
    fn links_are_followed_below_the_root() {
        check("usr/bin/dash", Ok("usr/bin/dash"));
        check("/usr//bin/./dash", Ok("usr/bin/dash"));
        check("/etc/os-release", Ok("usr/lib/os-release"));
        check("bin/sh", Ok("usr/bin/dash"));
        check("bin/also", Ok("usr/bin/dash"));
        check("out", Ok("usr/bin/dash"));
        check("../../usr/bin/dash", Ok("usr/bin/dash"));
        check("a", Err("too many links on the way to \"a\""));
        check("loop", Err("too many links on the way to \"loop\""));
        check("dir", Err("\"dir\" is no regular file"));
        check("none", Err("\"none\" is not there"));
        check("", Err("\"\" is not there"));
    }
}
