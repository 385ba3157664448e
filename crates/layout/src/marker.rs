//! The `oci-layout` file: what makes a directory a layout, and of which version.

use std::io;
use std::path::Path;

use serde::Deserialize;

use crate::Error;
use crate::file::{create_new, read_capped};

/// The file's name.
pub(crate) const MARKER: &str = "oci-layout";

/// What we write. Indented as other tools do.
pub(crate) const CONTENT: &[u8] = b"{\n    \"imageLayoutVersion\": \"1.0.0\"\n}";

/// More than the file can sensibly need.
pub(crate) const LIMIT: u64 = 64 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marker {
    image_layout_version: String,
}

/// Checks the version. A layout without the file passes, as it does with other tools; returns whether
/// it is there.
///
/// [Spec](https://github.com/opencontainers/image-spec/blob/main/image-layout.md#oci-layout-file)
pub(crate) fn check(root: &Path) -> Result<bool, Error> {
    let path = root.join(MARKER);
    let bytes = match read_capped(&path, LIMIT) {
        Ok(bytes) => bytes,
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    parse(&bytes, &path).map(|()| true)
}

/// Checks the version that the content of an `oci-layout` file names.
pub(crate) fn parse(bytes: &[u8], path: &Path) -> Result<(), Error> {
    let marker: Marker = serde_json::from_slice(bytes).map_err(|error| Error::Invalid {
        path: path.to_owned(),
        source: error.into(),
    })?;
    // Semantic versioning: 1.x stays readable.
    if marker.image_layout_version.split('.').next() == Some("1") {
        Ok(())
    } else {
        Err(Error::Version {
            path: path.to_owned(),
            version: marker.image_layout_version,
        })
    }
}

/// Writes the file unless it is there. Returns whether it wrote.
///
/// One that is there is never replaced, not even by one that was about to be written at the same time: somebody may
/// hold the lock on it.
pub(crate) fn ensure(root: &Path) -> Result<bool, Error> {
    if check(root)? {
        return Ok(false);
    }
    create_new(&root.join(MARKER), CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn checked(content: &str) -> Result<bool, Error> {
        let dir = tempfile::tempdir().expect("temp dir");
        std::fs::write(dir.path().join(MARKER), content).expect("write");
        check(dir.path())
    }

    #[test]
    fn versions_one_are_read() {
        assert!(checked(r#"{"imageLayoutVersion":"1.0.0"}"#).expect("1.0.0"));
        assert!(checked(r#"{"imageLayoutVersion":"1.1.0","more":1}"#).expect("1.1.0"));
    }

    #[test]
    fn other_versions_are_refused() {
        for version in ["2.0.0", "10.0.0", "", "x"] {
            let result = checked(&format!(r#"{{"imageLayoutVersion":"{version}"}}"#));
            assert!(
                matches!(result, Err(Error::Version { .. })),
                "{version}: {result:?}"
            );
        }
    }

    #[test]
    fn damage_is_refused() {
        for content in ["", "{", "{}", "[]", r#"{"imageLayoutVersion":1}"#] {
            let result = checked(content);
            assert!(
                matches!(result, Err(Error::Invalid { .. })),
                "{content}: {result:?}"
            );
        }
        assert!(matches!(
            checked(&" ".repeat(70_000)),
            Err(Error::TooLarge { .. })
        ));
    }

    #[test]
    fn a_missing_file_is_written_once() {
        let dir = tempfile::tempdir().expect("temp dir");
        assert!(!check(dir.path()).expect("check"));
        assert!(ensure(dir.path()).expect("first"));
        assert!(!ensure(dir.path()).expect("second"));
        assert_eq!(std::fs::read(dir.path().join(MARKER)).expect("read").len(), 37);
    }
}
