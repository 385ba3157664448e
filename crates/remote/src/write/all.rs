//! Pushing several things at once.

use futures_util::future::try_join_all;
use oci_spec::image::{Descriptor, MediaType};
use wharf_name::Reference;
use wharf_v1::Child;

use crate::Client;
use crate::error::{Error, Misuse, Operation};

impl Client {
    /// Writes several images and indexes, each under its reference (Go: `remote.MultiWrite`), or one under several tags.
    /// Gives what was written, in the order of `items`.
    ///
    /// They are written at the same time. What they have in common goes up once to each repository, and an image that
    /// is given under several tags costs 2 requests for each tag but the first.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::sync::Arc;
    /// # use wharf_v1::Child;
    /// # let server = wharf_registry::server::Server::bind(wharf_registry::Registry::in_memory(), "127.0.0.1:0").await?;
    /// # let client = wharf_remote::Client::new()?;
    /// let image = Child::Image(Arc::new(wharf_v1::random::image(1, 2, 1024)));
    /// let tags = ["v1", "v1.2", "latest"].map(|tag| format!("{}/app:{tag}", server.host()));
    /// let items = tags.iter().map(|tag| Ok((tag.parse()?, image.clone())));
    /// let items = items.collect::<Result<Vec<_>, wharf_name::ParseError>>()?;
    /// let written = client.write_all(&items).await?;
    /// assert_eq!(written[0], written[2]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// That of the first which fails, as for [`write`](Self::write) and [`write_index`](Self::write_index); the others are
    /// then given up, where they are not written yet. [`Error::Input`] for a single blob, which no reference names.
    pub async fn write_all(&self, items: &[(Reference, Child)]) -> Result<Vec<Descriptor>, Error> {
        let mut writes = Vec::with_capacity(items.len());
        for (reference, item) in items {
            writes.push(self.write_one(reference, item));
        }
        try_join_all(writes).await
    }

    async fn write_one(&self, reference: &Reference, item: &Child) -> Result<Descriptor, Error> {
        let media_type = match item {
            Child::Image(image) => return self.write(reference, image).await,
            Child::Index(index) => return self.write_index(reference, index).await,
            Child::Blob(blob) => blob.media_type(),
            _ => MediaType::from("unknown"),
        };
        let misuse = Misuse::Unsupported { media_type };
        Err(Error::input(Operation::WriteManifest, reference, misuse))
    }
}
