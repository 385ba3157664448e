//! What all checks of one run share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use oci_spec::image::{Descriptor, Digest, DigestAlgorithm};
use tokio::sync::{OnceCell, Semaphore};

use super::ValidateOptions;
use super::reading::Reading;
use crate::media_type::MediaTypeExt as _;

pub(super) struct Context {
    pub(super) options: ValidateOptions,
    /// One for each layer that may be read at a time.
    pub(super) readers: Semaphore,
    children: AtomicUsize,
    readings: Mutex<HashMap<Content, Shared>>,
}

/// A reading of content, which whoever comes first makes while the others wait.
pub(super) type Shared = Arc<OnceCell<Reading>>;

/// What a reading depends on.
#[derive(PartialEq, Eq, Hash)]
struct Content {
    digest: Digest,
    size: u64,
    /// Whether it is looked into as an archive.
    is_layer: bool,
    /// What its uncompressed bytes are hashed with.
    diff_id_algorithm: DigestAlgorithm,
}

impl Context {
    pub(super) fn new(options: &ValidateOptions) -> Self {
        Self {
            options: options.clone(),
            readers: Semaphore::new(options.concurrency.clamp(1, Semaphore::MAX_PERMITS)),
            children: AtomicUsize::new(0),
            readings: Mutex::default(),
        }
    }

    /// How many of `wanted` further children may be looked at.
    pub(super) fn take_children(&self, wanted: usize) -> usize {
        let before = self.children.fetch_add(wanted, Ordering::Relaxed);
        wanted.min(self.options.max_children.saturating_sub(before))
    }

    /// The reading of this content, made or still to be made, whoever lists it.
    pub(super) fn reading(&self, content: &Descriptor, diff_id_algorithm: DigestAlgorithm) -> Shared {
        let content = Content {
            digest: content.digest().clone(),
            size: content.size(),
            is_layer: content.media_type().is_layer(),
            diff_id_algorithm,
        };
        let mut readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(readings.entry(content).or_default())
    }
}
