//! Moving tags.

use oci_spec::image::Descriptor;
use wharf_name::{Reference, Tag};

use crate::Client;
use crate::error::{Error, Misuse, Operation};

impl Client {
    /// Lets `tag` name what `source`, of the same repository, names (Go: `crane.Tag`). Gives what that is.
    ///
    /// Costs 2 requests. With the manifest in hand, [`put`](Self::put) costs 1.
    ///
    /// # Errors
    /// As for [`get`](Self::get) and [`put`](Self::put), and [`Error::Input`] when `tag` is of another repository.
    pub async fn tag(&self, source: &Reference, tag: &Tag) -> Result<Descriptor, Error> {
        if tag.repository() != source.repository() {
            let misuse = Misuse::OtherRepository { tag: tag.clone() };
            return Err(Error::input(Operation::WriteManifest, source, misuse));
        }
        let fetched = self.get(source).await?;
        let destination = self.destination(tag.repository());
        let reference = Reference::Tag(tag.clone());
        destination
            .put_manifest_alone(&reference, fetched.descriptor(), fetched.raw().clone())
            .await?;
        Ok(fetched.descriptor().clone())
    }
}
