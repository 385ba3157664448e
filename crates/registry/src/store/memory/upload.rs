//! Uploads in memory: a bounded number, each with its bytes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::{Bytes, BytesMut};
use oci_spec::image::{Digest, DigestAlgorithm};
use tokio::time::Instant;
use wharf_v1::Hasher;

use crate::name::RepositoryName;
use crate::store::intake::{self, Intake};
use crate::store::{Chunk, Error, UploadId};

use super::Shared;
use super::content::Content;

/// The uploads that are open.
#[derive(Default)]
pub(super) struct Uploads(Mutex<HashMap<UploadId, Arc<Upload>>>);

/// An upload.
pub(super) struct Upload {
    repository: RepositoryName,
    size: Arc<AtomicU64>,
    touched: Mutex<Instant>,
    intake: Intake<Writer>,
}

impl Uploads {
    pub(super) fn begin(
        &self,
        shared: &Arc<Shared>,
        repository: &RepositoryName,
        algorithm: &DigestAlgorithm,
    ) -> Result<UploadId, Error> {
        let mut uploads = self.lock();
        let options = &shared.options;
        if uploads.len() >= options.max_uploads {
            uploads.retain(|_, upload| !(upload.intake.is_idle() && upload.idle() >= options.upload_expiry));
        }
        if uploads.len() >= options.max_uploads {
            return Err(Error::TooManyUploads);
        }
        let id = UploadId::random();
        let size = Arc::new(AtomicU64::new(0));
        let writer = Writer {
            pieces: Vec::new(),
            size: Arc::clone(&size),
            shared: Arc::downgrade(shared),
        };
        let upload = Upload {
            repository: repository.clone(),
            size,
            touched: Mutex::new(Instant::now()),
            intake: Intake::new(writer, algorithm.clone()),
        };
        uploads.insert(id.clone(), Arc::new(upload));
        Ok(id)
    }

    pub(super) fn get(&self, repository: &RepositoryName, id: &UploadId) -> Result<Arc<Upload>, Error> {
        let upload = self
            .lock()
            .get(id)
            .filter(|upload| upload.repository == *repository)
            .cloned();
        let upload = upload.ok_or_else(|| Error::upload_unknown(repository, id))?;
        *upload.touched.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        Ok(upload)
    }

    pub(super) fn remove(&self, repository: &RepositoryName, id: &UploadId) -> Result<(), Error> {
        let mut uploads = self.lock();
        if uploads
            .get(id)
            .is_some_and(|upload| upload.repository == *repository)
        {
            uploads.remove(id);
            Ok(())
        } else {
            Err(Error::upload_unknown(repository, id))
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UploadId, Arc<Upload>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upload {
    pub(super) fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed)
    }

    fn idle(&self) -> std::time::Duration {
        self.touched
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .elapsed()
    }

    pub(super) async fn append(&self, chunk: Chunk) -> Result<u64, Error> {
        self.intake.append(chunk).await
    }

    /// Takes the bytes out, if they have the digest.
    pub(super) async fn finish(&self, want: &Digest) -> Result<Content, Error> {
        let (turn, _) = self.intake.take_turn().await?;
        let want = want.clone();
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let work = turn.start(move |state| {
            let got = match state.digest(want.algorithm())? {
                Some(digest) => digest,
                None => hash(&state.writer.pieces, want.algorithm())?,
            };
            if got != want {
                return Err(Error::DigestMismatch { got, want });
            }
            let _ = sender.send(state.writer.take());
            Ok(())
        });
        intake::join(work).await?;
        receiver.await.map_err(|error| Error::Other(error.into()))
    }
}

fn hash(pieces: &[Bytes], algorithm: &DigestAlgorithm) -> Result<Digest, Error> {
    let mut hasher = Hasher::new(algorithm)?;
    pieces.iter().for_each(|piece| hasher.update(piece));
    Ok(hasher.finish())
}

/// The bytes of an upload.
struct Writer {
    pieces: Vec<Bytes>,
    size: Arc<AtomicU64>,
    shared: Weak<Shared>,
}

impl Writer {
    fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed)
    }

    /// Takes the bytes out. The room they take stays reserved.
    fn take(&mut self) -> Content {
        let content = Content {
            size: self.size(),
            pieces: Arc::new(std::mem::take(&mut self.pieces)),
        };
        self.size.store(0, Ordering::Relaxed);
        content
    }

    fn account(&self, update: impl FnOnce(&mut super::Contents) -> Result<(), Error>) -> Result<(), Error> {
        match self.shared.upgrade() {
            Some(shared) => update(
                &mut shared
                    .state
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .contents,
            ),
            None => Ok(()),
        }
    }
}

impl intake::Writer for Writer {
    fn open(&mut self) -> Result<u64, Error> {
        Ok(self.size())
    }

    fn write(&mut self, batch: &[Bytes]) -> Result<(), Error> {
        // Copied, so that small pieces do not keep the large network buffers alive that they are cut from.
        let mut joined = BytesMut::with_capacity(batch.iter().map(Bytes::len).sum());
        batch.iter().for_each(|piece| joined.extend_from_slice(piece));
        if joined.is_empty() {
            return Ok(());
        }
        let length = joined.len() as u64;
        self.account(|contents| contents.reserve(length))?;
        self.pieces.push(joined.freeze());
        self.size.fetch_add(length, Ordering::Relaxed);
        Ok(())
    }

    fn truncate(&mut self, size: u64) -> Result<(), Error> {
        let mut excess = self.size().saturating_sub(size);
        self.account(|contents| {
            contents.release(excess);
            Ok(())
        })?;
        self.size.fetch_sub(excess, Ordering::Relaxed);
        while let Some(last) = self.pieces.last_mut().filter(|_| excess > 0) {
            let cut = excess.min(last.len() as u64);
            last.truncate(last.len() - usize::try_from(cut).expect("no more than the piece has"));
            excess -= cut;
            if last.is_empty() {
                self.pieces.pop();
            }
        }
        Ok(())
    }

    fn close(&mut self) {}
}

impl Drop for Writer {
    fn drop(&mut self) {
        let size = self.size();
        let _ = self.account(|contents| {
            contents.release(size);
            Ok(())
        });
    }
}
