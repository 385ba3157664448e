//! Copying between repositories and registries.

use futures_util::future::try_join;
use oci_spec::image::Descriptor;
use wharf_name::Reference;
use wharf_v1::PlatformSpec;
use wharf_v1::media_type::MediaTypeExt as _;

use crate::error::{Error, Misuse, Operation};
use crate::events::Event;
use crate::read::Fetched;
use crate::write::Tip;
use crate::{Client, wire};

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
    /// Costs 2 requests if the destination names the same already (one round trip), and else those of
    /// [`write`](Self::write) or [`write_index`](Self::write_index), and 1 more for each blob and child that is read.
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
        Err(unsupported(&fetched))
    }
}

fn unsupported(fetched: &Fetched) -> Error {
    let misuse = Misuse::Unsupported {
        media_type: fetched.media_type().clone(),
    };
    Error::input(Operation::Get, fetched.reference(), misuse)
}
