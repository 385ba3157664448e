//! Layers in a registry.

use std::fmt;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_util::StreamExt as _;
use http::{Method, StatusCode, header};
use oci_spec::image::{Descriptor, Digest, MediaType};
use tokio::sync::OnceCell;
use wharf_name::{DigestReference, Reference, Repository};
use wharf_transport::RegistryContext;
use wharf_v1::media_type::{DOCKER_LAYER_GZIP, MediaTypeExt as _};
use wharf_v1::partial::diff_ids;
use wharf_v1::{ByteStream, Hasher, Layer, MountSource};

use crate::error::{Error, Operation, Violation};
use crate::read::image::mount_source;
use crate::read::{RemoteImage, inline};
use crate::{Client, wire};

impl Client {
    /// The blob that `reference` names, as a layer (Go: `remote.Layer`).
    ///
    /// Costs nothing. The first question for the [`descriptor`](Layer::descriptor) costs 1 request (`HEAD`). The media
    /// type is not known to a registry; that of Docker's layers is assumed.
    #[must_use]
    pub fn layer(&self, reference: &DigestReference) -> RemoteLayer {
        RemoteLayer::of(
            self.clone(),
            reference.repository().clone(),
            reference.digest().clone(),
            OnceCell::new(),
            None,
        )
    }

    /// Asks whether a repository has a blob, and how many bytes the registry says it has. A blob that is not there is
    /// an error, as everywhere.
    pub(crate) async fn head_blob(
        &self,
        context: RegistryContext,
        reference: &Reference,
    ) -> Result<Option<u64>, Error> {
        let path = wire::blob_path(reference);
        let response = self
            .call(Method::HEAD, context, &path)
            .header(header::ACCEPT_ENCODING, "identity")
            .accepted(&[StatusCode::OK])
            .send()
            .await
            .map_err(|error| Error::request(Operation::HeadBlob, reference, error))?;
        Ok(wire::content_length(response.headers()))
    }
}

/// A layer in a registry. Its bytes are streamed each time it is opened, and verified; a connection that breaks is
/// resumed where it stopped. Cloning is cheap.
#[derive(Clone)]
pub struct RemoteLayer(Arc<Inner>);

struct Inner {
    client: Client,
    repository: Repository,
    digest: Digest,
    descriptor: OnceCell<Descriptor>,
    /// The image that it is a layer of, and at which place.
    image: Option<(RemoteImage, usize)>,
    diff_id: OnceCell<Digest>,
}

impl RemoteLayer {
    pub(crate) fn in_image(
        client: Client,
        repository: Repository,
        descriptor: Descriptor,
        image: RemoteImage,
        at: usize,
    ) -> Self {
        let digest = descriptor.digest().clone();
        Self::of(
            client,
            repository,
            digest,
            OnceCell::new_with(Some(descriptor)),
            Some((image, at)),
        )
    }

    pub(crate) fn described(client: Client, repository: Repository, descriptor: Descriptor) -> Self {
        let digest = descriptor.digest().clone();
        Self::of(
            client,
            repository,
            digest,
            OnceCell::new_with(Some(descriptor)),
            None,
        )
    }

    fn of(
        client: Client,
        repository: Repository,
        digest: Digest,
        descriptor: OnceCell<Descriptor>,
        image: Option<(RemoteImage, usize)>,
    ) -> Self {
        Self(Arc::new(Inner {
            client,
            repository,
            digest,
            descriptor,
            image,
            diff_id: OnceCell::new(),
        }))
    }

    /// The repository that the layer is in.
    #[must_use]
    pub fn repository(&self) -> &Repository {
        &self.0.repository
    }

