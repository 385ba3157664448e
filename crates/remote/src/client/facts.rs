//! What a client learns about registries while it works, and the limits it keeps towards each.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oci_spec::image::Digest;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use wharf_name::{Registry, Repository};

use super::UploadModes;

/// Beyond so many digests known to be in one repository the client forgets them and asks again.
const KNOWN_LIMIT: usize = 1 << 16;

/// Permits that a large blob takes, of which there are so many for each of the jobs that are allowed.
const LARGE: u32 = 8;

/// Whether sending a blob takes longer than waiting for the answer, as far as can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlobSize {
    /// At most 128 KiB.
    Small,
    /// More, or nobody knows.
    Large,
}

impl BlobSize {
    pub(crate) fn of(bytes: u64) -> Self {
        if bytes <= 128 * 1024 {
            Self::Small
        } else {
            Self::Large
        }
    }
}

/// Everything learned, by registry.
pub(crate) struct Facts {
    jobs: usize,
    chunk_size: Option<NonZeroU64>,
    hosts: Mutex<HashMap<Registry, Arc<HostFacts>>>,
}

/// What is known about one registry.
pub(crate) struct HostFacts {
    /// Permits for blobs on their way to the registry.
    uploads: Semaphore,
    /// One permit for each question whether something is there.
    questions: Semaphore,
    pub(crate) upload_modes: UploadModes,
    referrers_api: AtomicU8,
    self_mounts: AtomicU8,
    repositories: Mutex<HashMap<Repository, Arc<RepositoryFacts>>>,
}

/// What is known about one repository as a destination.
#[derive(Default)]
pub(crate) struct RepositoryFacts {
    present: Mutex<HashMap<Digest, Arc<OnceCell<()>>>>,
    refused: Mutex<HashSet<String>>,
    /// Held while a tag is changed that lists referrers: one change must not undo another.
    referrers_tag: tokio::sync::Mutex<()>,
}

/// Whether a registry says of a blob that it is in a repository already when it is asked to mount it from that very
/// repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SelfMounts {
    /// Not known yet: that an upload was begun instead may mean that the blob is not there, or that the registry mounts
    /// nothing.
    Unknown,
    /// It does: it has mounted a blob before.
    Tell,
    /// It does not: it began an upload for a blob that was there, or refuses the question.
    Silent,
}

/// Whether a registry lists referrers itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReferrersApi {
    /// Not known yet.
    Unknown,
    /// It does.
    Present,
    /// It does not: clients keep a tag.
    Missing,
}

impl Facts {
    pub(crate) fn new(jobs: usize, chunk_size: Option<NonZeroU64>) -> Self {
        Self {
            jobs,
            chunk_size,
            hosts: Mutex::default(),
        }
    }

    pub(crate) fn host(&self, registry: &Registry) -> Arc<HostFacts> {
        let mut hosts = lock(&self.hosts);
        let found = hosts
            .entry(registry.clone())
            .or_insert_with(|| Arc::new(HostFacts::new(self.jobs, self.chunk_size)));
        Arc::clone(found)
    }

    pub(crate) fn repository(&self, repository: &Repository) -> Arc<RepositoryFacts> {
        let host = self.host(repository.registry());
        let mut repositories = lock(&host.repositories);
        Arc::clone(repositories.entry(repository.clone()).or_default())
    }
}

impl HostFacts {
    fn new(jobs: usize, chunk_size: Option<NonZeroU64>) -> Self {
        Self {
            uploads: Semaphore::new(jobs.saturating_mul(LARGE as usize).min(Semaphore::MAX_PERMITS)),
            questions: Semaphore::new(jobs.saturating_mul(8).min(Semaphore::MAX_PERMITS)),
            upload_modes: UploadModes::new(chunk_size),
            referrers_api: AtomicU8::new(0),
            self_mounts: AtomicU8::new(0),
            repositories: Mutex::default(),
        }
    }

    /// Waits until one more blob may be sent, for as long as the permit is kept.
    pub(crate) async fn upload(&self, size: BlobSize) -> SemaphorePermit<'_> {
        let permits = match size {
            BlobSize::Small => 1,
            BlobSize::Large => LARGE,
        };
        self.uploads
            .acquire_many(permits)
            .await
            .expect("it is never closed")
    }

    /// Waits until one more question may be asked, for as long as the permit is kept.
    pub(crate) async fn question(&self) -> SemaphorePermit<'_> {
        self.questions.acquire().await.expect("it is never closed")
    }

    pub(crate) fn self_mounts(&self) -> SelfMounts {
        match self.self_mounts.load(Ordering::Relaxed) {
            0 => SelfMounts::Unknown,
            1 => SelfMounts::Tell,
            _ => SelfMounts::Silent,
        }
    }

    /// Remembers what a registry does. What was seen once is not overruled by what may have had other reasons.
    pub(crate) fn learn_self_mounts(&self, learned: SelfMounts) {
        let value = match learned {
            SelfMounts::Unknown => 0,
            SelfMounts::Tell => 1,
            SelfMounts::Silent => 2,
        };
        let _ = self
            .self_mounts
            .compare_exchange(0, value, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Remembers that a registry said that it has what is not there. Whether it will be asked otherwise now.
    pub(crate) fn distrust(&self) -> bool {
        let mounts = self.self_mounts.swap(2, Ordering::Relaxed) != 2;
        let posts = self.upload_modes.refuse_whole_posts();
        mounts || posts
    }

    pub(crate) fn referrers_api(&self) -> ReferrersApi {
        match self.referrers_api.load(Ordering::Relaxed) {
            0 => ReferrersApi::Unknown,
            1 => ReferrersApi::Present,
            _ => ReferrersApi::Missing,
        }
    }

    pub(crate) fn learn_referrers_api(&self, api: ReferrersApi) {
        let value = match api {
            ReferrersApi::Unknown => 0,
            ReferrersApi::Present => 1,
            ReferrersApi::Missing => 2,
        };
        self.referrers_api.store(value, Ordering::Relaxed);
    }
}

impl RepositoryFacts {
    /// The cell of one digest: filled once the blob, or the manifest with all that it refers to, is known to be in
    /// the repository. Whoever fills it does the work for all who wait.
    pub(crate) fn present(&self, digest: &Digest) -> Arc<OnceCell<()>> {
        let mut present = lock(&self.present);
        if present.len() >= KNOWN_LIMIT && !present.contains_key(digest) {
            // Those at work keep their cells; only the sharing of that work is lost.
            present.clear();
        }
        Arc::clone(present.entry(digest.clone()).or_default())
    }

    /// Whether anything is known to be in the repository.
    pub(crate) fn knows_something(&self) -> bool {
        lock(&self.present).values().any(|cell| cell.initialized())
    }

    /// Forgets what is in the repository: something was deleted, or was not there when it should have been.
    pub(crate) fn forget(&self) {
        lock(&self.present).clear();
    }

    /// Waits until nobody else of this client changes a tag that lists referrers.
    pub(crate) async fn change_referrers_tag(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.referrers_tag.lock().await
    }

    /// Whether the registry has refused to mount blobs of the repository `from` here.
    pub(crate) fn is_mount_refused(&self, from: &str) -> bool {
        lock(&self.refused).contains(from)
    }

    /// Remembers that it has. Whether that is news.
    pub(crate) fn refuse_mounts(&self, from: &str) -> bool {
        lock(&self.refused).insert(from.to_owned())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code that can panic runs under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
