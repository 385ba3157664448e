//! Taking blobs from another repository of the same registry
//! ([distribution-spec](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#mounting-a-blob-from-another-repository)).

use http::{Method, StatusCode};
use oci_spec::image::Descriptor;
use wharf_transport::Scope;
use wharf_v1::MountSource;

use crate::error::Error;
use crate::events::Event;
use crate::wire::{self, with_query};
use crate::write::Destination;
use crate::write::session::Session;

/// How an attempt to mount a blob ended.
pub(super) enum Mount {
    /// The repository has the blob now.
    Mounted,
    /// The registry has begun an upload instead.
    Session(Session),
    /// Nothing came of it, or it was not tried.
    No,
}

impl Destination {
    /// Tries to mount a blob from `source`, if that is a repository of the same registry that has not refused before.
    ///
    /// A mount is never more than a saving, so it does not fail: a registry that refuses it, in whatever way, is not
    /// asked again for blobs of that repository, and gets them sent.
    pub(super) async fn mount(
        &self,
        descriptor: &Descriptor,
        source: Option<&MountSource>,
    ) -> Result<Mount, Error> {
        let Some(source) = source.filter(|source| source.registry == self.repository.registry().as_str())
        else {
            return Ok(Mount::No);
        };
        let _permit = self.host.question().await;
        // Others may have learned it while this one waited.
        if self.facts.is_mount_refused(&source.repository) {
            return Ok(Mount::No);
        }
        let (repository, from) = (&self.repository, source.repository.as_str());
        let path = format!("{}/blobs/uploads/", repository.path());
        let path = with_query(&path, "mount", descriptor.digest().as_ref());
        let path = with_query(&path, "from", from);
        let context = wire::push(repository).with_scope(Scope::new("repository", from, ["pull"]));
        let sent = self
            .client
            .call(Method::POST, context, &path)
            .accepted(&[StatusCode::CREATED, StatusCode::ACCEPTED])
            .send()
            .await;
        let mount = match sent {
            Ok(response) if response.status() == StatusCode::CREATED => {
                self.emit(Event::BlobMounted {
                    repository,
                    descriptor,
                    from,
                });
                return Ok(Mount::Mounted);
            }
            Ok(response) => match Session::begun(self, &response) {
                Ok(session) => Mount::Session(session),
                Err(_) => Mount::No,
            },
            // Not the mount's fault, and the requests that follow will tell.
            Err(error) if error.status().is_none() || error.is_temporary() => return Ok(Mount::No),
            Err(error) => {
                tracing::debug!(%repository, from, %error, "mount refused");
                Mount::No
            }
        };
        if self.facts.refuse_mounts(from) {
            self.emit(Event::MountRefused { repository, from });
        }
        Ok(mount)
    }
}
