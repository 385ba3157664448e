//! From registries, layouts and archives to a file or directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::AsyncWrite;
use wharf::cache::{Cache, CacheOptions, Check};
use wharf::layout::{AppendOptions, Layout};
use wharf::name::Reference;
use wharf::remote::{Client, Fetched};
use wharf::tarball::{self, Format, TaggedImage, WriteOptions};
use wharf::v1::media_type::MediaTypeExt as _;
use wharf::v1::oci_spec::image::Descriptor;
use wharf::v1::{Image, PlatformSpec};

use crate::{Content, Entry, Error, Place};

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
    /// A directory in which manifests, configs and layers are kept as they are stored, so that nothing is downloaded
    /// twice; made if it is not there. It can be that of Go's crane. Default: none.
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

    /// Keeps what is downloaded in a directory.
    #[must_use]
    pub fn with_cache(mut self, directory: impl Into<PathBuf>) -> Self {
        self.cache = Some(directory.into());
        self
    }

    /// The cache, whose entries are checked before they are used: the images that it is for are often written as they come.
    fn cache(&self) -> Result<Option<Cache>, Error> {
        let cache = |directory| Cache::open(directory, CacheOptions::default().with_check(Check::Before));
        Ok(self.cache.as_ref().map(cache).transpose()?)
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
/// [`Error::Remote`] when an image is not there, a registry refuses or cannot be reached, otherwise as [`Place::read`];
/// [`Error::Cache`] when the cache cannot be made. [`Error::Save`] when the images cannot be stored, or what is read is
/// damaged.
pub async fn pull(
    client: &Client,
    places: &[Place],
    path: &Path,
    options: &PullOptions,
) -> Result<(), Error> {
    let sources = open(client, places).await?;
    match options.format {
        PullFormat::Oci => into_layout(&sources, path, options).await,
        PullFormat::Tarball | PullFormat::Legacy => {
            let images = tagged(&sources, options).await?;
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
    places: &[Place],
    writer: impl AsyncWrite + Send,
    options: &PullOptions,
) -> Result<(), Error> {
    let images = tagged(&open(client, places).await?, options).await?;
    let written = tarball::write(&images, writer, &options.format.archive()).await;
    match written {
        Ok(_) => Ok(()),
        Err(tarball::Error::Archive(tarball::ArchiveError::Write { source })) => Err(Error::Write(source)),
        Err(error) => Err(Error::save(options.format.kind(), Path::new("-"), error)),
    }
}

/// Pulls one image to a place, of an index that for a platform or, where the place has indexes and no platform is
/// given, the whole. [`format`](PullOptions::format) and [`annotate_ref`](PullOptions::annotate_ref) have no meaning: the
/// place says both.
///
/// # Errors
/// As [`pull`], and [`Place::write`].
pub async fn pull_to_place(
    client: &Client,
    source: &Place,
    target: &Place,
    options: &PullOptions,
) -> Result<Descriptor, Error> {
    let source = Source::open(client, source).await?;
    let whole = !matches!(target, Place::DockerArchive { .. });
    target.write(client, &source.content(options, whole).await?).await
}

/// What is pulled: its manifest was read.
enum Source<'a> {
    Remote(Box<Fetched>),
    Local(&'a Place, Content),
}

impl<'a> Source<'a> {
    async fn open(client: &Client, place: &'a Place) -> Result<Self, Error> {
        match place {
            Place::Registry(reference) => Ok(Self::Remote(Box::new(client.get(reference).await?))),
            place => Ok(Self::Local(place, place.read(client).await?)),
        }
    }

    /// The image, its layers cached if there is a cache.
    async fn image(&self, options: &PullOptions) -> Result<Arc<dyn Image>, Error> {
        let image = match self {
            Self::Remote(fetched) => {
                Arc::new(fetched.image(options.platform.as_ref()).await?) as Arc<dyn Image>
            }
            Self::Local(_, content) => content.image(options.platform.as_ref()).await?,
        };
        Ok(match options.cache()? {
            Some(cache) => Arc::new(cache.image(image)),
            None => image,
        })
    }

    /// The image, or where no platform is chosen and it is to be taken `whole` the index.
    async fn content(&self, options: &PullOptions, whole: bool) -> Result<Content, Error> {
        match self {
            Self::Remote(fetched)
                if whole && options.platform.is_none() && fetched.media_type().is_index() =>
            {
                let index = fetched.index()?;
                Ok(Content::Index(match options.cache()? {
                    Some(cache) => Arc::new(cache.index(index)),
                    None => Arc::new(index),
                }))
            }
            Self::Local(_, content @ Content::Index(_)) if whole && options.platform.is_none() => {
                Ok(content.clone())
            }
            _ => Ok(Content::Image(self.image(options).await?)),
        }
    }

    /// What an entry of a layout is called after it, if it has a name.
    fn name(&self) -> Option<String> {
        match self {
            Self::Remote(fetched) => Some(fetched.reference().to_string()),
            Self::Local(Place::Layout { entry, .. } | Place::LayoutArchive { entry, .. }, _) => match entry {
                Entry::Named(name) => Some(name.clone()),
                _ => None,
            },
            Self::Local(Place::DockerArchive { tag, .. }, _) => tag.as_ref().map(ToString::to_string),
            Self::Local(Place::Registry(_), _) => None,
        }
    }

    /// What an image in an archive is called after it, if that is the name of one.
    fn reference(&self) -> Option<Reference> {
        match self {
            Self::Remote(fetched) => Some(fetched.reference().clone()),
            local => local.name()?.parse().ok(),
        }
    }
}

/// All places; what is named twice in the same words is read once.
async fn open<'a>(client: &Client, places: &'a [Place]) -> Result<Vec<Source<'a>>, Error> {
    let mut known: Vec<String> = Vec::new();
    let mut sources = Vec::new();
    for place in places {
        let text = place.to_string();
        if !known.contains(&text) {
            sources.push(Source::open(client, place).await?);
            known.push(text);
        }
    }
    Ok(sources)
}

/// The images and the names that they get in an archive.
async fn tagged(sources: &[Source<'_>], options: &PullOptions) -> Result<Vec<TaggedImage>, Error> {
    let mut images = Vec::with_capacity(sources.len());
    for source in sources {
        let image = TaggedImage::new(source.image(options).await?);
        images.push(match source.reference() {
            // The old format has no name for it.
            Some(Reference::Digest(_)) if options.format == PullFormat::Legacy => image,
            Some(reference) => image.with_reference(&reference),
            None => image,
        });
    }
    Ok(images)
}

async fn into_layout(sources: &[Source<'_>], path: &Path, options: &PullOptions) -> Result<(), Error> {
    let failed = |error| Error::save("OCI layout", path, error);
    let mut contents = Vec::with_capacity(sources.len());
    for source in sources {
        contents.push(source.content(options, true).await?);
    }
    let layout = Layout::create(path).await.map_err(failed)?;
    for (source, content) in sources.iter().zip(&contents) {
        let mut entry = AppendOptions::new();
        if options.annotate_ref
            && let Some(name) = source.name()
        {
            entry = entry.with_ref_name(name);
        }
        match content {
            Content::Image(image) => layout.append_image(image, &entry).await,
            Content::Index(index) => layout.append_index(index, &entry).await,
            Content::Other { descriptor, .. } => {
                return Err(Error::NoImage {
                    media_type: descriptor.media_type().clone(),
                });
            }
        }
        .map_err(failed)?;
    }
    Ok(())
}
