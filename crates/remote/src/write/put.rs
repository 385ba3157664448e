//! Writing manifests as they are.

use bytes::Bytes;
use oci_spec::image::{Descriptor, MediaType};
use serde::de::IgnoredAny;
use std::collections::HashMap;
use wharf_name::Reference;
use wharf_v1::Hasher;

use crate::Client;
use crate::error::{Error, Misuse, Operation};

impl Client {
    /// Writes the bytes of a manifest or index under `reference`, whatever it is, and nothing that it refers to
    /// (Go: `remote.Put`). Gives what was written.
    ///
    /// Costs 1 request.
    ///
    /// # Errors
    /// [`Error::Input`] when the bytes are not a JSON object, or `reference` is a digest and not theirs.
    /// [`Error::Request`] and [`Error::Answer`] when the registry refuses, cannot be reached, or stores something else.
    pub async fn put(
        &self,
        reference: &Reference,
        media_type: MediaType,
        raw: impl Into<Bytes> + Send,
    ) -> Result<Descriptor, Error> {
        let raw = raw.into();
        let refuse = |misuse| Error::input(Operation::WriteManifest, reference, misuse);
        let _: HashMap<&str, IgnoredAny> =
            serde_json::from_slice(&raw).map_err(|source| refuse(Misuse::NotJson { source }))?;
        let mut hasher = match reference.digest() {
            Some(want) => Hasher::new(want.algorithm())
                .map_err(|error| Error::content(Operation::WriteManifest, reference, error))?,
            None => Hasher::sha256(),
        };
        hasher.update(&raw);
        let descriptor = Descriptor::new(media_type, raw.len() as u64, hasher.finish());
        let destination = self.destination(reference.repository());
        destination.check_digest(reference, &descriptor)?;
        destination.put_manifest(reference, &descriptor, raw).await?;
        Ok(descriptor)
    }
}
