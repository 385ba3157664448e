//! Upload sessions, which are not left open.

use http::{Method, Response, StatusCode, Uri, header};
use wharf_name::Repository;
use wharf_transport::Body;

use crate::error::{Error, Operation, Violation};
use crate::write::Destination;
use crate::{Client, wire};

/// An upload session at a registry. One that is dropped before it is [finished](Self::finish) is given up with a
/// `DELETE`, so that the registry need not keep what was sent.
pub(super) struct Session {
    client: Client,
    repository: Repository,
    location: Option<Uri>,
}

impl Destination {
    /// Begins an upload.
    pub(super) async fn begin(&self) -> Result<Session, Error> {
        let path = format!("{}/blobs/uploads/", self.repository.path());
        let response = self
            .client
            .call(Method::POST, wire::push(&self.repository), &path)
            .accepted(&[StatusCode::ACCEPTED])
            .send()
            .await
            .map_err(|error| Error::request(Operation::WriteBlob, &self.repository, error))?;
        Session::begun(self, &response)
    }
}

impl Session {
    /// The session that an answer says was begun.
    pub(super) fn begun(destination: &Destination, response: &Response<Body>) -> Result<Self, Error> {
        let repository = &destination.repository;
        let location = location(&destination.client, repository, response)?.ok_or_else(|| {
            let violation = Violation::MissingHeader {
                name: header::LOCATION,
            };
            Error::answer(Operation::WriteBlob, repository, violation)
        })?;
        let (client, repository) = (destination.client.clone(), repository.clone());
        Ok(Self {
            client,
            repository,
            location: Some(location),
        })
    }

    /// Where the next request of the session goes.
    pub(super) fn location(&self) -> &Uri {
        self.location
            .as_ref()
            .expect("it is there until the session is finished")
    }

    /// Goes on where an answer says: the latest location counts.
    pub(super) fn advance(&mut self, response: &Response<Body>) -> Result<(), Error> {
        if let Some(next) = location(&self.client, &self.repository, response)? {
            self.location = Some(next);
        }
        Ok(())
    }

    /// The session has ended at the registry.
    pub(super) fn finish(mut self) {
        self.location = None;
    }
}

fn location(
    client: &Client,
    repository: &Repository,
    response: &Response<Body>,
) -> Result<Option<Uri>, Error> {
    let judged = client.location(repository.registry(), response).transpose();
    judged.map_err(|error| Error::request(Operation::WriteBlob, repository, error))
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(location) = self.location.take() else {
            return;
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let (client, repository) = (self.client.clone(), self.repository.clone());
        runtime.spawn(async move {
            let call = client
                .call_url(Method::DELETE, wire::push(&repository), &location)
                .never_retry();
            if let Err(error) = call.send().await {
                tracing::debug!(%repository, %error, "could not give up an upload session");
            }
        });
    }
}
