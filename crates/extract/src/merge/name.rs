//! Names of entries and targets of links: what they mean, and whether they are safe.

use crate::Error;

/// What the name of an entry says that the entry is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// Something at this path, relative to the root; empty for the root itself.
    Path(Vec<u8>),
    /// A mark: what lower layers have at this path is gone.
    Gone(Vec<u8>),
    /// A mark: what lower layers have below this path is gone.
    Opaque(Vec<u8>),
    /// Neither content nor a valid mark: bookkeeping of AUFS, a mark without a name, a directory named
    /// like a mark or something in one.
    Nothing,
}

const MARK: &[u8] = b".wh.";
const AUFS: &[u8] = b".wh..wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

impl Name {
    /// Reads the name of an entry.
    pub(crate) fn parse(name: &[u8], is_directory: bool) -> Result<Self, Error> {
        let Some(path) = safe(name) else {
            return Err(Error::UnsafePath {
                path: String::from_utf8_lossy(name).into_owned(),
            });
        };
        let (directory, base) = split(&path);
        if directory
            .split(|byte| *byte == b'/')
            .any(|part| part.starts_with(MARK))
        {
            return Ok(Self::Nothing);
        }
        let Some(rest) = base.strip_prefix(MARK) else {
            return Ok(Self::Path(path));
        };
        if is_directory {
            return Ok(Self::Nothing);
        }
        if base == OPAQUE {
            return Ok(Self::Opaque(directory.to_vec()));
        }
        if base.starts_with(AUFS) || matches!(rest, b"" | b"." | b"..") {
            return Ok(Self::Nothing);
        }
        Ok(Self::Gone(join(directory, rest)))
    }
}

/// The name of a mark that removes `path` from lower layers.
pub(crate) fn gone(path: &[u8]) -> Vec<u8> {
    let (directory, base) = split(path);
    join(directory, &[MARK, base].concat())
}

/// The name of a mark that removes what lower layers have below `path`, which is `.` for the root.
pub(crate) fn opaque(path: &[u8]) -> Vec<u8> {
    join(if path == b"." { b"" } else { path }, OPAQUE)
}

/// The target of a hard link, relative to the root; `None` when it leads out.
pub(crate) fn hard_link(target: &[u8]) -> Option<Vec<u8>> {
    safe(target)
}

/// Whether a symbolic link in `directory` stays in the image, on each system that it may be unpacked on.
/// An absolute one does: whoever uses the filesystem resolves it at its root.
pub(crate) fn symlink_stays(directory: &[u8], target: &[u8]) -> bool {
    let target = slashes(target);
    let relative = match without_drive(&target) {
        Some(rest) if rest.starts_with(b"/") => return false,
        Some(rest) => rest,
        None if target.starts_with(b"/") => return true,
        None => &target,
    };
    clean(&join(directory, relative)).is_some()
}

/// Directory and last part of a path.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}

fn join(directory: &[u8], base: &[u8]) -> Vec<u8> {
    let separator: &[u8] = if directory.is_empty() { b"" } else { b"/" };
    [directory, separator, base].concat()
}

/// The path that a name means, relative to the root. `None` when it leads out of there, on Linux or, with
/// backslashes and drive letters, on Windows. `a:b` is harmless on both.
fn safe(name: &[u8]) -> Option<Vec<u8>> {
    if name.starts_with(b"\\") {
        return None;
    }
    let foreign = slashes(name);
    match without_drive(&foreign) {
        Some(rest) if rest.starts_with(b"/") => return None,
        Some(rest) => clean(rest)?,
        None => clean(&foreign)?,
    };
    clean(name)
}

/// Takes away `.`, `..` and empty parts, and the slash at the beginning: above the root there is nothing.
/// `None` when the `..` of a relative path lead above where it begins.
fn clean(path: &[u8]) -> Option<Vec<u8>> {
    let absolute = path.starts_with(b"/");
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.pop().is_none() && !absolute => return None,
            b".." => {}
            part => parts.push(part),
        }
    }
    Some(parts.join(&b'/'))
}

fn slashes(path: &[u8]) -> Vec<u8> {
    let slash = |byte: &u8| if *byte == b'\\' { b'/' } else { *byte };
    path.iter().map(slash).collect()
}

fn without_drive(path: &[u8]) -> Option<&[u8]> {
    match path {
        [letter, b':', rest @ ..] if letter.is_ascii_alphabetic() => Some(rest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, want: Option<Name>) {
        assert_eq!(Name::parse(name.as_bytes(), false).ok(), want, "{name}");
    }

    fn path(path: &str) -> Option<Name> {
        Some(Name::Path(path.into()))
    }

    #[test]
    fn paths() {
        check(".", path(""));
        check("./", path(""));
        check("/", path(""));
        check("x/safe", path("x/safe"));
        check("./a", path("a"));
        check("/etc/x", path("etc/x"));
        check("a//b/./c/", path("a/b/c"));
        check("a/../b", path("b"));
        check("/../x", path("x"));
        check("a:b", path("a:b"));
        check("..foo", path("..foo"));
        check("d/a\\b", path("d/a\\b"));
        check("x.wh.y", path("x.wh.y"));
    }

    #[test]
    fn names_that_lead_out() {
        for name in [
            "..",
            "../x/evil",
            "a/../../x",
            "..\\..\\x\\evil",
            "a\\..\\..\\x",
            "\\x\\evil",
            "C:\\x\\evil",
            "C:/x/evil",
            "C:..\\evil",
        ] {
            check(name, None);
        }
    }

    #[test]
    fn marks() {
        check("a/.wh.b", Some(Name::Gone("a/b".into())));
        check(".wh.b", Some(Name::Gone("b".into())));
        check(".wh.b/", Some(Name::Gone("b".into())));
        check("a/.wh..wh..opq", Some(Name::Opaque("a".into())));
        check(".wh..wh..opq", Some(Name::Opaque("".into())));
        check("a/.wh...foo", Some(Name::Gone("a/..foo".into())));
        for nothing in [
            ".wh.",
            "d/.wh.",
            "d/.wh..",
            "d/.wh...",
            ".wh..wh.aufs",
            ".wh..wh.plnk/1.2",
            "a/.wh.foo/bar",
        ] {
            check(nothing, Some(Name::Nothing));
        }
        assert_eq!(Name::parse(b"a/.wh.foo", true).ok(), Some(Name::Nothing));
    }

    #[track_caller]
    fn stays(path: &str, target: &str, want: bool) {
        let (directory, _) = split(path.as_bytes());
        assert_eq!(
            symlink_stays(directory, target.as_bytes()),
            want,
            "{path} -> {target}"
        );
    }

    #[test]
    fn symlinks() {
        stays("usr/local/bin/ld.so", "../lib/ld-linux.so.2", true);
        stays("srv/var/lock", "../run/lock", true);
        stays("app/bin/win-rel", "..\\lib\\tool", true);
        stays("x", "/etc/passwd", true);
        stays("x", "..foo", true);
        stays("x", "a:b", true);
        stays("x", "..", false);
        stays("etc/foo", "../../../x/evil", false);
        stays("etc/win-escape", "..\\..\\x\\evil", false);
        stays("x", "C:\\evil", false);
        stays("x", "C:..\\evil", false);
    }
}
