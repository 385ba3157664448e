//! Uploads: parts that follow each other, until they become a blob.

use bytes::Bytes;
use futures_util::StreamExt as _;
use object_store::path::Path;
use oci_spec::image::{Digest, DigestAlgorithm};
use wharf_v1::{ByteStream, Hasher};

use crate::name::RepositoryName;
use crate::store::object::BucketStore;
use crate::store::object::objects::failed;
use crate::store::object::turns::Hashed;
use crate::store::{Chunk, Error, UploadId};

/// Bytes in a part: what is in memory of an upload, and more than the least that multipart uploads take.
const PART: usize = 8 << 20;

/// The parts of an upload that follow each other without a gap.
pub(super) struct Parts(Vec<Part>);

struct Part {
    key: Path,
    offset: u64,
    length: u64,
}

impl Parts {
    pub(super) fn size(&self) -> u64 {
        self.0.last().map_or(0, |part| part.offset + part.length)
    }
}

/// How a chunk ended.
enum End {
    Complete,
    TooLong,
    Superseded,
    Broken(wharf_v1::Error),
}

impl BucketStore {
    pub(super) async fn begin(
        &self,
        repository: &RepositoryName,
        algorithm: &DigestAlgorithm,
    ) -> Result<UploadId, Error> {
        // One that nothing can be hashed with is refused before anything is there.
        Hasher::new(algorithm)?;
        let id = UploadId::random();
        let key = self.keys.begun(repository, &id);
        self.objects.write(&key, algorithm.to_string().into()).await?;
        Ok(id)
    }

    /// What there is of an upload.
    pub(super) async fn parts(&self, repository: &RepositoryName, id: &UploadId) -> Result<Parts, Error> {
        let mut is_there = false;
        let mut found = Vec::new();
        for object in self.objects.list(&self.keys.upload(repository, id)).await? {
            let name = object.location.filename().unwrap_or_default();
            is_there |= name == "begun";
            if let Some((offset, length)) = name.split_once('-')
                && let (Ok(offset), Ok(length)) = (offset.parse(), length.parse())
            {
                found.push(Part {
                    key: object.location,
                    offset,
                    length,
                });
            }
        }
        if !is_there {
            return Err(Error::upload_unknown(repository, id));
        }
        found.sort_by_key(|part| part.offset);
        let mut size = 0;
        // What two servers wrote at the same time may overlap: only what follows counts.
        found.retain(|part| {
            let follows = part.offset == size;
            if follows {
                size += part.length;
            }
            follows
        });
        Ok(Parts(found))
    }

    pub(super) async fn append(
        &self,
        repository: &RepositoryName,
        id: &UploadId,
        chunk: Chunk,
    ) -> Result<u64, Error> {
        // Nobody gives way to whoever asks for what is not there.
        self.parts(repository, id).await?;
        let (mut hashed, superseded) = self.turns.take(id).await;
        let start = self.parts(repository, id).await?.size();
        if let Some(got) = chunk.offset.filter(|offset| *offset != start) {
            return Err(Error::UploadOffset { got, want: start });
        }
        let before = hashed.clone();
        if start == 0 {
            let algorithm = chunk.algorithm.unwrap_or(DigestAlgorithm::Sha256);
            hashed.hasher = Some(Hasher::new(&algorithm)?);
            hashed.size = 0;
        } else if hashed.size != start {
            *hashed = Hashed::default();
        }
        let mut writing = Writing {
            store: self,
            repository,
            id,
            hashed: &mut hashed,
            at: start,
            written: Vec::new(),
        };
        let limit = chunk.length.unwrap_or(u64::MAX);
        let end = writing.take(chunk.bytes, limit, superseded).await?;
        let (size, written) = (writing.at, writing.written);
        let got = match end {
            End::Superseded => return Err(Error::UploadBusy),
            End::Broken(error) => return Err(Error::Client(error.into())),
            End::TooLong => limit.saturating_add(1),
            End::Complete if chunk.length.is_none_or(|want| want == size - start) => return Ok(size),
            End::Complete => size - start,
        };
        // The last first, so that there is never a gap.
        for key in written.iter().rev() {
            self.objects.delete(key).await?;
        }
        *hashed = before;
        Err(Error::UploadLength { got, want: limit })
    }

    pub(super) async fn finish(
        &self,
        repository: &RepositoryName,
        id: &UploadId,
        digest: &Digest,
    ) -> Result<(), Error> {
        self.parts(repository, id).await?;
        let (hashed, _) = self.turns.take(id).await;
        let parts = self.parts(repository, id).await?;
        let size = parts.size();
        let outcome = self.become_blob(&parts, &hashed, digest).await;
        if let Err(error @ Error::DigestMismatch { .. }) = outcome {
            self.remove_upload(repository, id).await?;
            return Err(error);
        }
        outcome?;
        self.link_blob(repository, digest, size).await?;
        // Until there was a link it may have been taken for garbage, which from now on it is not.
        if !self.objects.exists(&self.keys.blob(digest)).await? {
            self.become_blob(&parts, &hashed, digest).await?;
        }
        drop(hashed);
        self.remove_upload(repository, id).await
    }

