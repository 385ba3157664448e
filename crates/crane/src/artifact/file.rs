//! A file that goes into an artifact.

use std::convert::Infallible;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use wharf::layer::{LayerBuilder, SpooledLayer};
use wharf::mutate::Addendum;
use wharf::v1::oci_spec::image::{ANNOTATION_TITLE, Descriptor, MediaType};
use wharf::v1::partial::{BlobLayer, BlobSource};
use wharf::v1::{ByteStream, Hasher};

use super::{CONTENT_DIGEST, UNPACK};
use crate::Error;

/// The media type of a directory, which becomes an archive.
const DIRECTORY: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// The media type of a file of which nothing is said.
const FILE: &str = "application/vnd.oci.image.layer.v1.tar";

/// A file or directory that becomes a layer of an artifact.
///
/// The text form is `PATH[:MEDIA_TYPE]`:
///
/// ```
/// use wharf_crane::ArtifactFile;
///
/// let file: ArtifactFile = "reports/sbom.json:application/spdx+json".parse()?;
/// assert_eq!(file.title(), "reports/sbom.json");
/// assert_eq!("../app".parse::<ArtifactFile>()?.title(), "app");
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it is. Default: `application/vnd.oci.image.layer.v1.tar`, for a directory `…+gzip`, as oras has it.
    pub media_type: Option<MediaType>,
}

impl ArtifactFile {
    /// A file or directory of no particular media type.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            media_type: None,
        }
    }

    /// Sets what it is.
    #[must_use]
    pub fn with_media_type(mut self, media_type: MediaType) -> Self {
        self.media_type = Some(media_type);
        self
    }

    /// The name that it gets in the artifact: its path if that is relative and leads downwards, else its last part.
    #[must_use]
    pub fn title(&self) -> String {
        let mut parts = Vec::new();
        for part in self.path.components() {
            match part {
                Component::Normal(part) => parts.push(part.to_string_lossy()),
                Component::CurDir => {}
                _ => parts.clear(),
            }
        }
        if self.path.has_root() {
            parts.drain(..parts.len().saturating_sub(1));
        }
        parts.join("/")
    }

    /// The layer, with its annotations.
    pub(super) async fn layer(&self) -> Result<Addendum, Error> {
        let metadata = tokio::fs::metadata(&self.path)
            .await
            .map_err(|error| failed(&self.path, error))?;
        let title = (ANNOTATION_TITLE, self.title());
        if metadata.is_dir() {
            let layer = self.directory().await?;
            let diff_id = layer.as_diff_id().to_string();
            let annotations = [title, (UNPACK, "true".to_owned()), (CONTENT_DIGEST, diff_id)];
            return Ok(Addendum::new(Arc::new(layer)).with_annotations(annotations));
        }
        let source = FileSource(self.path.clone());
        let content = source.open().await?.measure(Hasher::sha256()).await?;
        let descriptor = Descriptor::new(self.media_type_or(FILE), content.size, content.digest);
        let layer = BlobLayer::new(descriptor, source);
        Ok(Addendum::new(Arc::new(layer)).with_annotations([title]))
    }

    /// A directory as an archive of what is in it, below its title. Times and owners are left out, so that the same files
    /// have the same digest.
    async fn directory(&self) -> Result<SpooledLayer, Error> {
        let (path, title) = (self.path.clone(), self.title());
        let archive = ByteStream::from_blocking_write(move |out| {
            let mut archive = tar::Builder::new(out);
            archive.mode(tar::HeaderMode::Deterministic);
            archive.follow_symlinks(false);
            append_sorted(&mut archive, &path, Path::new(&title))?;
            archive.finish()?;
            Ok(())
        });
        let builder = LayerBuilder::from_stream(archive).media_type(self.media_type_or(DIRECTORY));
        let built = builder.build().await;
        built.map_err(|source| Error::Append {
            layer: self.path.display().to_string(),
            source: Box::new(source),
        })
    }

    fn media_type_or(&self, default: &str) -> MediaType {
        self.media_type
            .clone()
            .unwrap_or_else(|| MediaType::from(default))
    }
}

/// Entries in the order of their names: directories list theirs in any order.
fn append_sorted(
    archive: &mut tar::Builder<impl std::io::Write>,
    path: &Path,
    name: &Path,
) -> std::io::Result<()> {
    let metadata = std::fs::symlink_metadata(path)?;
    archive.append_path_with_name(path, name)?;
    if metadata.is_dir() {
        let entries: Result<Vec<_>, _> = std::fs::read_dir(path)?.collect();
        let mut names: Vec<_> = entries?.into_iter().map(|entry| entry.file_name()).collect();
        names.sort_unstable();
        for entry in names {
            append_sorted(archive, &path.join(&entry), &name.join(&entry))?;
        }
    }
    Ok(())
}

fn failed(path: &Path, source: std::io::Error) -> Error {
    Error::Io {
        action: "opening",
        path: path.to_owned(),
        source,
    }
}

impl FromStr for ArtifactFile {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A media type has a slash and no other signs of a path.
        if let Some((path, media_type)) = text.rsplit_once(':')
            && !path.is_empty()
            && media_type.split_once('/').is_some_and(|(kind, rest)| {
                let is_word = |text: &str| {
                    !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && !"/\\".contains(c))
                };
                is_word(kind) && is_word(rest)
            })
        {
            return Ok(Self::new(path).with_media_type(MediaType::from(media_type)));
        }
        Ok(Self::new(text))
    }
}

/// A file that is opened anew each time.
#[derive(Debug)]
struct FileSource(PathBuf);

impl BlobSource for FileSource {
    fn open(&self) -> BoxFuture<'_, Result<ByteStream, wharf::v1::Error>> {
        Box::pin(async {
            let file = tokio::fs::File::open(&self.0).await;
            let file = file.map_err(|error| wharf::v1::Error::source(failed(&self.0, error)))?;
            Ok(ByteStream::from_async_read(file))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, title: &str, media_type: Option<&str>) {
        let Ok(file) = text.parse::<ArtifactFile>();
        assert_eq!(file.title(), title, "{text}");
        assert_eq!(
            file.media_type.map(|kind| kind.to_string()).as_deref(),
            media_type,
            "{text}"
        );
    }

    #[test]
    fn paths_and_media_types() {
        check("a.txt", "a.txt", None);
        check("./a/b.txt", "a/b.txt", None);
        check("/tmp/a/b.txt", "b.txt", None);
        check("../a/b.txt", "a/b.txt", None);
        check("a.txt:text/plain", "a.txt", Some("text/plain"));
        check("a:b:text/plain", "a:b", Some("text/plain"));
        check("a:b", "a:b", None);
        check("a:/b/c", "a:/b/c", None);
        check("dir/", "dir", None);
    }
}