    async fn describe(&self) -> Result<Descriptor, Error> {
        let Inner {
            client,
            repository,
            digest,
            ..
        } = &*self.0;
        let reference = Reference::Digest(repository.digest(digest.clone()));
        let size = client
            .head_blob(wire::pull(repository), &reference)
            .await?
            .ok_or_else(|| {
                let violation = Violation::MissingHeader {
                    name: header::CONTENT_LENGTH,
                };
                Error::answer(Operation::HeadBlob, &reference, violation)
            })?;
        Ok(Descriptor::new(DOCKER_LAYER_GZIP.into(), size, digest.clone()))
    }

    /// The diff_id as the image's config has it, where the layer is one of an image.
    async fn diff_id_in_config(&self) -> Result<Option<Digest>, wharf_v1::Error> {
        let Some((image, at)) = &self.0.image else {
            return Ok(None);
        };
        let manifest = image.load().await?;
        if !manifest.view()?.config().media_type().is_config() {
            return Ok(None);
        }
        let diff_ids = diff_ids(manifest, image.load_config().await?)?;
        Ok(diff_ids.and_then(|mut diff_ids| (*at < diff_ids.len()).then(|| diff_ids.swap_remove(*at))))
    }

    /// The diff_id as the bytes have it.
    async fn compute_diff_id(&self) -> Result<Digest, wharf_v1::Error> {
        let mut stream = self.uncompressed().await?;
        let mut hasher = Hasher::sha256();
        while let Some(chunk) = stream.next().await {
            hasher.update(&chunk?);
        }
        Ok(hasher.finish())
    }
}

impl Layer for RemoteLayer {
    fn media_type(&self) -> MediaType {
        match self.0.descriptor.get() {
            Some(descriptor) => descriptor.media_type().clone(),
            None => DOCKER_LAYER_GZIP.into(),
        }
    }

    fn descriptor(&self) -> BoxFuture<'_, Result<Descriptor, wharf_v1::Error>> {
        Box::pin(async {
            let descriptor = self.0.descriptor.get_or_try_init(|| self.describe()).await?;
            Ok(descriptor.clone())
        })
    }

    fn diff_id(&self) -> BoxFuture<'_, Result<Digest, wharf_v1::Error>> {
        let find = || async {
            match self.diff_id_in_config().await? {
                Some(diff_id) => Ok(diff_id),
                None => self.compute_diff_id().await,
            }
        };
        Box::pin(async move { Ok(self.0.diff_id.get_or_try_init(find).await?.clone()) })
    }

    fn compressed(&self) -> BoxFuture<'_, Result<ByteStream, wharf_v1::Error>> {
        Box::pin(async {
            let Inner {
                client,
                repository,
                digest,
                descriptor,
                ..
            } = &*self.0;
            Ok(match descriptor.get() {
                Some(descriptor) => match inline::data(descriptor) {
                    Some(data) => ByteStream::from_bytes(data),
                    None => client.open_blob(repository, descriptor).await?,
                },
                None => client.open_bare_blob(repository, digest).await?,
            })
        })
    }

    fn uncompressed(&self) -> BoxFuture<'_, Result<ByteStream, wharf_v1::Error>> {
        Box::pin(async { Ok(self.compressed().await?.decompressed()) })
    }

    /// Costs 1 request (`HEAD`), unless the descriptor brings the content along.
    fn exists(&self) -> BoxFuture<'_, Result<bool, wharf_v1::Error>> {
        Box::pin(async {
            let Inner {
                client,
                repository,
                digest,
                descriptor,
                ..
            } = &*self.0;
            if descriptor.get().and_then(inline::data).is_some() {
                return Ok(true);
            }
            let reference = Reference::Digest(repository.digest(digest.clone()));
            match client.head_blob(wire::pull(repository), &reference).await {
                Ok(_) => Ok(true),
                Err(error) if error.is_not_found() => Ok(false),
                Err(error) => Err(error.into()),
            }
        })
    }

    fn mount_source(&self) -> Option<MountSource> {
        Some(mount_source(&self.0.repository))
    }
}

impl fmt::Debug for RemoteLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteLayer")
            .field("repository", &self.0.repository)
            .field("digest", &self.0.digest)
            .finish_non_exhaustive()
    }
}
