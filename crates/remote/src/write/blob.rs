//! Getting one blob into a repository, in the cheapest way that works.

use oci_spec::image::Descriptor;
use wharf_name::Reference;
use wharf_v1::media_type::MediaTypeExt as _;

use crate::client::NonDistributable;
use crate::error::Error;
use crate::events::Event;
use crate::wire;
use crate::write::Destination;
use crate::write::mount::Mount;
use crate::write::source::Content;

impl Destination {
    /// Sees to it that the repository has the blob.
    ///
    /// In this order: it is known to be there; it is mounted from where it comes from; the registry says that it has it;
    /// it is sent. Where a mount is tried the question is left out, since the one request answers both.
    pub(super) async fn push_blob(&self, descriptor: &Descriptor, content: Content<'_>) -> Result<(), Error> {
        let repository = &self.repository;
        let skip = self.client.settings().non_distributable == NonDistributable::Skip;
        if skip && !descriptor.media_type().is_distributable() {
            self.emit(Event::BlobSkipped {
                repository,
                descriptor,
            });
            return Ok(());
        }
        let present = self.facts.present(descriptor.digest());
        present
            .get_or_try_init(|| self.provide_blob(descriptor, content))
            .await?;
        Ok(())
    }

    async fn provide_blob(&self, descriptor: &Descriptor, content: Content<'_>) -> Result<(), Error> {
        let repository = &self.repository;
        let home = content.mount_source();
        if self.is_home(home.as_ref()) {
            self.emit(Event::BlobExists {
                repository,
                descriptor,
            });
            return Ok(());
        }
        let session = match self.mount(descriptor, home.as_ref()).await? {
            Mount::Mounted => return Ok(()),
            Mount::Session(session) => Some(session),
            Mount::No => None,
        };
        // A session that was begun instead of a mount does not tell whether the blob is there: some registries answer
        // every mount like this.
        if self.has_blob(descriptor).await? {
            self.emit(Event::BlobExists {
                repository,
                descriptor,
            });
            return Ok(());
        }
        self.upload(descriptor, &content, session).await
    }

    /// Whether the repository has the blob, in its full size. Anything but a plain yes is a no: sending it either works
    /// or fails with an error that says more than an answer to `HEAD` can.
    pub(super) async fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, Error> {
        let _permit = self.host.question().await;
        let reference = Reference::Digest(self.repository.digest(descriptor.digest().clone()));
        match self
            .client
            .head_blob(wire::push(&self.repository), &reference)
            .await
        {
            Ok(size) => Ok(size.is_none_or(|size| size == descriptor.size())),
            Err(error) if error.status().is_some() && !error.is_temporary() => Ok(false),
            Err(error) => Err(error),
        }
    }
}
