//! What an image's config says of its layers.

use oci_spec::image::Digest;

use crate::media_type::MediaTypeExt as _;
use crate::{Config, Error, Manifest};

/// The diff_ids that `config` lists, one for each layer of `manifest`, base first; `None` where the config
/// is not that of an image, so that there are none.
///
/// # Errors
/// [`Error::LayerCount`] when there are more or fewer than layers, [`Error::InvalidDigest`] when one is no
/// digest, [`Error::InvalidDocument`] when a document cannot be read.
pub fn diff_ids(manifest: &Manifest, config: &Config) -> Result<Option<Vec<Digest>>, Error> {
    let manifest = manifest.view()?;
    if !manifest.config().media_type().is_config() {
        return Ok(None);
    }
    let listed = config.view()?.rootfs().diff_ids();
    if listed.len() != manifest.layers().len() {
        return Err(Error::LayerCount {
            layers: manifest.layers().len(),
            diff_ids: listed.len(),
        });
    }
    let parse = |text: &String| {
        Digest::try_from(text.as_str()).map_err(|error| Error::InvalidDigest {
            input: text.clone(),
            source: error.into(),
        })
    };
    listed.iter().map(parse).collect::<Result<_, _>>().map(Some)
}