    pub(super) async fn cancel(&self, repository: &RepositoryName, id: &UploadId) -> Result<(), Error> {
        self.parts(repository, id).await?;
        self.remove_upload(repository, id).await
    }

    async fn remove_upload(&self, repository: &RepositoryName, id: &UploadId) -> Result<(), Error> {
        self.turns.forget(id);
        // From when the beginning is gone there is no such upload.
        self.objects.delete(&self.keys.begun(repository, id)).await?;
        for object in self.objects.list(&self.keys.upload(repository, id)).await? {
            self.objects.delete(&object.location).await?;
        }
        Ok(())
    }

    /// Makes parts a blob, if they have that digest.
    async fn become_blob(&self, parts: &Parts, hashed: &Hashed, digest: &Digest) -> Result<(), Error> {
        let known = match &hashed.hasher {
            Some(hasher) if hashed.size == parts.size() => Some(hasher.clone().finish()),
            _ => None,
        };
        let known = known.filter(|known| known.algorithm() == digest.algorithm());
        if let Some(got) = known.as_ref().filter(|known| *known != digest) {
            return Err(Error::DigestMismatch {
                got: got.clone(),
                want: digest.clone(),
            });
        }
        let key = self.keys.blob(digest);
        if known.is_some() && self.objects.exists(&key).await? {
            return Ok(());
        }
        match (parts.0.as_slice(), known) {
            ([part], Some(_)) => self.objects.copy(&part.key, &key).await,
            _ => self.join(parts, &key, digest).await,
        }
    }

    /// Writes the bytes of all parts as one object, which appears when they were hashed.
    async fn join(&self, parts: &Parts, key: &Path, digest: &Digest) -> Result<(), Error> {
        let mut hasher = Hasher::new(digest.algorithm())?;
        let mut object = self.objects.begin(key).await?;
        for part in &parts.0 {
            let mut pieces = Vec::new();
            let mut bytes = self.objects.open(&part.key, 0..part.length).await?;
            while let Some(piece) = bytes.next().await {
                let piece = piece?;
                hasher.update(&piece);
                pieces.push(piece);
            }
            object
                .put_part(pieces.into_iter().collect())
                .await
                .map_err(failed)?;
        }
        let got = hasher.finish();
        if got != *digest {
            object.abort().await.map_err(failed)?;
            let want = digest.clone();
            return Err(Error::DigestMismatch { got, want });
        }
        if parts.0.is_empty() {
            // Of no parts no object can be made.
            object.abort().await.map_err(failed)?;
            return self.objects.write(key, Bytes::new()).await;
        }
        object.complete().await.map(drop).map_err(failed)
    }
}

/// A chunk on its way into parts.
struct Writing<'a> {
    store: &'a BucketStore,
    repository: &'a RepositoryName,
    id: &'a UploadId,
    hashed: &'a mut Hashed,
    at: u64,
    written: Vec<Path>,
}

impl Writing<'_> {
    /// Takes bytes up to `limit`. What came before the end is written, unless it was too much.
    async fn take(
        &mut self,
        mut bytes: ByteStream,
        limit: u64,
        superseded: impl Future<Output = ()> + Send,
    ) -> Result<End, Error> {
        let mut superseded = std::pin::pin!(superseded);
        let (mut pieces, mut collected, mut left) = (Vec::new(), 0, limit);
        loop {
            let next = tokio::select! {
                biased;
                () = &mut superseded => {
                    self.flush(pieces).await?;
                    return Ok(End::Superseded);
                }
                next = bytes.next() => next,
            };
            let piece = match next {
                Some(Ok(piece)) => piece,
                Some(Err(error)) => {
                    self.flush(pieces).await?;
                    return Ok(End::Broken(error));
                }
                None => {
                    self.flush(pieces).await?;
                    return Ok(End::Complete);
                }
            };
            let Some(rest) = left.checked_sub(piece.len() as u64) else {
                return Ok(End::TooLong);
            };
            left = rest;
            collected += piece.len();
            pieces.push(piece);
            if collected >= PART {
                self.flush(std::mem::take(&mut pieces)).await?;
                collected = 0;
            }
        }
    }

    async fn flush(&mut self, pieces: Vec<Bytes>) -> Result<(), Error> {
        let length: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
        if length == 0 {
            return Ok(());
        }
        if self.hashed.hasher.is_some() && self.hashed.size == self.at {
            // A part may be abandoned while it is written: what is hashed then counts for nothing.
            let mut hasher = self.hashed.hasher.take();
            for piece in &pieces {
                if let Some(hasher) = &mut hasher {
                    hasher.update(piece);
                }
            }
            self.put(pieces, length).await?;
            *self.hashed = Hashed {
                hasher,
                size: self.at,
            };
            return Ok(());
        }
        self.put(pieces, length).await
    }

    async fn put(&mut self, pieces: Vec<Bytes>, length: u64) -> Result<(), Error> {
        let key = self.store.keys.part(self.repository, self.id, self.at, length);
        if !self.store.objects.create(&key, pieces).await? {
            // Another server was faster.
            return Err(Error::UploadBusy);
        }
        self.written.push(key);
        self.at += length;
        Ok(())
    }
}
