//! Sending a small blob with a single request
//! ([distribution-spec](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#single-post)).

use http::{Method, StatusCode, header};
use oci_spec::image::Descriptor;

use crate::error::{Error, Operation};
use crate::events::Event;
use crate::wire::{self, with_query};
use crate::write::meter::{Meter, Unfinished};
use crate::write::parts::Parts;
use crate::write::send::check_stored;
use crate::write::session::Session;
use crate::write::source::Content;
use crate::write::{Destination, upload};

/// Bytes that may be sent in vain: about what goes out before the first answer can come.
const LIMIT: u64 = 16 << 10;

/// How an attempt ended to send a blob with the `POST`.
pub(super) enum Posted {
    /// The repository has it.
    Whole,
    /// The registry has begun an upload, as if there had been no bytes.
    Session(Session),
    /// Nothing came of it.
    No,
}

impl Destination {
    /// Whether the blob may be sent with the `POST`, without asking before whether it is there: it costs next to nothing
    /// to read and to send, and the registry is not known to refuse it.
    pub(super) fn may_post(&self, descriptor: &Descriptor, content: &Content<'_>) -> bool {
        descriptor.size() <= LIMIT
            && content.is_reopenable()
            && content.mount_source().is_none()
            && self.host.upload_modes.may_post_whole()
    }

    /// Sends a blob with the `POST`. A registry that does not know this begins an upload, so nothing is lost, and it is not
    /// tried there again.
    pub(super) async fn post_whole(
        &self,
        descriptor: &Descriptor,
        content: &Content<'_>,
    ) -> Result<Posted, Error> {
        let _permit = self.host.question().await;
        let (repository, target) = (&self.repository, self.blob_reference(descriptor));
        let digest = descriptor.digest();
        let meter = Meter::new(self.client.clone(), repository.clone(), Some(digest.clone()));
        let unfinished = Unfinished::new(&meter);
        let opened = content.open().await;
        let opened = opened.map_err(|error| Error::content(Operation::WriteBlob, &target, error))?;
        let parts = Parts::new(opened, meter.clone());
        self.emit(Event::BlobStarted {
            repository,
            descriptor: Some(descriptor),
        });
        let path = format!("{}/blobs/uploads/", repository.path());
        let sent = self
            .client
            .call(
                Method::POST,
                wire::push(repository),
                &with_query(&path, "digest", digest.as_ref()),
            )
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(parts.body(0, descriptor.size(), descriptor.size()))
            .accepted(&[StatusCode::CREATED, StatusCode::ACCEPTED])
            .unlogged()
            .never_retry()
            .send()
            .await
            .map_err(|error| Error::request(Operation::WriteBlob, &target, error));
        if let Some(fault) = meter.fault() {
            return Err(Error::content(Operation::WriteBlob, &target, fault));
        }
        match sent {
            Ok(response) if response.status() == StatusCode::CREATED => {
                check_stored(descriptor, &target, response.headers())?;
                unfinished.done();
                self.emit(Event::BlobPushed {
                    repository,
                    descriptor,
                });
                Ok(Posted::Whole)
            }
            Ok(response) => {
                self.host.upload_modes.refuse_whole_posts();
                Ok(Session::begun(self, &response).map_or(Posted::No, Posted::Session))
            }
            Err(error) => {
                if !upload::is_ambiguous(&error) {
                    self.host.upload_modes.refuse_whole_posts();
                }
                if error.is_unauthorized() || error.is_denied() {
                    return Err(error);
                }
                Ok(Posted::No)
            }
        }
    }
}
