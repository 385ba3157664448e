//! Getting one blob into a repository, in the cheapest way that works.

use oci_spec::image::Descriptor;
use wharf_name::Reference;
use wharf_v1::media_type::MediaTypeExt as _;

use crate::client::{BlobSize, NonDistributable, SelfMounts};
use crate::error::{Error, Operation};
use crate::events::Event;
use crate::wire;
use crate::write::Destination;
use crate::write::mount::{Found, Mount};
use crate::write::post::Posted;
use crate::write::source::Content;

impl Destination {
    /// Sees to it that the repository has the blob.
    ///
    /// In this order: it is known to be there; it is mounted from where it comes from; it is small and sent at once; the
    /// registry says that it has it; it is sent. Whether the registry has it is asked by mounting it from the repository itself, which begins the
    /// upload if not, and by `HEAD` only where that says nothing.
    pub(super) async fn push_blob(&self, descriptor: &Descriptor, content: Content<'_>) -> Result<(), Error> {
        let repository = &self.repository;
        let skip = self.client.settings().non_distributable == NonDistributable::Skip;
        if skip && !descriptor.media_type().is_distributable() {
            self.emit(Event::BlobPlanned {
                repository,
                descriptor,
            });
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
        self.emit(Event::BlobPlanned {
            repository,
            descriptor,
        });
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
        if session.is_none() && self.may_post(descriptor, &content) {
            return match self.post_whole(descriptor, &content).await? {
                Posted::Whole => Ok(()),
                Posted::Session(session) => self.upload(descriptor, &content, Some(session), None).await,
                Posted::No => self.find_or_upload(descriptor, content).await,
            };
        }
        if session.is_none() && self.host.self_mounts() != SelfMounts::Silent {
            return self.find_or_upload(descriptor, content).await;
        }
        // A session that was begun instead of a mount does not tell whether the blob is there: some registries answer
        // every mount like this.
        if self.has_blob(descriptor).await? {
            self.emit(Event::BlobExists {
                repository,
                descriptor,
            });
            return Ok(());
        }
        self.upload(descriptor, &content, session, None).await
    }

    /// Sends the blob unless it is there, which is asked with the request that begins to send it.
    async fn find_or_upload(&self, descriptor: &Descriptor, content: Content<'_>) -> Result<(), Error> {
        let is_small = BlobSize::of(descriptor.size()) == BlobSize::Small;
        let found = self.find_here(descriptor);
        let (found, opened) = if is_small && content.is_reopenable() {
            // Where it comes from another registry, a few bytes that are not needed cost less than waiting.
            let (found, opened) = futures_util::future::join(found, content.open()).await;
            (found, Some(opened))
        } else {
            (found.await, None)
        };
        let session = match found {
            Found::Here => None,
            // A registry that is not known to tell may have it all the same. To make sure takes as long as to send a small
            // one.
            Found::Session(session) if is_small || self.host.self_mounts() == SelfMounts::Tell => {
                Some(session)
            }
            Found::Session(session) if self.has_blob(descriptor).await? => {
                self.host.learn_self_mounts(SelfMounts::Silent);
                drop(session);
                None
            }
            Found::Session(session) => Some(session),
            Found::No if self.has_blob(descriptor).await? => None,
            Found::No => return self.upload(descriptor, &content, None, None).await,
        };
        let Some(session) = session else {
            self.emit(Event::BlobExists {
                repository: &self.repository,
                descriptor,
            });
            return Ok(());
        };
        let target = self.blob_reference(descriptor);
        let opened = opened.transpose();
        let opened = opened.map_err(|error| Error::content(Operation::WriteBlob, &target, error))?;
        self.upload(descriptor, &content, Some(session), opened).await
    }

    /// Whether the repository has the blob, in its full size. Anything but a plain yes is a no: sending it either works
    /// or fails with an error that says more than an answer to `HEAD` can.
    pub(crate) async fn has_blob(&self, descriptor: &Descriptor) -> Result<bool, Error> {
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
