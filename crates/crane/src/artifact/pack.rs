//! Making artifacts of files.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use wharf::mutate::{MutatedImage, append_layers};
use wharf::name::Reference;
use wharf::remote::Client;
use wharf::v1::media_type::Family;
use wharf::v1::oci_spec::image::{Descriptor, MediaType};
use wharf::v1::partial::ImageBuilder;
use wharf::v1::{Config, ImageExt as _, PlatformSpec};

use super::ArtifactFile;
use crate::{Content, Entry, Error, Place, Stored};

/// What an artifact is for if nobody says.
const UNKNOWN: &str = "application/vnd.unknown.artifact.v1";
/// A config that is read into memory has at most so many bytes.
const CONFIG_LIMIT: u64 = 16 << 20;

/// What the manifest of an artifact says besides its files.
#[non_exhaustive]
#[derive(Clone, Debug, Default)]
pub struct ArtifactOptions {
    /// What it is for. Default: `application/vnd.unknown.artifact.v1`, or with a config that one's media type.
    pub artifact_type: Option<MediaType>,
    /// Annotations of the manifest. Default: none.
    pub annotations: BTreeMap<String, String>,
    /// The file that is the config. Default: the empty config.
    pub config: Option<ArtifactFile>,
    /// The manifest that it refers to. Default: none.
    pub subject: Option<Descriptor>,
}

impl ArtifactOptions {
    /// Says what the artifact is for.
    #[must_use]
    pub fn with_artifact_type(mut self, artifact_type: MediaType) -> Self {
        self.artifact_type = Some(artifact_type);
        self
    }

    /// Annotates the manifest.
    #[must_use]
    pub fn with_annotation(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.annotations.insert(key.into(), value.into());
        self
    }

    /// Makes a file the config.
    #[must_use]
    pub fn with_config(mut self, config: ArtifactFile) -> Self {
        self.config = Some(config);
        self
    }

    /// Makes the artifact refer to a manifest.
    #[must_use]
    pub fn with_subject(mut self, subject: Descriptor) -> Self {
        self.subject = Some(subject);
        self
    }
}

/// An artifact of files, each a layer with its name as title: what `oras push` makes.
///
/// Files are read once for their digests, and again when the artifact is written. The same files and options make
/// the same digest.
///
/// # Errors
/// [`Error::Io`] when a file cannot be read, [`Error::Append`] when a directory cannot be packed.
pub async fn artifact(files: &[ArtifactFile], options: &ArtifactOptions) -> Result<MutatedImage, Error> {
    let mut builder = ImageBuilder::new(Family::Oci);
    let (config, default_type) = match &options.config {
        Some(file) => {
            let media_type = file
                .media_type
                .clone()
                .unwrap_or_else(|| MediaType::from(UNKNOWN));
            let bytes = read_small(&file.path).await?;
            (Config::new(bytes, media_type), None)
        }
        None => (
            Config::new("{}", MediaType::EmptyJSON),
            Some(MediaType::from(UNKNOWN)),
        ),
    };
    builder = builder.config(config);
    if let Some(artifact_type) = options.artifact_type.clone().or(default_type) {
        builder = builder.artifact_type(artifact_type);
    }
    for (key, value) in &options.annotations {
        builder = builder.annotation(key, value);
    }
    if let Some(subject) = &options.subject {
        builder = builder.subject(bare(subject));
    }
    let mut layers = Vec::with_capacity(files.len());
    for file in files {
        layers.push(file.layer().await?);
    }
    Ok(append_layers(Arc::new(builder.build().await?), layers))
}

/// Makes an artifact of files and stores it at `place`.
///
/// # Errors
/// As [`artifact`] and [`Place::write`].
pub async fn push_artifact(
    client: &Client,
    place: &Place,
    files: &[ArtifactFile],
    options: &ArtifactOptions,
) -> Result<Stored, Error> {
    let artifact = artifact(files, options).await?;
    let written = place.write(client, &Content::Image(Arc::new(artifact))).await?;
    Ok(Stored::at(place, &written))
}

/// Makes an artifact of files that refers to what is at `subject`, of an index with a platform to the image for
/// that, and stores it beside it: in the same repository or layout, by its digest. Says where it is.
///
/// # Errors
/// As [`artifact`], [`Place::read`] and [`Place::write`]; [`Error::NoImage`] when `subject` is a docker archive, which holds
/// nothing but images.
pub async fn attach(
    client: &Client,
    subject: &Place,
    platform: Option<&PlatformSpec>,
    files: &[ArtifactFile],
    options: &ArtifactOptions,
) -> Result<Stored, Error> {
    let content = subject.read(client).await?;
    let content = content
        .for_platforms(platform.map_or(&[], std::slice::from_ref))
        .await?;
    let options = options.clone().with_subject(content.descriptor().await?);
    let artifact = artifact(files, &options).await?;
    let digest = artifact.digest().await?;
    let place = match subject {
        Place::Registry(reference) => Reference::from(reference.repository().digest(digest)).into(),
        Place::Layout { path, .. } => Place::Layout {
            path: path.clone(),
            entry: Entry::Digest(digest),
        },
        Place::LayoutArchive { .. } | Place::DockerArchive { .. } => {
            return Err(Error::NotExtendable {
                place: subject.to_string(),
            });
        }
    };
    let written = place.write(client, &Content::Image(Arc::new(artifact))).await?;
    Ok(Stored::at(&place, &written))
}

/// What a subject is told by: its media type, digest and size, and nothing of who lists it.
fn bare(subject: &Descriptor) -> Descriptor {
    Descriptor::new(
        subject.media_type().clone(),
        subject.size(),
        subject.digest().clone(),
    )
}

async fn read_small(path: &PathBuf) -> Result<Vec<u8>, Error> {
    use tokio::io::AsyncReadExt as _;

    let failed = |source| Error::Io {
        action: "reading",
        path: path.clone(),
        source,
    };
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(CONFIG_LIMIT + 1)
        .read_to_end(&mut bytes)
        .await
        .map_err(failed)?;
    if bytes.len() as u64 > CONFIG_LIMIT {
        return Err(failed(std::io::ErrorKind::FileTooLarge.into()));
    }
    Ok(bytes)
}
