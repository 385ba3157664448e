//! Where images are: in a registry, a layout, an archive.

mod content;
mod read;
mod write;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use wharf::name::{ParseError, Reference, Tag};
use wharf::v1::oci_spec::image::Digest;
use wharf::v1::parse_digest;

pub use content::Content;

/// Where an image or index is, or goes: a registry, or files of the formats that tools exchange.
///
/// | text | place |
/// |---|---|
/// | `REFERENCE`, `docker://REFERENCE` | a registry |
/// | `oci:DIRECTORY[:NAME]`, `oci:DIRECTORY@DIGEST` | an OCI image layout |
/// | `oci-archive:FILE[:NAME]`, `oci-archive:FILE@DIGEST` | an OCI image layout in a tar file |
/// | `docker-archive:FILE[:TAG]` | an archive as `docker save` writes it |
///
/// A path ends at its first colon, as in other tools, and a name may hold slashes and colons: it is an
/// entry's annotation `org.opencontainers.image.ref.name`. On Windows the colon of a drive is part of the path.
///
/// ```
/// use std::path::Path;
/// use wharf_crane::{Entry, Place};
///
/// let place: Place = "oci:images/app:v1".parse()?;
/// assert_eq!(place.path(), Some(Path::new("images/app")));
/// assert!(matches!(place, Place::Layout { entry: Entry::Named(name), .. } if name == "v1"));
/// assert!(matches!("ghcr.io/org/app:v1".parse()?, Place::Registry(_)));
/// # Ok::<(), wharf_crane::Error>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A repository of a registry, and a tag or digest in it.
    Registry(Reference),
    /// A directory that is an OCI image layout.
    Layout {
        /// The directory.
        path: PathBuf,
        /// Which of the things that it lists.
        entry: Entry,
    },
    /// A tar file that holds an OCI image layout.
    LayoutArchive {
        /// The file.
        path: PathBuf,
        /// Which of the things that it lists.
        entry: Entry,
    },
    /// A file as `docker save` writes it.
    DockerArchive {
        /// The file.
        path: PathBuf,
        /// Which image. Default: the only one.
        tag: Option<Tag>,
    },
}

/// One of the things that a layout lists.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Entry {
    /// The only one.
    #[default]
    Only,
    /// That of this name.
    Named(String),
    /// That of this digest.
    Digest(Digest),
}

impl Place {
    /// The file or directory, if it is not a registry.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Registry(_) => None,
            Self::Layout { path, .. } | Self::LayoutArchive { path, .. } => Some(path),
            Self::DockerArchive { path, .. } => Some(path),
        }
    }

    /// What has this digest here, as a text: `REPOSITORY@DIGEST`, by its full name, `oci:DIRECTORY@DIGEST`; a docker archive
    /// has no digests, and is itself.
    #[must_use]
    pub fn with_digest(&self, digest: &Digest) -> String {
        match self {
            Self::Registry(reference) => reference.repository().digest(digest.clone()).to_string(),
            Self::Layout { path, .. } => format!("oci:{}@{digest}", path.display()),
            Self::LayoutArchive { path, .. } => format!("oci-archive:{}@{digest}", path.display()),
            Self::DockerArchive { .. } => self.to_string(),
        }
    }

    /// What has this digest where this is: in the same repository, layout or archive.
    #[must_use]
    pub fn at_digest(&self, digest: &Digest) -> Self {
        let entry = Entry::Digest(digest.clone());
        match self {
            Self::Registry(reference) => Self::Registry(reference.repository().digest(digest.clone()).into()),
            Self::Layout { path, .. } => Self::Layout {
                path: path.clone(),
                entry,
            },
            Self::LayoutArchive { path, .. } => Self::LayoutArchive {
                path: path.clone(),
                entry,
            },
            Self::DockerArchive { .. } => self.clone(),
        }
    }

    /// The reference, if it is in a registry.
    #[must_use]
    pub fn reference(&self) -> Option<&Reference> {
        match self {
            Self::Registry(reference) => Some(reference),
            _ => None,
        }
    }
}

impl From<Reference> for Place {
    fn from(reference: Reference) -> Self {
        Self::Registry(reference)
    }
}

/// Why a text names no place.
#[non_exhaustive]
#[derive(Clone, Debug, thiserror::Error)]
pub enum ParsePlaceError {
    /// The reference is not valid, or the tag of an image in a docker archive.
    #[error(transparent)]
    Name(#[from] ParseError),
    /// The text has no path after the colon, or nothing after the second one.
    #[error("{text}: {missing} is missing, as in {example}")]
    Incomplete {
        /// The text.
        text: String,
        /// What it lacks.
        missing: &'static str,
        /// How it could look.
        example: &'static str,
    },
    /// What stands after the `@` is no digest.
    #[error("{text}: {digest:?} is not a digest")]
    Digest {
        /// The text.
        text: String,
        /// What should be a digest.
        digest: String,
    },
}

impl FromStr for Place {
    type Err = ParsePlaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(rest) = text.strip_prefix("oci:") {
            let (path, entry) = layout_parts(text, rest, "oci:DIRECTORY:NAME")?;
            return Ok(Self::Layout { path, entry });
        }
        if let Some(rest) = text.strip_prefix("oci-archive:") {
            let (path, entry) = layout_parts(text, rest, "oci-archive:FILE:NAME")?;
            return Ok(Self::LayoutArchive { path, entry });
        }
        if let Some(rest) = text.strip_prefix("docker-archive:") {
            let (path, tag) = path_and_name(text, rest, "docker-archive:FILE:TAG")?;
            let tag = tag.map(str::parse).transpose()?;
            return Ok(Self::DockerArchive { path, tag });
        }
        let reference = text.strip_prefix("docker://").unwrap_or(text);
        Ok(Self::Registry(reference.parse()?))
    }
}

