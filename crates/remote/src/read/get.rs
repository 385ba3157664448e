//! Reading manifests.

use bytes::Bytes;
use http::{Method, StatusCode, header};
use oci_spec::image::{Descriptor, Digest, MediaType};
use wharf_name::Reference;
use wharf_v1::Hasher;
use wharf_v1::media_type::DOCKER_SCHEMA1_SIGNED;

use crate::error::{Error, Operation, Violation};
use crate::media::{ACCEPT_MANIFESTS, content_type, manifest_type};
use crate::read::Fetched;
use crate::{Client, wire};

/// The most bytes that a manifest, index or config may have to be read into memory.
pub(crate) const DOCUMENT_LIMIT: usize = 100 << 20;

impl Client {
    /// Reads the manifest or index that `reference` names, whatever it is (Go: `remote.Get`).
    ///
    /// The digest is computed from the bytes that came, and must be the one asked for where the reference has one; for
    /// a tag the registry's own `Docker-Content-Digest` is advice that is not needed. The media type is that of the
    /// `Content-Type` header, without parameters.
    ///
    /// Costs 1 request. Reads up to 100 MiB.
    ///
    /// # Errors
    /// [`Error::Request`] when the registry refuses or cannot be reached, or the body is too large.
    /// [`Error::Answer`] when the bytes are not those asked for, or contradict themselves in what they are.
    pub async fn get(&self, reference: &Reference) -> Result<Fetched, Error> {
        let (descriptor, raw) = self.fetch_manifest(reference, ACCEPT_MANIFESTS).await?;
        Ok(Fetched::new(self.clone(), reference.clone(), descriptor, raw))
    }

    /// A manifest's bytes and what they are.
    pub(crate) async fn fetch_manifest(
        &self,
        reference: &Reference,
        accept: &str,
    ) -> Result<(Descriptor, Bytes), Error> {
        let request_failed = |error| Error::request(Operation::Get, reference, error);
        let refuse = |violation| Error::answer(Operation::Get, reference, violation);
        let (parts, raw) = self
            .call(
                Method::GET,
                wire::pull(reference.repository()),
                &wire::manifest_path(reference),
            )
            .header(header::ACCEPT, accept)
            .accepted(&[StatusCode::OK])
            .read(DOCUMENT_LIMIT)
            .await
            .map_err(request_failed)?;
        let media_type = manifest_type(content_type(&parts.headers), &raw).map_err(refuse)?;
        let header_digest = wire::content_digest(&parts.headers);
        let digest = digest_of(&raw, &media_type, header_digest, reference)?;
        Ok((Descriptor::new(media_type, raw.len() as u64, digest), raw))
    }
}

/// The digest of the bytes, which is the one asked for, if one was asked for.
fn digest_of(
    raw: &[u8],
    media_type: &MediaType,
    header_digest: Option<Digest>,
    reference: &Reference,
) -> Result<Digest, Error> {
    let got = match header_digest {
        // Its digest leaves out the signatures inside, so only the registry knows it.
        Some(digest) if media_type.as_ref() == DOCKER_SCHEMA1_SIGNED => digest,
        _ => {
            let mut hasher = match reference.digest() {
                Some(want) => Hasher::new(want.algorithm())
                    .map_err(|error| Error::content(Operation::Get, reference, error))?,
                None => Hasher::sha256(),
            };
            hasher.update(raw);
            hasher.finish()
        }
    };
    match reference.digest() {
        Some(want) if *want != got => {
            let violation = Violation::Digest {
                got,
                want: want.clone(),
            };
            Err(Error::answer(Operation::Get, reference, violation))
        }
        _ => Ok(got),
    }
}
