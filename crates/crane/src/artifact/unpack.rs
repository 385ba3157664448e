//! Storing the files of an artifact.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use tokio::io::AsyncWriteExt as _;
use wharf::v1::oci_spec::image::{ANNOTATION_TITLE, Descriptor};
use wharf::v1::{ByteStream, Image, Layer};

use super::UNPACK;
use crate::Error;

/// What came of pulling an artifact. Serialises as what `crane artifact pull --json` prints.
#[non_exhaustive]
#[derive(Clone, Debug, Default, Serialize)]
pub struct UnpackedArtifact {
    /// What was written, in the order of the manifest.
    pub files: Vec<PulledFile>,
    /// Digests of layers that have no title, so no name to be stored by.
    pub untitled: Vec<String>,
}

/// A file or directory that was written.
#[non_exhaustive]
#[derive(Clone, Debug, Serialize)]
pub struct PulledFile {
    /// Where it is.
    pub path: PathBuf,
    /// The digest of its layer.
    pub digest: String,
    /// Bytes of its layer as stored.
    pub size: u64,
    /// The media type of its layer.
    #[serde(rename = "mediaType")]
    pub media_type: String,
}

/// Stores the files of an artifact below `directory`, which is made if it is not there: each layer under its title, as
/// `oras pull` does. Directories are unpacked on Linux; elsewhere their archive is stored under the title and `.tar.gz`.
///
/// Titles that lead out of the directory, also by symbolic links that are there, are refused before anything is
/// written. A file that is there is replaced, by one step when the new one is whole and verified.
///
/// # Errors
/// [`Error::Title`] when a title cannot be a name here, or two layers have the same; [`Error::Io`] when something cannot be
/// written; [`Error::Content`] when a layer cannot be read or is damaged.
pub async fn pull_artifact(image: &dyn Image, directory: &Path) -> Result<UnpackedArtifact, Error> {
    let mut pulled = UnpackedArtifact::default();
    let mut layers = Vec::new();
    let mut seen = HashSet::new();
    let manifest = image.manifest().await?;
    let listed = manifest.view()?.layers();
    for (layer, descriptor) in image.layers().await?.into_iter().zip(listed) {
        let Some(title) = annotation(descriptor, ANNOTATION_TITLE) else {
            pulled.untitled.push(descriptor.digest().to_string());
            continue;
        };
        let refused = || Error::Title {
            title: title.to_owned(),
        };
        let name = relative(title).ok_or_else(refused)?;
        if !seen.insert(name.clone()) {
            return Err(refused());
        }
        layers.push((layer, descriptor, name));
    }
    fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
    for (layer, descriptor, name) in layers {
        let path = if annotation(descriptor, UNPACK) == Some("true") {
            store_directory(layer, directory, &name).await?
        } else {
            store_file(layer.compressed().await?, directory, &name).await?
        };
        pulled.files.push(PulledFile {
            path,
            digest: descriptor.digest().to_string(),
            size: descriptor.size(),
            media_type: descriptor.media_type().to_string(),
        });
    }
    Ok(pulled)
}

fn annotation<'a>(descriptor: &'a Descriptor, key: &str) -> Option<&'a str> {
    Some(descriptor.annotations().as_ref()?.get(key)?.as_str())
}

/// A title as a path that leads downwards.
fn relative(title: &str) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    // What separates on one system must not be part of a name on another.
    if title.contains(['\\', '\0']) {
        return None;
    }
    for part in Path::new(title).components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            _ => return None,
        }
    }
    (path.file_name().is_some()).then_some(path)
}

async fn store_file(mut bytes: ByteStream, directory: &Path, name: &Path) -> Result<PathBuf, Error> {
    use futures_util::StreamExt as _;

    let path = directory.join(name);
    let parent = make_parent(directory, name)?;
    let temporary = tempfile::Builder::new()
        .prefix(".wharf-")
        .tempfile_in(&parent)
        .map_err(|error| failed(&path, error))?;
    let reopened = temporary.reopen().map_err(|error| failed(&path, error))?;
    let mut file = tokio::fs::File::from_std(reopened);
    while let Some(chunk) = bytes.next().await {
        file.write_all(&chunk?)
            .await
            .map_err(|error| failed(&path, error))?;
    }
    file.flush().await.map_err(|error| failed(&path, error))?;
    file.sync_all().await.map_err(|error| failed(&path, error))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let readable = fs::Permissions::from_mode(0o644);
        fs::set_permissions(temporary.path(), readable).map_err(|error| failed(&path, error))?;
    }
    temporary
        .persist(&path)
        .map_err(|error| failed(&path, error.error))?;
    Ok(path)
}

/// The directory that a file goes into. None of its parts below `directory` may be a link.
fn make_parent(directory: &Path, name: &Path) -> Result<PathBuf, Error> {
    let mut path = directory.to_owned();
    for part in name.parent().into_iter().flat_map(Path::components) {
        path.push(part);
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(failed(&path, io::ErrorKind::NotADirectory.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir(&path).map_err(|error| failed(&path, error))?;
            }
            Err(error) => return Err(failed(&path, error)),
        }
    }
    Ok(path)
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::Io {
        action: "writing",
        path: path.to_owned(),
        source,
    }
}

/// The archive's entries are named from where the artifact goes: they begin with the title.
#[cfg(target_os = "linux")]
async fn store_directory(layer: Arc<dyn Layer>, directory: &Path, name: &Path) -> Result<PathBuf, Error> {
    use wharf::extract::{UnpackOptions, unpack};
    use wharf::v1::media_type::Family;
    use wharf::v1::partial::ImageBuilder;

    let path = directory.join(name);
    let image = ImageBuilder::new(Family::Oci).layers([layer]).build().await?;
    let unpacked = unpack(Arc::new(image), directory, &UnpackOptions::new()).await;
    unpacked.map_err(|source| Error::Unpack {
        path: path.clone(),
        source: Box::new(source),
    })?;
    Ok(path)
}

#[cfg(not(target_os = "linux"))]
async fn store_directory(layer: Arc<dyn Layer>, directory: &Path, name: &Path) -> Result<PathBuf, Error> {
    let mut packed = name.as_os_str().to_owned();
    packed.push(".tar.gz");
    store_file(layer.compressed().await?, directory, Path::new(&packed)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_lead_downwards() {
        for title in ["a", "a/b.txt", "./a", "a/./b", "…"] {
            assert!(relative(title).is_some(), "{title}");
        }
        for title in ["", ".", "/a", "..", "a/../../b", "a/..", "a\\b", "a\0"] {
            assert!(relative(title).is_none(), "{title:?}");
        }
    }
}
