//! Extended attributes that mean the same wherever a layer is unpacked.

use std::fs::File;
use std::io;
use std::path::Path;

/// Their keys in an archive, with their values, sorted.
type Records = Vec<(String, Vec<u8>)>;

#[cfg(unix)]
pub(crate) fn of_file(file: &File) -> io::Result<Records> {
    use ::xattr::FileExt as _;

    records(file.list_xattr(), |name| file.get_xattr(name))
}

#[cfg(unix)]
pub(crate) fn of_directory(path: &Path) -> io::Result<Records> {
    records(::xattr::list(path), |name| ::xattr::get(path, name))
}

#[cfg(unix)]
fn records(
    names: io::Result<::xattr::XAttrs>,
    get: impl Fn(&std::ffi::OsStr) -> io::Result<Option<Vec<u8>>>,
) -> io::Result<Records> {
    let names = match names {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(Vec::new()),
        names => names?,
    };
    let mut records = Vec::new();
    for name in names {
        if let Some(text) = name.to_str()
            && travels(text)
            && let Some(value) = get(&name)?
        {
            records.push((format!("SCHILY.xattr.{text}"), value));
        }
    }
    records.sort();
    Ok(records)
}

/// Labels of this machine's security modules do not, nor does what an overlay filesystem keeps for itself.
#[cfg(unix)]
fn travels(name: &str) -> bool {
    name == "security.capability" || name.starts_with("user.") && !name.starts_with("user.overlay.")
}

#[cfg(not(unix))]
pub(crate) fn of_file(_file: &File) -> io::Result<Records> {
    Ok(Vec::new())
}

#[cfg(not(unix))]
pub(crate) fn of_directory(_path: &Path) -> io::Result<Records> {
    Ok(Vec::new())
}
