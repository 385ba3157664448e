//! Reading blobs.

use futures_util::{StreamExt as _, stream};
use oci_spec::image::{Descriptor, Digest};
use wharf_name::{DigestReference, Reference, Repository};
use wharf_v1::ByteStream;

use crate::Client;
use crate::error::{Error, Operation};
use crate::events::Event;
use crate::read::blob_source::BlobSource;
use crate::read::parallel;
use crate::read::resume::Download;

/// More URLs of one descriptor than these are not tried.
const MOST_URLS: usize = 16;

impl Client {
    /// The bytes of the blob that `reference` names (Go: `remote.Layer(ref).Compressed()`).
    ///
    /// They are hashed as they go by: the stream ends without error only if they are the ones asked for, all of them
    /// and no more. A connection that breaks is resumed where it stopped. Nothing is held in memory but what is on its
    /// way.
    ///
    /// Costs 1 request, and 1 for each time that the connection breaks.
    ///
    /// # Errors
    /// [`Error::Request`] when the registry refuses or cannot be reached. The stream fails with
    /// [`wharf_v1::Error::SizeMismatch`] or [`wharf_v1::Error::DigestMismatch`] when other bytes come, and with a
    /// wrapped [`Error`] when the connection breaks too often.
    pub async fn blob(&self, reference: &DigestReference) -> Result<ByteStream, Error> {
        self.open_bare_blob(reference.repository(), reference.digest())
            .await
    }

    /// A blob of which all is known. One that the registry does not give is read from where its descriptor says that it is
    /// too.
    pub(crate) async fn open_blob(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
    ) -> Result<ByteStream, Error> {
        let reference = repository.digest(descriptor.digest().clone());
        let source = BlobSource::registry(self.clone(), reference.clone());
        let requests = self.settings().parallel_ranges;
        let mut opened = parallel::open(source.clone(), descriptor.size(), requests).await;
        for url in descriptor.urls().iter().flatten().take(MOST_URLS) {
            if opened.is_ok() {
                break;
            }
            opened = match self.transport().resolve_download(repository.registry(), url) {
                Ok(url) => parallel::open(source.elsewhere(url), descriptor.size(), requests).await,
                Err(error) => {
                    let target = Reference::from(reference.clone());
                    Err(Error::request(Operation::ReadBlob, &target, error))
                }
            };
        }
        let verified = opened?.verified(descriptor);
        let verified = verified.map_err(|error| failed(reference.clone(), error))?;
        Ok(self.told(verified, reference))
    }

    /// A blob of which only the digest is known.
    pub(crate) async fn open_bare_blob(
        &self,
        repository: &Repository,
        digest: &Digest,
    ) -> Result<ByteStream, Error> {
        let reference = repository.digest(digest.clone());
        let source = BlobSource::registry(self.clone(), reference.clone());
        let download = Download::open(source, None).await?;
        match download.size() {
            Some(size) => {
                let descriptor = Descriptor::new("application/octet-stream".into(), size, digest.clone());
                download.into_stream().verified(&descriptor)
            }
            None => download.into_stream().verified_digest(digest),
        }
        .map_err(|error| failed(reference.clone(), error))
        .map(|verified| self.told(verified, reference))
    }

    /// `stream`, of whose good end the observer is told.
    fn told(&self, stream: ByteStream, reference: DigestReference) -> ByteStream {
        if !self.events().is_on() {
            return stream;
        }
        let client = self.clone();
        ByteStream::new(stream::try_unfold(stream, move |mut stream| {
            let (client, reference) = (client.clone(), reference.clone());
            async move {
                let chunk = stream.next().await.transpose()?;
                if chunk.is_none() {
                    client.events().emit(Event::BlobVerified {
                        repository: reference.repository(),
                        digest: reference.digest(),
                    });
                }
                Ok::<_, wharf_v1::Error>(chunk.map(|chunk| (chunk, stream)))
            }
        }))
    }
}

fn failed(reference: DigestReference, error: wharf_v1::Error) -> Error {
    Error::content(Operation::ReadBlob, &Reference::from(reference), error)
}
