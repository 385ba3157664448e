//! Layers that are another form of a layer.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use wharf_layer::{Family, LayerBuilder, SpooledLayer};
use wharf_v1::{Codec, Layer};

use super::Described;
use crate::Error;
use crate::append::Description;
use crate::convert::Counterparts as _;

/// Annotations that describe compressed bytes, and are wrong of others: by what they begin with.
const OF_COMPRESSED_BYTES: &[&str] = &[
    "containerd.io/snapshot/stargz/",
    "containerd.io/snapshot/nydus-",
    "io.containers.estargz.",
    "io.github.containers.zstd-chunked.",
];

/// How a layer is stored, by its first bytes.
pub(crate) async fn codec_of(layer: &dyn Layer) -> Result<Codec, Error> {
    let mut stream = layer.compressed().await?;
    let mut head = Vec::with_capacity(Codec::MAGIC_LEN);
    while head.len() < Codec::MAGIC_LEN {
        match stream.try_next().await? {
            Some(chunk) => head.extend_from_slice(&chunk[..chunk.len().min(Codec::MAGIC_LEN)]),
            None => break,
        }
    }
    Ok(Codec::detect(&head))
}

/// Makes a layer with `builder`, and lets the manifest say of it what it said of `old`: its media type,
/// for the new codec if it gets one, and its annotations as far as they are not about compressed bytes.
/// `urls` led to other bytes.
pub(crate) async fn successor(
    old: &Arc<dyn Layer>,
    builder: LayerBuilder,
    codec: Option<Codec>,
) -> Result<(Arc<dyn Layer>, SpooledLayer), Error> {
    let listed = old.descriptor().await?;
    let family = Family::of(listed.media_type());
    let media_type = match codec {
        Some(codec) => family.of_layer(&family.layer(codec))?,
        None => listed.media_type().clone(),
    };
    let built = builder.media_type(media_type).build().await;
    let built = built.map_err(|source| Error::Layer {
        layer_digest: listed.digest().clone(),
        source: Box::new(source),
    })?;
    let said: HashMap<String, String> = listed.annotations().clone().unwrap_or_default();
    let is_kept = |key: &str| !OF_COMPRESSED_BYTES.iter().any(|prefix| key.starts_with(prefix));
    let description = Description {
        annotations: said.into_iter().filter(|(key, _)| is_kept(key)).collect(),
        ..Description::default()
    };
    Ok((Described::wrap(Arc::new(built.clone()), description), built))
}
