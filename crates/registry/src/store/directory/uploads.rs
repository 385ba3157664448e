//! Uploads on disk. The file of an upload is the upload: what is in memory only spares reading it
//! again, and can be lost.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use oci_spec::image::{Digest, DigestAlgorithm};
use wharf_v1::Hasher;

use crate::name::RepositoryName;
use crate::store::intake::{self, Intake};
use crate::store::{Error, UploadId};

use super::disk;
use super::layout::Layout;
use super::repository::Repository;

/// Uploads whose hash is kept. Beyond these, those that nobody writes to are forgotten.
const MOST_INTAKES: usize = 4096;

/// Bytes that are read at once when an upload has to be hashed again.
const REHASH: usize = 1 << 20;

/// The uploads that this process wrote to.
#[derive(Default)]
pub(super) struct Uploads(Mutex<HashMap<Key, Arc<Upload>>>);

/// An upload is of one repository: by its id alone it could be had through another.
type Key = (RepositoryName, UploadId);

pub(super) type Upload = Intake<Writer>;

impl Uploads {
    /// The upload, whose file need not be there.
    pub(super) fn get(
        &self,
        layout: &Arc<Layout>,
        repository: &RepositoryName,
        id: &UploadId,
        algorithm: &DigestAlgorithm,
    ) -> Arc<Upload> {
        let key = (repository.clone(), id.clone());
        let mut uploads = self.lock();
        if uploads.len() >= MOST_INTAKES && !uploads.contains_key(&key) {
            uploads.retain(|_, upload| Arc::strong_count(upload) > 1);
        }
        let writer = || Writer {
            layout: Arc::clone(layout),
            repository: repository.clone(),
            id: id.clone(),
            file: None,
            size: 0,
        };
        Arc::clone(
            uploads
                .entry(key)
                .or_insert_with(|| Arc::new(Intake::new(writer(), algorithm.clone()))),
        )
    }

    pub(super) fn forget(&self, repository: &RepositoryName, id: &UploadId) {
        self.lock().remove(&(repository.clone(), id.clone()));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Arc<Upload>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the bytes of an upload content and a blob of its repository.
pub(super) async fn finish(upload: &Upload, digest: &Digest) -> Result<(), Error> {
    let (turn, _) = upload.take_turn().await?;
    let want = digest.clone();
    let work = turn.start(move |state| {
        let hashed = state.digest(want.algorithm())?;
        state.writer.finish(hashed, &want)
    });
    intake::join(work).await.map(drop)
}

/// Throws an upload away.
pub(super) async fn cancel(upload: &Upload) -> Result<(), Error> {
    let (turn, _) = upload.take_turn().await?;
    intake::join(turn.start(|state| state.writer.remove()))
        .await
        .map(drop)
}

/// Writes to the file of an upload, which is locked meanwhile, against other processes too.
pub(super) struct Writer {
    layout: Arc<Layout>,
    repository: RepositoryName,
    id: UploadId,
    file: Option<File>,
    size: u64,
}

impl Writer {
    fn path(&self) -> PathBuf {
        self.layout.repository(&self.repository).upload(&self.id)
    }

    fn file(&self) -> io::Result<&File> {
        self.file
            .as_ref()
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn remove(&mut self) -> Result<(), Error> {
        Ok(disk::remove(&self.path()).map(drop)?)
    }

    fn finish(&mut self, hashed: Option<Digest>, want: &Digest) -> Result<(), Error> {
        let got = match hashed {
            Some(digest) => digest,
            None => hash(self.file()?, want.algorithm())?,
        };
        if got != *want {
            self.remove()?;
            return Err(Error::DigestMismatch {
                got,
                want: want.clone(),
            });
        }
        self.file()?.sync_all()?;
        // Over content that may be there already: this one has just been verified.
        disk::rename(&self.path(), &self.layout.content(want)?)?;
        Repository::new(&self.layout, &self.repository).link_blob(want)
    }
}

impl intake::Writer for Writer {
    fn open(&mut self) -> Result<u64, Error> {
        let unknown = || Error::upload_unknown(&self.repository, &self.id);
        let path = self.path();
        let opened = OpenOptions::new().read(true).append(true).open(&path);
        let file = disk::present(opened)?.ok_or_else(unknown)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::UploadBusy),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        // Whoever had the lock before may have made a blob of the file, which must not be written to.
        let there = disk::present(fs::metadata(&path))?;
        if !there.is_some_and(|there| file.metadata().is_ok_and(|ours| is_same_file(&there, &ours))) {
            return Err(unknown());
        }
        self.size = file.metadata()?.len();
        self.file = Some(file);
        Ok(self.size)
    }

    fn write(&mut self, batch: &[Bytes]) -> Result<(), Error> {
        let mut file = self.file()?;
        if let Err(error) = batch.iter().try_for_each(|piece| file.write_all(piece)) {
            // A disk that is full has often taken a part.
            file.set_len(self.size)?;
            return Err(error.into());
        }
        self.size += batch.iter().map(|piece| piece.len() as u64).sum::<u64>();
        Ok(())
    }

    fn truncate(&mut self, size: u64) -> Result<(), Error> {
        self.file()?.set_len(size)?;
        self.size = size;
        Ok(())
    }

    fn close(&mut self) {
        self.file = None;
    }
}

fn hash(mut file: &File, algorithm: &DigestAlgorithm) -> Result<Digest, Error> {
    let mut hasher = Hasher::new(algorithm)?;
    let mut buffer = vec![0; REHASH];
    file.rewind()?;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(read) => hasher.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(unix)]
fn is_same_file(a: &fs::Metadata, b: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// Elsewhere a file that is open cannot be moved away.
#[cfg(not(unix))]
fn is_same_file(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    true
}
