//! Where a registry keeps its content: the [`Store`] trait and the two stores that come with it.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod directory;
mod error;
mod garbage;
mod intake;
mod memory;
#[cfg(feature = "object-store")]
mod object;
mod types;
mod upload_id;

use std::fmt::Debug;
use std::ops::Range;

use futures_core::future::BoxFuture;
use oci_spec::image::{Digest, DigestAlgorithm};
use wharf_v1::ByteStream;

use crate::name::{RepositoryName, TagName};

pub use directory::{DirectoryOptions, DirectoryStore, GarbageOptions};
pub use error::Error;
pub use garbage::Garbage;
pub use memory::{MemoryOptions, MemoryStore};
#[cfg(feature = "object-store")]
pub use object::{BucketGarbageOptions, BucketStore};
pub use types::{Chunk, Listing, ManifestInfo, NewManifest, Page, Referrer, StoredManifest};
pub use upload_id::{InvalidUploadId, UploadId};

/// The content of a registry: blobs, uploads on their way to become blobs, manifests and tags.
///
/// # Contract
/// - Content is addressed by digest and shared, but a repository shows only what was uploaded, mounted
///   or put into it; taking it out of one repository leaves it in the others.
/// - What an operation has reported as stored is there for every later operation, and after a restart
///   if the store outlives the process. What fails half-way leaves nothing that can be read.
/// - Blobs and manifests are verified when they come in. Asking for them does not hash them again.
/// - Memory use does not depend on the size of blobs, but for a store that keeps them in memory.
/// - Every method may be called at any time, also for the same content at the same time. Dropping a
///   future stops the operation at a point where the above still holds.
///
/// `conformance` (feature `conformance`) has a test for each of these.
///
/// ```
/// use wharf_registry::store::{Chunk, Error, MemoryStore, Store as _};
/// use wharf_v1::ByteStream;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new();
/// let repository = "library/demo".parse()?;
/// let digest = wharf_v1::sha256("hello, world");
///
/// let id = store.begin_upload(&repository, digest.algorithm()).await?;
/// store.append_upload(&repository, &id, Chunk::new(ByteStream::from_bytes("hello, "))).await?;
/// let rest = Chunk::new(ByteStream::from_bytes("world")).with_offset(7).with_length(5);
/// store.append_upload(&repository, &id, rest).await?;
/// store.finish_upload(&repository, &id, &digest).await?;
///
/// assert_eq!(store.blob(&repository, &digest).await?, 12);
/// let elsewhere = store.blob(&"library/other".parse()?, &digest).await;
/// assert!(matches!(elsewhere, Err(Error::BlobUnknown { .. })));
/// # Ok(())
/// # }
/// ```
pub trait Store: Debug + Send + Sync + 'static {
    /// The size of a blob in bytes.
    ///
    /// # Errors
    /// [`Error::BlobUnknown`] when the repository does not have it.
    fn blob<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<u64, Error>>;

    /// Opens a part of a blob. The range ends at the blob's end or before.
    ///
    /// # Errors
    /// [`Error::BlobUnknown`] when the repository does not have it.
    fn read_blob<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
        range: Range<u64>,
    ) -> BoxFuture<'a, Result<ByteStream, Error>>;

    /// Makes a blob of `from` a blob of `to` as well.
    ///
    /// # Errors
    /// [`Error::BlobUnknown`] when `from` does not have it.
    fn mount_blob<'a>(
        &'a self,
        from: &'a RepositoryName,
        to: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Takes a blob out of one repository.
    ///
    /// # Errors
    /// [`Error::BlobUnknown`] when the repository does not have it.
    fn delete_blob<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// The repositories that have a blob, in order.
    fn blob_repositories<'a>(
        &'a self,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<Vec<RepositoryName>, Error>>;

    /// Begins an upload. `algorithm` is a guess at that of the digest which will finish it; a good one
    /// spares reading the bytes again.
    ///
    /// # Errors
    /// [`Error::TooManyUploads`] when no more uploads can be held open.
    fn begin_upload<'a>(
        &'a self,
        repository: &'a RepositoryName,
        algorithm: &'a DigestAlgorithm,
    ) -> BoxFuture<'a, Result<UploadId, Error>>;

    /// How many bytes an upload has.
    ///
    /// # Errors
    /// [`Error::UploadUnknown`] when the repository has no such upload, or no longer.
    fn upload_size<'a>(
        &'a self,
        repository: &'a RepositoryName,
        id: &'a UploadId,
    ) -> BoxFuture<'a, Result<u64, Error>>;

    /// Appends a chunk to an upload and returns its new size. An append that is still running, of a
    /// client that went away perhaps, is ended first.
    ///
    /// Bytes before a failure of the stream itself are kept, so that the client can go on from there.
    /// A chunk of the wrong length is not.
    ///
    /// # Errors
    /// [`Error::UploadUnknown`]; [`Error::UploadOffset`] when the chunk does not begin where the upload
    /// ends; [`Error::UploadLength`] when it has not the length it should; [`Error::Client`] when the
    /// stream fails; [`Error::UploadBusy`] when another process is writing, or a later append took over.
    fn append_upload<'a>(
        &'a self,
        repository: &'a RepositoryName,
        id: &'a UploadId,
        chunk: Chunk,
    ) -> BoxFuture<'a, Result<u64, Error>>;

    /// Ends an upload: its bytes become the repository's blob `digest`.
    ///
    /// # Errors
    /// [`Error::DigestMismatch`] when the bytes do not have that digest; the upload is gone then.
    /// [`Error::UploadUnknown`], [`Error::UploadBusy`] as for appending.
    fn finish_upload<'a>(
        &'a self,
        repository: &'a RepositoryName,
        id: &'a UploadId,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Throws an upload away.
    ///
    /// # Errors
    /// [`Error::UploadUnknown`].
    fn cancel_upload<'a>(
        &'a self,
        repository: &'a RepositoryName,
        id: &'a UploadId,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// The media type and size in bytes of a manifest.
    ///
    /// # Errors
    /// [`Error::ManifestUnknown`] when the repository does not have it.
    fn manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<ManifestInfo, Error>>;

    /// Reads a manifest.
    ///
    /// # Errors
    /// [`Error::ManifestUnknown`] when the repository does not have it.
    fn read_manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<StoredManifest, Error>>;

    /// Stores a manifest whose digest was verified, and points tags at it.
    fn put_manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        manifest: NewManifest,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Takes a manifest out of a repository, with all tags that point at it.
    ///
    /// # Errors
    /// [`Error::ManifestUnknown`] when the repository does not have it.
    fn delete_manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// The digest that a tag points at.
    ///
    /// # Errors
    /// [`Error::ManifestUnknown`] when the repository has no such tag.
    fn tag<'a>(
        &'a self,
        repository: &'a RepositoryName,
        tag: &'a TagName,
    ) -> BoxFuture<'a, Result<Digest, Error>>;

    /// Removes a tag, and not what it points at.
    ///
    /// # Errors
    /// [`Error::ManifestUnknown`] when the repository has no such tag.
    fn delete_tag<'a>(
        &'a self,
        repository: &'a RepositoryName,
        tag: &'a TagName,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// A page of the tags of a repository, in byte order.
    ///
    /// # Errors
    /// [`Error::RepositoryUnknown`] when nothing was ever stored in it.
    fn tags<'a>(
        &'a self,
        repository: &'a RepositoryName,
        page: &'a Page,
    ) -> BoxFuture<'a, Result<Listing<TagName>, Error>>;

    /// A page of the repositories that have a manifest, in byte order.
    fn repositories<'a>(&'a self, page: &'a Page) -> BoxFuture<'a, Result<Listing<RepositoryName>, Error>>;

    /// The manifests in a repository whose subject is `subject`, ordered by digest. None if there is no
    /// such repository.
    fn referrers<'a>(
        &'a self,
        repository: &'a RepositoryName,
        subject: &'a Digest,
    ) -> BoxFuture<'a, Result<Vec<Referrer>, Error>>;
}

const _: fn(&dyn Store) = |_| {};
