//! Who may write to an upload: one at a time at this server, the latest first.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedMutexGuard, watch};
use wharf_v1::Hasher;

use crate::name::RepositoryName;
use crate::store::UploadId;

/// More uploads than these, and repositories, are not remembered: what was hashed of them is then hashed again.
const MOST: usize = 10_000;

/// What this server remembers: nothing that another could not find out.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// The uploads that were written to here.
    uploads: Mutex<HashMap<UploadId, Arc<Upload>>>,
    /// Repositories that something was stored in here.
    known: Mutex<HashSet<RepositoryName>>,
}

#[derive(Debug)]
struct Upload {
    hashed: Arc<tokio::sync::Mutex<Hashed>>,
    /// Counts who wants to write. Whoever sees a later number gives way.
    turn: watch::Sender<u64>,
}

/// The hash of the first bytes of an upload.
#[derive(Clone, Debug, Default)]
pub(super) struct Hashed {
    pub(super) hasher: Option<Hasher>,
    pub(super) size: u64,
}

impl Turns {
    /// Ends whoever writes to an upload here. The future that comes with the turn is ready when it should be given up.
    pub(super) async fn take(
        &self,
        id: &UploadId,
    ) -> (OwnedMutexGuard<Hashed>, impl Future<Output = ()> + Send + use<>) {
        let upload = self.upload(id);
        let mut mine = 0;
        upload.turn.send_modify(|turn| {
            *turn += 1;
            mine = *turn;
        });
        let hashed = Arc::clone(&upload.hashed).lock_owned().await;
        let mut turns = upload.turn.subscribe();
        let superseded = async move {
            if turns.wait_for(|turn| *turn > mine).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        (hashed, superseded)
    }

    fn upload(&self, id: &UploadId) -> Arc<Upload> {
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        if uploads.len() >= MOST && !uploads.contains_key(id) {
            // Those at work keep theirs.
            uploads.retain(|_, upload| Arc::strong_count(upload) > 1);
        }
        let new = || {
            Arc::new(Upload {
                hashed: Arc::default(),
                turn: watch::Sender::new(0),
            })
        };
        Arc::clone(uploads.entry(id.clone()).or_insert_with(new))
    }

    /// The upload has ended.
    pub(super) fn forget(&self, id: &UploadId) {
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        uploads.remove(id);
    }

    pub(super) fn knows(&self, repository: &RepositoryName) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(repository)
    }

    pub(super) fn know(&self, repository: &RepositoryName) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(repository.clone());
    }
}
