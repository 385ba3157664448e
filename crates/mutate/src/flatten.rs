//! Flattening: all layers of an image as one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use oci_spec::image::HistoryBuilder;
use wharf_extract::{ExtractOptions, extract};
use wharf_layer::{Compression, LayerBuilder};
use wharf_v1::media_type::{Family, MediaTypeExt as _};
use wharf_v1::{DocumentKind, Image, ImageExt as _, Index, Layer, Matcher};

use crate::layers::{rebuilt, with_each_path_once};
use crate::time::created;
use crate::{Error, MutatedImage, MutatedIndex, edit_images, remove_children};

/// How images are flattened.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct FlattenOptions {
    compression: Compression,
    created: Option<SystemTime>,
    tool: String,
    extract: ExtractOptions,
    spool_directory: Option<PathBuf>,
}

impl Default for FlattenOptions {
    fn default() -> Self {
        Self {
            compression: Compression::Gzip { level: 6 },
            created: None,
            tool: "wharf".to_owned(),
            extract: ExtractOptions::default(),
            spool_directory: None,
        }
    }
}

impl FlattenOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how the layer is stored. Default: gzip at level 6, whose layers are hardly larger than those of
    /// level 9 and made in a fraction of the time.
    #[must_use]
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Sets when the image, and its layer, are said to be made. Default: now.
    #[must_use]
    pub fn with_created(mut self, time: SystemTime) -> Self {
        self.created = Some(time);
        self
    }

    /// Sets what the history says that the image was flattened with. Default: `wharf`.
    #[must_use]
    pub fn with_tool(mut self, tool: impl Into<String>) -> Self {
        self.tool = tool.into();
        self
    }

    /// Sets how layers are merged, and the limits.
    #[must_use]
    pub fn with_extract(mut self, extract: ExtractOptions) -> Self {
        self.extract = extract;
        self
    }

    /// Sets the directory for the temporary file. Default: the system's.
    #[must_use]
    pub fn with_spool_in(mut self, directory: impl Into<PathBuf>) -> Self {
        self.spool_directory = Some(directory.into());
        self
    }
}

/// The image with all its layers merged into one: the filesystem that [`extract`] gives.
///
/// The layers are read once, verified, and the new one is written to a temporary file, in one pass; only when a
/// large one has some path twice is all of it done anew, so that the new one has each once. The
/// config keeps all but diff_ids and history, fields that nobody here knows among it. The history has one
/// entry: when, with what and of which image it was made, and as its comment the old history as JSON. The
/// layer's media type is of the image's family. Annotations and subject stay: they are about the image, and
/// it is one in another form.
///
/// ```
/// use std::sync::Arc;
/// use wharf_layer::Compression;
/// use wharf_mutate::{FlattenOptions, flatten};
/// use wharf_v1::{Image as _, random};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_mutate::Error> {
/// let options = FlattenOptions::new().with_compression(Compression::None);
/// let image = flatten(Arc::new(random::image(1, 3, 1000)), &options).await?;
/// assert_eq!(image.layers().await?.len(), 1);
/// # Ok(()) }
/// ```
///
/// Ancestor in Go: `crane flatten`, whose layer and config are Docker's whatever the image is.
///
/// # Errors
/// [`Error::Flatten`] when a layer is damaged, no tar archive, or beyond the limits (its source has an
/// error of `wharf-extract`), or the new one cannot be written; [`Error::Content`] when the image cannot be
/// read, or is no image but an artifact; [`Error::Time`] when the time cannot be written.
pub async fn flatten(base: Arc<dyn Image>, options: &FlattenOptions) -> Result<MutatedImage, Error> {
    let manifest = base.manifest().await?;
    let config_type = manifest.view()?.config().media_type().clone();
    if !config_type.is_config() {
        return Err(Error::Content(wharf_v1::Error::UnexpectedMediaType {
            got: config_type,
            wanted: DocumentKind::Config,
        }));
    }
    let digest = base.digest().await?;
    let created = created(options.created.unwrap_or_else(SystemTime::now))?;
    let history = base.config().await?.view()?.history().clone().unwrap_or_default();
    let comment = serde_json::to_string(&history).map_err(|source| Error::Document {
        source: source.into(),
    })?;
    let entry = HistoryBuilder::default()
        .created(created.clone())
        .created_by(format!("{} flatten {digest}", options.tool))
        .comment(comment)
        .build()
        .expect("nothing is required");

    let build = |extract_options| {
        let mut builder = LayerBuilder::from_stream(extract(Arc::clone(&base), &extract_options))
            .family(Family::of(&base.media_type()))
            .compression(options.compression);
        if let Some(directory) = &options.spool_directory {
            builder = builder.spool_in(directory);
        }
        builder.build()
    };
    let layers = base.layers().await?;
    let layer = with_each_path_once(&layers, options.extract, build).await;
    let layer = layer.map_err(|source| Error::Flatten {
        image: digest,
        source: Box::new(source),
    })?;
    let layers: Vec<Arc<dyn Layer>> = vec![Arc::new(layer)];
    rebuilt(base, layers, move |config| {
        config.set_created(Some(created));
        config.set_history(Some(vec![entry]));
    })
    .await
}

/// The index with each of its images [flattened](flatten), also in nested indexes.
///
/// Entries keep platform and annotations. Those for the platform `unknown/unknown`, by which BuildKit lists
/// its attestations, go: they are about layers that are no more. Whatever else is no image stays as it is,
/// and what refers to a flattened image follows; see [`edit_images`].
///
/// # Errors
/// As [`flatten`] and [`edit_images`].
pub async fn flatten_index(base: Arc<dyn Index>, options: &FlattenOptions) -> Result<MutatedIndex, Error> {
    let is_attestation = |child: &oci_spec::image::Descriptor| {
        let platform = child.platform().as_ref();
        platform.is_some_and(|platform| {
            (platform.os().to_string(), platform.architecture().to_string())
                == ("unknown".to_owned(), "unknown".to_owned())
        })
    };
    let images = remove_children(base, Matcher::from_fn(is_attestation));
    edit_images(Arc::new(images), async |_, image| flatten(image, options).await).await
}
