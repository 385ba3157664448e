//! The requests of an upload session that carry bytes and commit them.

use http::{Method, StatusCode, header};
use oci_spec::image::Descriptor;
use wharf_name::Reference;
use wharf_transport::Body;

use crate::error::{Error, Operation, Target, Violation};
use crate::wire::{self, with_query};
use crate::write::Destination;
use crate::write::session::{self, Session};

/// What a registry may answer when it has taken bytes.
const TAKEN: &[StatusCode] = &[
    StatusCode::CREATED,
    StatusCode::ACCEPTED,
    StatusCode::NO_CONTENT,
    StatusCode::OK,
];

impl Destination {
    /// Sends bytes without committing them: those from the first of `range` to before the second, where they are not all.
    pub(super) async fn patch(
        &self,
        target: impl Into<Target>,
        session: &mut Session,
        range: Option<(u64, u64)>,
        body: Body,
    ) -> Result<(), Error> {
        let mut call = self
            .client
            .call_url(Method::PATCH, wire::push(&self.repository), session.location())
            .header(header::CONTENT_TYPE, "application/octet-stream");
        if let Some((start, end)) = range {
            let range = format!("{start}-{}", end.saturating_sub(1));
            call = call.header(header::CONTENT_RANGE, &range);
        }
        let target = target.into();
        let response = call
            .body(body)
            .accepted(TAKEN)
            .unlogged()
            .never_retry()
            .send()
            .await
            .map_err(|error| Error::request(Operation::WriteBlob, target.clone(), error))?;
        session.advance(&response)?;
        match (range, session::taken(response.headers())) {
            (Some((_, end)), Some(taken)) if taken != end => Err(Error::answer(
                Operation::WriteBlob,
                target,
                Violation::Taken { taken, sent: end },
            )),
            _ => Ok(()),
        }
    }

    /// Commits a session, with the bytes in `body` if there are any.
    pub(super) async fn put(
        &self,
        descriptor: &Descriptor,
        session: &mut Session,
        body: Body,
    ) -> Result<(), Error> {
        let target = self.blob_reference(descriptor);
        let url = session.location().to_string();
        let url = with_query(&url, "digest", descriptor.digest().as_ref());
        let url = url.parse().map_err(|_| {
            let violation = Violation::InvalidHeader {
                name: header::LOCATION,
            };
            Error::answer(Operation::WriteBlob, &target, violation)
        })?;
        let response = self
            .client
            .call_url(Method::PUT, wire::push(&self.repository), &url)
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(body)
            .accepted(TAKEN)
            .unlogged()
            .never_retry()
            .send()
            .await
            .map_err(|error| Error::request(Operation::WriteBlob, &target, error))?;
        session.finish();
        check_stored(descriptor, &target, response.headers())
    }

    pub(super) fn blob_reference(&self, descriptor: &Descriptor) -> Reference {
        Reference::Digest(self.repository.digest(descriptor.digest().clone()))
    }
}

/// A digest in the answer to a commit has to be the one that was sent.
pub(super) fn check_stored(
    descriptor: &Descriptor,
    target: &Reference,
    headers: &http::HeaderMap,
) -> Result<(), Error> {
    let want = descriptor.digest();
    match wire::content_digest(headers) {
        Some(got) if got.algorithm() == want.algorithm() && got != *want => {
            let want = want.clone();
            Err(Error::answer(
                Operation::WriteBlob,
                target,
                Violation::Stored { got, want },
            ))
        }
        _ => Ok(()),
    }
}
