//! How a registry takes the bytes of blobs, as far as that was learned.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How a registry takes the bytes of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UploadMode {
    /// `POST`, then one `PUT` with all bytes.
    Put,
    /// `POST`, then one `PATCH` with all bytes, then an empty `PUT`: some installations of Artifactory take nothing
    /// else.
    Patch,
    /// `POST`, then a `PATCH` for each so many bytes, then an empty `PUT`: some take no long requests, or the proxies
    /// in front of them.
    Chunks(NonZeroU64),
}

/// What is known of one registry.
#[derive(Debug)]
pub(crate) struct UploadModes {
    /// 0 is `Put`, 1 is `Patch`, more is `Chunks` of so many bytes.
    mode: AtomicU64,
    /// Whether it has not taken a blob with the `POST`.
    refuses_whole_posts: AtomicBool,
}

impl UploadModes {
    pub(super) fn new(chunk_size: Option<NonZeroU64>) -> Self {
        let modes = Self {
            mode: AtomicU64::new(0),
            refuses_whole_posts: AtomicBool::new(false),
        };
        if let Some(size) = chunk_size {
            modes.learn(UploadMode::Chunks(size));
        }
        modes
    }

    pub(crate) fn mode(&self) -> UploadMode {
        match self.mode.load(Ordering::Relaxed) {
            0 => UploadMode::Put,
            1 => UploadMode::Patch,
            more => NonZeroU64::new(more).map_or(UploadMode::Put, UploadMode::Chunks),
        }
    }

    /// Remembers the way in which a blob got there when others did not work.
    pub(crate) fn learn(&self, mode: UploadMode) {
        let value = match mode {
            UploadMode::Put => 0,
            UploadMode::Patch => 1,
            UploadMode::Chunks(size) => size.get().max(2),
        };
        self.mode.store(value, Ordering::Relaxed);
    }

    /// Whether a small blob may be sent with the `POST` alone: it is not known yet that the registry does not take it.
    pub(crate) fn may_post_whole(&self) -> bool {
        !self.refuses_whole_posts.load(Ordering::Relaxed)
    }

    /// Remembers that the registry takes no blob with the `POST`. Whether that is news.
    pub(crate) fn refuse_whole_posts(&self) -> bool {
        !self.refuses_whole_posts.swap(true, Ordering::Relaxed)
    }
}
