//! Copying between repositories and registries.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future::{try_join, try_join_all};
use oci_spec::image::{Descriptor, Digest};
use serde::Deserialize;
use wharf_name::Reference;
use wharf_v1::media_type::{DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED, MediaTypeExt as _};
use wharf_v1::{Layer, PlatformSpec};

use crate::error::{Error, Misuse, Operation};
use crate::events::Event;
use crate::read::Fetched;
use crate::write::{Destination, Tip};
use crate::{Client, wire};

/// The media types of Docker's first manifests.
const SCHEMA1: [&str; 2] = [DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED];

/// What to copy. The default is everything that the source names.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopyOptions {
    /// Only the image for this platform, where the source is an index. Default: the whole index.
    pub platform: Option<PlatformSpec>,
}

impl CopyOptions {
    /// Copies only the image for this platform.
    #[must_use]
    pub fn with_platform(mut self, platform: PlatformSpec) -> Self {
        self.platform = Some(platform);
        self
    }
}

impl Client {
    /// Copies an image or index (Go: `crane.Copy`). Gives what `destination` names then, which has the same digest.
    ///
    /// Blobs flow from one registry to the other as they come, hashed on the way, and are never held as a whole. What
    /// the destination has is not read; within a registry blobs are mounted, and within a repository only the manifest
    /// is written.
    ///
    /// Costs 2 requests if the destination names the same already (one round trip), or is in the repository of the source
    /// (two), and else those of [`write`](Self::write) or [`write_index`](Self::write_index), and 1 more for each blob
    /// and child that is read. Manifests of Docker's schema 1 are copied as they are, with their layers.
    ///
    /// # Errors
    /// As for [`get`](Self::get), [`Fetched::image`] and [`write`](Self::write); [`Error::Input`] when the source is of
    /// a media type whose parts are not known, since half a copy would be worse than none.
    pub async fn copy(
        &self,
        source: &Reference,
        destination: &Reference,
        options: &CopyOptions,
    ) -> Result<Descriptor, Error> {
        let fetch = self.get(source);
        let into = self.destination(destination.repository());
        let tip = async {
            if source.repository() == destination.repository() {
                // All parts are there: to write the manifest again takes no longer than to ask for it.
                return Ok(None);
            }
            // That there is nothing, or that it cannot be told, is found out by what follows.
            match self
                .try_head(wire::push(destination.repository()), destination)
                .await
            {
                Err(error) if error.status().is_none() && error.transport().is_some() => Err(error),
                outcome => Ok(outcome.ok().flatten()),
            }
        };
        let (fetched, tip) = try_join(fetch, tip).await?;
        let is_tip = |descriptor: &Descriptor| {
            tip.as_ref()
                .is_some_and(|tip| tip.digest() == descriptor.digest())
        };
        let exists = |descriptor: &Descriptor| {
            self.events().emit(Event::ManifestExists {
                reference: destination,
                descriptor,
            });
            Ok(descriptor.clone())
        };
        if let (Some(platform), true) = (&options.platform, fetched.media_type().is_index()) {
            let image = fetched.image(Some(platform)).await?;
            if is_tip(image.as_descriptor()) {
                return exists(image.as_descriptor());
            }
            return into.write_image(destination, &image, Tip::Differs).await;
        }
        if is_tip(fetched.descriptor()) {
            return exists(fetched.descriptor());
        }
        if fetched.media_type().is_index() {
            return into
                .write_index(destination, &fetched.index()?, Tip::Differs)
                .await;
        }
        if fetched.media_type().is_image() {
            return into
                .write_image(destination, &fetched.image(None).await?, Tip::Differs)
                .await;
        }
        if SCHEMA1.contains(&fetched.media_type().as_ref()) {
            return into.write_schema1(destination, &fetched).await;
        }
        Err(unsupported(&fetched))
    }
}

/// What is read of a manifest of schema 1.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schema1 {
    fs_layers: Vec<FsLayer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FsLayer {
    blob_sum: Digest,
}

impl Destination {
    /// Writes a manifest of
    /// [schema 1](https://distribution.github.io/distribution/spec/deprecated-schema-v1/), byte for byte, after its
    /// layers. Their sizes are not in it, so each costs one more request.
    async fn write_schema1(&self, reference: &Reference, fetched: &Fetched) -> Result<Descriptor, Error> {
        let source = fetched.reference().repository();
        if source != reference.repository() {
            let manifest: Schema1 = serde_json::from_slice(fetched.raw()).map_err(|source| {
                Error::input(Operation::Get, fetched.reference(), Misuse::NotJson { source })
            })?;
            let digests: HashSet<Digest> = manifest
                .fs_layers
                .into_iter()
                .map(|layer| layer.blob_sum)
                .collect();
            let layers = digests.into_iter().map(|digest| {
                let layer: Arc<dyn Layer> = Arc::new(self.client.layer(&source.digest(digest)));
                self.push_layer(layer)
            });
            try_join_all(layers).await?;
        }
        let descriptor = fetched.descriptor();
        self.check_digest(reference, descriptor)?;
        self.put_manifest(reference, descriptor, fetched.raw().clone())
            .await?;
        Ok(descriptor.clone())
    }
}

fn unsupported(fetched: &Fetched) -> Error {
    let misuse = Misuse::Unsupported {
        media_type: fetched.media_type().clone(),
    };
    Error::input(Operation::Get, fetched.reference(), misuse)
}
