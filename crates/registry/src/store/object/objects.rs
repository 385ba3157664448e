//! Objects, one at a time, with the store's errors.

use std::error::Error as StdError;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{
    GetOptions, GetRange, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions,
    PutPayload,
};
use wharf_v1::ByteStream;

use crate::store::Error;

/// More bytes than an object may have that is read into memory.
const SMALL_LIMIT: u64 = 64 << 20;

/// The objects of a bucket.
#[derive(Clone, Debug)]
pub(super) struct Objects(Arc<dyn ObjectStore>);

impl Objects {
    pub(super) fn new(bucket: Arc<dyn ObjectStore>) -> Self {
        Self(bucket)
    }

    /// The bytes of a small object; `None` if there is none.
    pub(super) async fn read(&self, key: &Path) -> Result<Option<Bytes>, Error> {
        let found = match self.0.get(key).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        if found.meta.size > SMALL_LIMIT {
            return Err(Error::Other(
                format!("object {key} is larger than it can be").into(),
            ));
        }
        Ok(Some(found.bytes().await.map_err(failed)?))
    }

    pub(super) async fn write(&self, key: &Path, bytes: Bytes) -> Result<(), Error> {
        let put = self.0.put(key, PutPayload::from_bytes(bytes)).await;
        put.map(drop).map_err(failed)
    }

    /// Writes an object that is not there yet. Whether it was not.
    pub(super) async fn create(&self, key: &Path, pieces: Vec<Bytes>) -> Result<bool, Error> {
        let payload: PutPayload = pieces.into_iter().collect();
        let options = PutOptions::from(PutMode::Create);
        match self.0.put_opts(key, payload.clone(), options).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            // Stores without conditional requests.
            Err(object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. }) => {
                let put = self.0.put(key, payload).await;
                put.map(|_| true).map_err(failed)
            }
            Err(error) => Err(failed(error)),
        }
    }

    pub(super) async fn exists(&self, key: &Path) -> Result<bool, Error> {
        match self.0.head(key).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    /// Deletes an object, if it is there.
    pub(super) async fn delete(&self, key: &Path) -> Result<(), Error> {
        match self.0.delete(key).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    /// Copies an object. Whether it was there.
    pub(super) async fn copy_if_there(&self, from: &Path, to: &Path) -> Result<bool, Error> {
        match self.0.copy(from, to).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    pub(super) async fn copy(&self, from: &Path, to: &Path) -> Result<(), Error> {
        self.0.copy(from, to).await.map_err(failed)
    }

    /// A part of an object's bytes.
    pub(super) async fn open(&self, key: &Path, range: Range<u64>) -> Result<ByteStream, Error> {
        if range.is_empty() {
            return Ok(ByteStream::from_bytes(Bytes::new()));
        }
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            ..GetOptions::default()
        };
        let found = self.0.get_opts(key, options).await.map_err(failed)?;
        Ok(ByteStream::new(
            found.into_stream().map_err(wharf_v1::Error::source),
        ))
    }

    /// Begins an object of many parts, which appears when it is complete.
    pub(super) async fn begin(&self, key: &Path) -> Result<Box<dyn MultipartUpload>, Error> {
        self.0.put_multipart(key).await.map_err(failed)
    }

    /// The objects below a key, in any order.
    pub(super) async fn list(&self, prefix: &Path) -> Result<Vec<ObjectMeta>, Error> {
        self.0.list(Some(prefix)).try_collect().await.map_err(failed)
    }

    /// Calls `see` for each key below a prefix.
    pub(super) async fn for_each(
        &self,
        prefix: &Path,
        mut see: impl FnMut(&Path) + Send,
    ) -> Result<(), Error> {
        self.for_each_object(prefix, |object| see(&object.location)).await
    }

    /// Calls `see` for each object below a prefix.
    pub(super) async fn for_each_object(
        &self,
        prefix: &Path,
        mut see: impl FnMut(&ObjectMeta) + Send,
    ) -> Result<(), Error> {
        let mut objects = self.0.list(Some(prefix));
        while let Some(object) = objects.next().await {
            see(&object.map_err(failed)?);
        }
        Ok(())
    }
}

/// What a bucket says, in the words of stores.
pub(super) fn failed(error: object_store::Error) -> Error {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>()
            && matches!(
                io.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            )
        {
            return Error::Full(io::Error::new(io.kind(), io.to_string()));
        }
        cause = error.source();
    }
    Error::Other(error.into())
}