fn layout_parts(text: &str, rest: &str, example: &'static str) -> Result<(PathBuf, Entry), ParsePlaceError> {
    let (path, name) = path_and_name(text, rest, example)?;
    if let Some(name) = name {
        // `DIRECTORY@sha256:…` too has a colon.
        let whole = path.to_string_lossy();
        let Some((directory, algorithm)) = whole.rsplit_once('@').filter(|(before, _)| !before.is_empty())
        else {
            return Ok((path, Entry::Named(name.to_owned())));
        };
        let digest = format!("{algorithm}:{name}");
        let parsed = parse_digest(&digest).map_err(|_| ParsePlaceError::Digest {
            text: text.to_owned(),
            digest,
        })?;
        return Ok((directory.into(), Entry::Digest(parsed)));
    }
    Ok((path, Entry::Only))
}

/// Splits at the first colon.
fn path_and_name<'a>(
    text: &str,
    rest: &'a str,
    example: &'static str,
) -> Result<(PathBuf, Option<&'a str>), ParsePlaceError> {
    let incomplete = |missing| ParsePlaceError::Incomplete {
        text: text.to_owned(),
        missing,
        example,
    };
    let drive = if cfg!(windows) && rest.as_bytes().get(1) == Some(&b':') {
        2
    } else {
        0
    };
    let (path, name) = match rest.get(drive..).and_then(|after| after.find(':')) {
        Some(at) => (&rest[..drive + at], Some(&rest[drive + at + 1..])),
        None => (rest, None),
    };
    if path.is_empty() {
        return Err(incomplete("the path"));
    }
    if name == Some("") {
        return Err(incomplete("the name"));
    }
    Ok((path.into(), name))
}

impl fmt::Display for Place {
    /// The text that it can be parsed from; of a reference that as it was typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(reference) => f.write_str(reference.as_typed()),
            Self::Layout { path, entry } => write!(f, "oci:{}{entry}", path.display()),
            Self::LayoutArchive { path, entry } => write!(f, "oci-archive:{}{entry}", path.display()),
            Self::DockerArchive { path, tag } => {
                write!(f, "docker-archive:{}", path.display())?;
                match tag {
                    Some(tag) => write!(f, ":{}", tag.as_typed()),
                    None => Ok(()),
                }
            }
        }
    }
}

impl fmt::Display for Entry {
    /// What stands behind the path: nothing, `:NAME`, `@DIGEST`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Only => Ok(()),
            Self::Named(name) => write!(f, ":{name}"),
            Self::Digest(digest) => write!(f, "@{digest}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[track_caller]
    fn check(text: &str, want: Result<(&str, &str), &str>) {
        let parsed: Result<Place, _> = text.parse();
        match (&parsed, want) {
            (Ok(place), Ok((path, entry))) => {
                assert_eq!(place.path(), Some(Path::new(path)), "{text}");
                let shown = match place {
                    Place::Layout { entry, .. } | Place::LayoutArchive { entry, .. } => entry.to_string(),
                    Place::DockerArchive { tag, .. } => tag
                        .as_ref()
                        .map_or(String::new(), |tag| format!(":{}", tag.as_typed())),
                    Place::Registry(_) => panic!("{text} is a reference"),
                };
                assert_eq!(shown, entry, "{text}");
                assert_eq!(place.to_string(), text);
            }
            (Err(error), Err(want)) => assert_eq!(error.to_string(), want, "{text}"),
            _ => panic!("{text}: {parsed:?}"),
        }
    }

    #[test]
    fn files_and_directories() {
        check("oci:dir", Ok(("dir", "")));
        check("oci:/a/b.c/d", Ok(("/a/b.c/d", "")));
        check("oci:dir:v1", Ok(("dir", ":v1")));
        check("oci:dir:ghcr.io/a/b:v1", Ok(("dir", ":ghcr.io/a/b:v1")));
        check(
            &format!("oci:dir@sha256:{HEX}"),
            Ok(("dir", &format!("@sha256:{HEX}"))),
        );
        check("oci-archive:a.tar", Ok(("a.tar", "")));
        check("oci-archive:a.tar:v1", Ok(("a.tar", ":v1")));
        check("docker-archive:a.tar", Ok(("a.tar", "")));
        check("docker-archive:a.tar:app:v1", Ok(("a.tar", ":app:v1")));
        check("oci:", Err("oci:: the path is missing, as in oci:DIRECTORY:NAME"));
        check(
            "oci:dir:",
            Err("oci:dir:: the name is missing, as in oci:DIRECTORY:NAME"),
        );
        check(
            "oci-archive::v1",
            Err("oci-archive::v1: the path is missing, as in oci-archive:FILE:NAME"),
        );
        check(
            "oci:dir@sha256:12",
            Err("oci:dir@sha256:12: \"sha256:12\" is not a digest"),
        );
    }

    #[test]
    fn all_else_is_in_a_registry() {
        for text in [
            "ubuntu",
            "localhost:5000/a",
            "ghcr.io/oci:v1",
            "docker://oci:v1",
            "oci-archive",
        ] {
            let place: Place = text.parse().expect("a place");
            assert!(matches!(place, Place::Registry(_)), "{text}: {place:?}");
        }
        assert!("UPPER/case".parse::<Place>().is_err());
    }
}
