//! What a client tells while it works.

use std::fmt::Debug;
use std::time::Duration;

use oci_spec::image::{Descriptor, Digest};
use wharf_name::{Reference, Repository};

use crate::tally::Tally;

/// Whoever wants to know what a [`Client`](crate::Client) is doing: a progress bar, a log, a test.
///
/// # Contract
/// - [`event`](Self::event) is called from whatever task does the work, often from several at once, and
///   between the bytes of a transfer: it must return quickly and must not block. Count and return; draw elsewhere.
/// - It cannot fail and cannot stop the work.
///
/// Without an observer an event costs one branch.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use wharf_remote::{Event, Observer};
///
/// #[derive(Debug, Default)]
/// struct Uploaded(AtomicU64);
///
/// impl Observer for Uploaded {
///     fn event(&self, event: Event<'_>) {
///         match event {
///             Event::BlobSent { bytes, .. } => { self.0.fetch_add(bytes, Ordering::Relaxed); }
///             Event::BlobRewound { bytes, .. } => { self.0.fetch_sub(bytes, Ordering::Relaxed); }
///             _ => {}
///         }
///     }
/// }
/// ```
pub trait Observer: Debug + Send + Sync + 'static {
    /// Something happened.
    fn event(&self, event: Event<'_>);
}

/// One thing that happened. Sizes and counts are in bytes as stored.
///
/// Each blob that a push comes to is announced once by [`BlobPlanned`](Self::BlobPlanned), those of one image all
/// before the first of them is sent, and ends with exactly one of [`BlobExists`](Self::BlobExists),
/// [`BlobMounted`](Self::BlobMounted), [`BlobPushed`](Self::BlobPushed) and [`BlobSkipped`](Self::BlobSkipped), unless the
/// push fails. So the sizes that were planned add up to those that it ended with. For each blob the
/// [`BlobSent`](Self::BlobSent) bytes less the [`BlobRewound`](Self::BlobRewound) ones add up to its size when it is
/// pushed, and to nothing when it is not, whatever went wrong.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A blob will be seen to. Of one whose digest is known only after it was sent, this comes then.
    BlobPlanned {
        /// Where it goes.
        repository: &'a Repository,
        /// Which blob.
        descriptor: &'a Descriptor,
    },
    /// The repository has the blob: nothing is read or sent.
    BlobExists {
        /// Where it is.
        repository: &'a Repository,
        /// Which blob.
        descriptor: &'a Descriptor,
    },
    /// The registry took the blob from another of its repositories.
    BlobMounted {
        /// Where it is now.
        repository: &'a Repository,
        /// Which blob.
        descriptor: &'a Descriptor,
        /// Path of the repository that it came from.
        from: &'a str,
    },
    /// The registry would not take blobs from another of its repositories; they are uploaded instead.
    MountRefused {
        /// Where the blob was wanted.
        repository: &'a Repository,
        /// Path of the repository that it should have come from.
        from: &'a str,
    },
    /// The blob is not to be distributed, and the client is not told to do so all the same.
    BlobSkipped {
        /// Where it would have gone.
        repository: &'a Repository,
        /// Which blob.
        descriptor: &'a Descriptor,
    },
    /// An upload begins. `descriptor` is `None` for a blob whose digest is known only after it was sent.
    BlobStarted {
        /// Where it goes.
        repository: &'a Repository,
        /// Which blob.
        descriptor: Option<&'a Descriptor>,
    },
    /// Bytes of a blob were handed to the connection.
    BlobSent {
        /// Where they go.
        repository: &'a Repository,
        /// Which blob; `None` while its digest is not known.
        digest: Option<&'a Digest>,
        /// How many.
        bytes: u64,
    },
    /// An attempt to send a blob failed or had to start over; its bytes do not count.
    BlobRewound {
        /// Where they went.
        repository: &'a Repository,
        /// Which blob; `None` while its digest is not known.
        digest: Option<&'a Digest>,
        /// How many bytes of [`BlobSent`](Self::BlobSent) to take back.
        bytes: u64,
    },
    /// The registry has committed the blob.
    BlobPushed {
        /// Where it is now.
        repository: &'a Repository,
        /// Which blob.
        descriptor: &'a Descriptor,
    },
    /// Bytes of a blob came, for whoever reads it. They are not verified yet.
    BlobReceived {
        /// Where they come from.
        repository: &'a Repository,
        /// Which blob.
        digest: &'a Digest,
        /// How many.
        bytes: u64,
        /// How many the blob has in all, if that is known.
        size: Option<u64>,
    },
    /// All bytes of a blob have come, and are the right ones.
    BlobVerified {
        /// Where it comes from.
        repository: &'a Repository,
        /// Which blob.
        digest: &'a Digest,
    },
    /// A download broke off and goes on where it stopped.
    BlobResumed {
        /// Where it comes from.
        repository: &'a Repository,
        /// Which blob.
        digest: &'a Digest,
        /// How many bytes had come.
        offset: u64,
    },
    /// An upload failed, and nothing is done for a while before it goes on.
    Waiting {
        /// Where it goes.
        repository: &'a Repository,
        /// Which blob; `None` while its digest is not known.
        digest: Option<&'a Digest>,
        /// For how long.
        pause: Duration,
        /// Why it failed.
        error: &'a crate::Error,
    },
    /// An upload failed and goes on with what the registry does not have.
    UploadResumed {
        /// Where it goes.
        repository: &'a Repository,
        /// Which blob.
        descriptor: &'a Descriptor,
        /// How many bytes the registry has.
        offset: u64,
        /// Why it failed.
        error: &'a crate::Error,
    },
    /// An upload failed and is tried again from its start.
    Retrying {
        /// What is tried again.
        repository: &'a Repository,
        /// Why.
        error: &'a crate::Error,
    },
    /// The destination has the manifest already: nothing is sent.
    ManifestExists {
        /// Under which name.
        reference: &'a Reference,
        /// Which manifest.
        descriptor: &'a Descriptor,
    },
    /// A referrer was added to the tag that lists those of a manifest, since the registry does not do so itself.
    ReferrersTagUpdated {
        /// The tag.
        reference: &'a Reference,
        /// The referrer.
        descriptor: &'a Descriptor,
    },
    /// The registry has taken a manifest.
    ManifestPushed {
        /// Under which name.
        reference: &'a Reference,
        /// Which manifest.
        descriptor: &'a Descriptor,
    },
}

/// Who is told what a client does: its observer, if it has one, and the tally of the operation.
#[derive(Clone, Copy)]
pub(crate) struct Events<'a> {
    pub(crate) observer: Option<&'a dyn Observer>,
    pub(crate) tally: Option<&'a Tally>,
}

impl Events<'_> {
    /// Whether anybody listens to what goes on between the bytes: it is not worked out otherwise.
    pub(crate) fn is_on(self) -> bool {
        self.observer.is_some()
    }

    /// A request is sent.
    pub(crate) fn request(self) {
        if let Some(tally) = self.tally {
            tally.request();
        }
    }

    pub(crate) fn emit(self, event: Event<'_>) {
        if let Some(tally) = self.tally {
            tally.count(event);
        }
        if let Some(observer) = self.observer {
            observer.event(event);
        }
    }
}
