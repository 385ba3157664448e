//! Pushing single layers.

use std::sync::Arc;

use oci_spec::image::Descriptor;
use wharf_name::Repository;
use wharf_v1::Layer;

use crate::Client;
use crate::error::{Error, Operation};
use crate::write::Destination;
use crate::write::source::Content;

impl Client {
    /// Writes a layer, or any blob, to a repository (Go: `remote.WriteLayer`). Gives what was written.
    ///
    /// A registry may remove blobs that no manifest refers to.
    ///
    /// Costs 1 request if the repository has it, it is mounted, or it has at most 16 KiB, else 2, or 3 if it has more than
    /// 128 KiB and the registry has not mounted anything yet.
    ///
    /// # Errors
    /// [`Error::Request`] and [`Error::Answer`] when the registry refuses, cannot be reached, or does not do as it
    /// should, [`Error::Content`] when the layer cannot be read or is not what it claims to be.
    pub async fn write_layer(
        &self,
        repository: &Repository,
        layer: &Arc<dyn Layer>,
    ) -> Result<Descriptor, Error> {
        self.destination(repository).push_layer(Arc::clone(layer)).await
    }
}

impl Destination {
    pub(crate) async fn push_layer(&self, layer: Arc<dyn Layer>) -> Result<Descriptor, Error> {
        match layer.descriptor().await {
            Ok(descriptor) => {
                self.push_blob(&descriptor, Content::Layer(layer)).await?;
                Ok(descriptor)
            }
            Err(wharf_v1::Error::NotComputed) => {
                let descriptor = self.upload_stream(&layer).await?;
                // That it is there already is just as well.
                let _ = self.facts.present(descriptor.digest()).set(());
                Ok(descriptor)
            }
            Err(error) => Err(Error::content(Operation::WriteBlob, &self.repository, error)),
        }
    }
}
