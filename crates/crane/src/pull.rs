//! From a registry to a file or directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::AsyncWrite;
use wharf::layout::{AppendOptions, Layout};
use wharf::name::Reference;
use wharf::remote::{Client, Fetched};
use wharf::tarball::{self, Format, TaggedImage, WriteOptions};
use wharf::v1::media_type::MediaTypeExt as _;
use wharf::v1::{Image, Index, PlatformSpec};

use crate::Error;
use crate::cache::with_cache;

/// How images are stored.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PullFormat {
    /// One file, as `docker save` writes it and `docker load` reads it.
    #[default]
    Tarball,
    /// One file, in the format of Docker's first versions.
    Legacy,
    /// An OCI image layout: a directory. One that is there is added to.
    Oci,
}

impl PullFormat {
    fn archive(self) -> WriteOptions {
        match self {
            Self::Legacy => WriteOptions::new().with_format(Format::Legacy),
            _ => WriteOptions::new(),
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Legacy => "legacy tarball",
            _ => "tarball",
        }
    }
}

/// What is pulled, and how it is stored.
#[non_exhaustive]
#[derive(Clone, Debug, Default)]
pub struct PullOptions {
    /// How images are stored. Default: [`PullFormat::Tarball`].
    pub format: PullFormat,
    /// The child of an index to pull. Default: none, which is the whole index where the format has
    /// indexes, else `linux/amd64`.
    pub platform: Option<PlatformSpec>,
    /// Whether an entry of a layout gets the full name of its reference as the annotation
    /// `org.opencontainers.image.ref.name`. Default: no.
    pub annotate_ref: bool,
    /// A directory in which layers are kept as they are stored, so that no layer is downloaded twice; made if it is not
    /// there. An index that is pulled whole makes no use of it. Default: none.
    pub cache: Option<PathBuf>,
}

impl PullOptions {
    /// Sets how images are stored.
    #[must_use]
    pub fn with_format(mut self, format: PullFormat) -> Self {
        self.format = format;
        self
    }

    /// Sets the child of an index to pull.
    #[must_use]
    pub fn with_platform(mut self, platform: Option<&PlatformSpec>) -> Self {
        self.platform = platform.cloned();
        self
    }

    /// Keeps layers in a directory.
    #[must_use]
    pub fn with_cache(mut self, directory: impl Into<PathBuf>) -> Self {
        self.cache = Some(directory.into());
        self
    }

    /// Sets whether entries of a layout are named by their references.
    #[must_use]
    pub fn with_annotate_ref(mut self, annotate_ref: bool) -> Self {
        self.annotate_ref = annotate_ref;
        self
    }
}

/// Pulls images into a file or directory (Go: `crane.Pull` and the `Save` functions).
///
/// Nothing is written before every manifest was read. A failed pull leaves neither a partial file nor
/// a layout that was not there before; a layout that was keeps the images pulled until then.
///
/// # Errors
/// [`Error::Remote`] when an image is not there, a registry refuses or cannot be reached, [`Error::Io`] when the
/// cache cannot be made. [`Error::Save`] when the images cannot be stored, or what comes from the registry is damaged.
pub async fn pull(
    client: &Client,
    references: &[Reference],
    path: &Path,
    options: &PullOptions,
) -> Result<(), Error> {
    let fetched = fetch(client, references).await?;
    match options.format {
        PullFormat::Oci => into_layout(&fetched, path, options).await,
        PullFormat::Tarball | PullFormat::Legacy => {
            let images = tagged(&fetched, options).await?;
            let written = tarball::write_file(&images, path, &options.format.archive()).await;
            written
                .map(drop)
                .map_err(|error| Error::save(options.format.kind(), path, error))
        }
    }
}

/// Pulls images as one archive of a format of `docker save`, into a writer.
///
/// # Errors
/// As [`pull`], and [`Error::Write`] when the writer fails. What was written until then is no whole archive.
pub async fn pull_to_writer(
    client: &Client,
    references: &[Reference],
    writer: impl AsyncWrite + Send,
    options: &PullOptions,
) -> Result<(), Error> {
    let images = tagged(&fetch(client, references).await?, options).await?;
    let written = tarball::write(&images, writer, &options.format.archive()).await;
    match written {
        Ok(_) => Ok(()),
        Err(tarball::Error::Write { source }) => Err(Error::Write(source)),
        Err(error) => Err(Error::save(options.format.kind(), Path::new("-"), error)),
    }
}

/// The manifests of all references; what is named twice in the same words is read once.
async fn fetch(client: &Client, references: &[Reference]) -> Result<Vec<Fetched>, Error> {
    let mut fetched: Vec<Fetched> = Vec::with_capacity(references.len());
    for reference in references {
        if !fetched
            .iter()
            .any(|known| known.reference().as_typed() == reference.as_typed())
        {
            fetched.push(client.get(reference).await?);
        }
    }
    Ok(fetched)
}

/// The images and the names that they get in an archive.
async fn tagged(fetched: &[Fetched], options: &PullOptions) -> Result<Vec<TaggedImage>, Error> {
    let mut images = Vec::with_capacity(fetched.len());
    for one in fetched {
        let image = image_of(one, options).await?;
        images.push(TaggedImage::new(image).with_reference(one.reference()));
    }
    Ok(images)
}

/// The image to pull, its layers cached if there is a cache.
async fn image_of(one: &Fetched, options: &PullOptions) -> Result<Arc<dyn Image>, Error> {
    let image = Arc::new(one.image(options.platform.as_ref()).await?);
    match &options.cache {
        Some(directory) => with_cache(image, directory).await,
        None => Ok(image),
    }
}

async fn into_layout(fetched: &[Fetched], path: &Path, options: &PullOptions) -> Result<(), Error> {
    let failed = |error| Error::save("OCI layout", path, error);
    let mut contents = Vec::with_capacity(fetched.len());
    for one in fetched {
        contents.push(match options.platform {
            None if one.media_type().is_index() => Content::Index(Arc::new(one.index()?)),
            _ => Content::Image(image_of(one, options).await?),
        });
    }
    let layout = Layout::create(path).await.map_err(failed)?;
    for (one, content) in fetched.iter().zip(&contents) {
        let mut entry = AppendOptions::new();
        if options.annotate_ref {
            entry = entry.with_ref_name(one.reference().to_string());
        }
        match content {
            Content::Image(image) => layout.append_image(image, &entry).await,
            Content::Index(index) => layout.append_index(index, &entry).await,
        }
        .map_err(failed)?;
    }
    Ok(())
}

enum Content {
    Image(Arc<dyn Image>),
    Index(Arc<dyn Index>),
}
