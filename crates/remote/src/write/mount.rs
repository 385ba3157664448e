//! Taking blobs from another repository of the same registry
//! ([distribution-spec](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#mounting-a-blob-from-another-repository)).

use http::{Method, Response, StatusCode};
use oci_spec::image::Descriptor;
use wharf_transport::{Body, Scope};
use wharf_v1::MountSource;

use crate::client::SelfMounts;
use crate::error::{Error, Operation};
use crate::events::Event;
use crate::wire::{self, with_query};
use crate::write::Destination;
use crate::write::session::Session;

/// How the question ended whether a repository has a blob, when it was asked as a mount from the repository itself.
pub(super) enum Found {
    /// It has it.
    Here,
    /// An upload was begun: it does not have it, or the registry mounts nothing.
    Session(Session),
    /// The registry does not take the question.
    No,
}

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
    /// Asks for a blob by mounting it from this very repository: where it is there, the registry says so, and where it is
    /// not, the same answer begins its upload.
    pub(super) async fn find_here(&self, descriptor: &Descriptor) -> Found {
        let _permit = self.host.question().await;
        let sent = self.ask_mount(descriptor, self.repository.path()).await;
        match sent {
            Ok(response) if response.status() == StatusCode::CREATED => {
                self.host.learn_self_mounts(SelfMounts::Tell);
                Found::Here
            }
            Ok(response) => Session::begun(self, &response).map_or(Found::No, Found::Session),
            Err(error) => {
                if error.status().is_some() && !error.is_temporary() {
                    self.host.learn_self_mounts(SelfMounts::Silent);
                }
                Found::No
            }
        }
    }

    async fn ask_mount(&self, descriptor: &Descriptor, from: &str) -> Result<Response<Body>, Error> {
        let repository = &self.repository;
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
        sent.map_err(|error| Error::request(Operation::WriteBlob, repository, error))
    }

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
        let mount = match self.ask_mount(descriptor, from).await {
            Ok(response) if response.status() == StatusCode::CREATED => {
                self.host.learn_self_mounts(SelfMounts::Tell);
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
        // The blob is where it is read from, so this registry mounts little.
        self.host.learn_self_mounts(SelfMounts::Silent);
        if self.facts.refuse_mounts(from) {
            self.emit(Event::MountRefused { repository, from });
        }
        Ok(mount)
    }
}
