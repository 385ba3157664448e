//! Setting all times of an image.

use std::sync::Arc;
use std::time::SystemTime;

use oci_spec::image::ImageConfiguration;
use wharf_layer::{Compression, LayerBuilder};
use wharf_v1::media_type::MediaTypeExt as _;
use wharf_v1::{Config, Image};

use crate::layers::{rebuilt_then, successor};
use crate::members::Members;
use crate::{Error, MutatedImage};

/// What a time that is not known is written as.
pub(crate) const UNKNOWN_TIME: &str = "0001-01-01T00:00:00Z";

/// Fields of a config that tell on which machine and with what an image was built.
const OF_THE_BUILDER: [&str; 2] = ["container", "docker_version"];

/// How [`set_time`] and [`canonical`] store the layers that they rewrite.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TimeOptions {
    compression: Option<Compression>,
}

impl TimeOptions {
    /// Layers keep their compression, at its default level.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stores all layers with this compression. Default: each with the one that it has.
    #[must_use]
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = Some(compression);
        self
    }
}

/// The image with one time everywhere: of each entry in its layers, when it was created, and of each step
/// in its history.
///
/// Each layer is read once, verified, and written to a temporary file as it goes by. Layers go by their
/// places, whatever the history says, and keep their compression and their media types. All else stays:
/// platform, author, annotations, subject, fields that nobody here knows. `urls` of layers led to other
/// bytes and go. Content that is no layer, and layers that must not be uploaded, stay as they are.
///
/// With the same time, the same content gives the same digest, whenever and in whatever order it was built.
///
/// ```
/// use std::sync::Arc;
/// use std::time::SystemTime;
/// use wharf_mutate::{TimeOptions, set_time};
/// use wharf_v1::{Image as _, random};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_mutate::Error> {
/// let base = Arc::new(random::image(1, 2, 100));
/// let image = set_time(base, SystemTime::UNIX_EPOCH, &TimeOptions::new()).await?;
/// assert_eq!(image.config().await?.view()?.created().as_deref(), Some("1970-01-01T00:00:00Z"));
/// # Ok(()) }
/// ```
///
/// Ancestor in Go: `mutate.Time`, which makes a Docker image, and drops what it does not know.
///
/// # Errors
/// [`Error::Time`] when the time is before 1970 or after 9999, [`Error::Layer`] when a layer is no tar
/// archive, is damaged, or cannot be written; [`Error::Content`] when the image cannot be read.
pub async fn set_time(
    base: Arc<dyn Image>,
    time: SystemTime,
    options: &TimeOptions,
) -> Result<MutatedImage, Error> {
    let created = created(time)?;
    rewritten(base, time, &created, options, Ok).await
}

/// The image as it would be if nobody knew when, where and with what it was built: all entries of layers
/// are of 1970, times in the config are not known, and the fields `container`, `docker_version` and
/// `Hostname` of the config are gone. As [`set_time`] otherwise.
///
/// Ancestor in Go: `mutate.Canonical`.
///
/// # Errors
/// As [`set_time`].
pub async fn canonical(base: Arc<dyn Image>, options: &TimeOptions) -> Result<MutatedImage, Error> {
    rewritten(
        base,
        SystemTime::UNIX_EPOCH,
        UNKNOWN_TIME,
        options,
        without_builder,
    )
    .await
}

/// A time as configs have it.
pub(crate) fn created(time: SystemTime) -> Result<String, Error> {
    let out_of_range = |source: Box<dyn std::error::Error + Send + Sync>| Error::Time { source };
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_err(|source| out_of_range(source.into()))?;
    let time = jiff::Timestamp::try_from(time).map_err(|source| out_of_range(source.into()))?;
    Ok(time.to_string())
}

async fn rewritten(
    base: Arc<dyn Image>,
    mtime: SystemTime,
    created: &str,
    options: &TimeOptions,
    finish: impl FnOnce(Config) -> Result<Config, Error>,
) -> Result<MutatedImage, Error> {
    let mut layers = base.layers().await?;
    for layer in &mut layers {
        let media_type = layer.media_type();
        if !media_type.is_layer() || !media_type.is_distributable() {
            continue;
        }
        let builder = LayerBuilder::from_layer(Arc::clone(layer)).mtime(mtime);
        let builder = match options.compression {
            Some(compression) => builder.recompress(compression),
            None => builder,
        };
        let codec = options.compression.map(Compression::codec);
        (*layer, _) = successor(layer, builder, codec).await?;
    }
    let edit = |config: &mut ImageConfiguration| {
        config.set_created(Some(created.to_owned()));
        for entry in config.history_mut().iter_mut().flatten() {
            entry.set_created(Some(created.to_owned()));
        }
    };
    rebuilt_then(base, layers, edit, finish).await
}

/// The config without what tells of the machine that built it, which the typed view does not have.
fn without_builder(config: Config) -> Result<Config, Error> {
    let invalid = |source: serde_json::Error| Error::Document {
        source: source.into(),
    };
    let mut members = Members::parse(config.raw()).map_err(invalid)?;
    let mut changed = false;
    for field in OF_THE_BUILDER {
        changed |= members.remove(field);
    }
    if let Some(mut inner) = members.inner("config")
        && inner.remove("Hostname")
    {
        changed = true;
        let inner = inner.to_json().map_err(invalid)?;
        members.set_json("config", inner).map_err(invalid)?;
    }
    if !changed {
        return Ok(config);
    }
    let json = members.to_json().map_err(invalid)?;
    Ok(Config::new(json, config.media_type().clone()).canonical()?)
}
