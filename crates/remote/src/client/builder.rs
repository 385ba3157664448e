//! Making a client.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use wharf_authn::Keychain;
use wharf_transport::{Transport, TransportBuilder};

use crate::events::Observer;

use super::{Client, Facts, Inner, Settings};

/// Settings of a [`Client`], made by [`Client::builder`].
///
/// | setting | default |
/// |---|---|
/// | [`keychain`](Self::keychain) | none: anonymous |
/// | [`jobs`](Self::jobs) | 8 |
/// | [`page_size`](Self::page_size) | 1000 |
/// | [`non_distributable`](Self::non_distributable) | skipped |
/// | [`upload_attempts`](Self::upload_attempts) | 3 |
/// | [`upload_pause`](Self::upload_pause) | 1 s |
/// | [`chunk_size`](Self::chunk_size) | none: blobs are sent whole |
/// | [`resumes`](Self::resumes) | 5 |
/// | [`parallel_ranges`](Self::parallel_ranges) | 1: a blob is fetched with one request |
/// | [`referrers_tag`](Self::referrers_tag) | kept where the registry lists no referrers |
/// | [`observer`](Self::observer) | none |
#[must_use]
pub struct ClientBuilder {
    transport: Stack,
    settings: Settings,
    chunk_size: Option<NonZeroU64>,
    observer: Option<Arc<dyn Observer>>,
}

enum Stack {
    Builder(Box<TransportBuilder>),
    Built(Transport),
}

/// What a push does with layers that their media type says must not be distributed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NonDistributable {
    /// They are left out: whoever pulls the image gets them from the addresses in their descriptors.
    #[default]
    Skip,
    /// They are uploaded like others.
    Upload,
}

impl ClientBuilder {
    pub(super) fn new() -> Self {
        Self {
            transport: Stack::Builder(Box::new(Transport::builder())),
            settings: Settings {
                jobs: 8,
                page_size: Some(1000),
                non_distributable: NonDistributable::Skip,
                attempts: 3,
                upload_pause: Duration::from_secs(1),
                resumes: 5,
                parallel_ranges: 1,
                referrers_tag: true,
            },
            chunk_size: None,
            observer: None,
        }
    }

    /// Where credentials come from. It is asked per repository, and only when a registry wants a credential.
    ///
    /// Has no effect together with [`transport`](Self::transport).
    pub fn keychain(self, keychain: Arc<dyn Keychain>) -> Self {
        self.configure(|transport| transport.keychain(keychain))
    }

    /// Changes the settings of the HTTP stack: user agent, retry, layers, trust.
    ///
    /// Has no effect together with [`transport`](Self::transport).
    pub fn configure(mut self, change: impl FnOnce(TransportBuilder) -> TransportBuilder) -> Self {
        if let Stack::Builder(builder) = self.transport {
            self.transport = Stack::Builder(Box::new(change(*builder)));
        }
        self
    }

    /// Uses a whole HTTP stack as it is, for example one that several clients share.
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = Stack::Built(transport);
        self
    }

    /// How many blobs are moved at once to one registry, by all clones together. At least one.
    ///
    /// A blob of at most 128 KiB counts as an eighth of one. Questions about blobs, which cost next to nothing, have a
    /// limit of eight times as many.
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.settings.jobs = jobs.max(1);
        self
    }

    /// How many entries to ask for per page of a list; `None` leaves it to the registry. Amazon's refuses more than
    /// 1000.
    pub fn page_size(mut self, entries: Option<u32>) -> Self {
        self.settings.page_size = entries;
        self
    }

    /// What becomes of layers that must not be distributed.
    pub fn non_distributable(mut self, choice: NonDistributable) -> Self {
        self.settings.non_distributable = choice;
        self
    }

    /// How often the upload of a blob is tried without getting on. At least once.
    ///
    /// Requests that can be repeated on their own are retried by the HTTP stack underneath. This is for the others:
    /// an upload that fails half-way goes on where the registry says that it stopped, or starts again with a new
    /// session.
    pub fn upload_attempts(mut self, attempts: u32) -> Self {
        self.settings.attempts = attempts.max(1);
        self
    }

    /// How long to wait after an upload failed, if the registry does not say so; three times as long after it failed twice
    /// without getting on, and nine times after that. Single requests wait as the HTTP stack's
    /// [`RetryOptions`](wharf_transport::retry::RetryOptions) say.
    pub fn upload_pause(mut self, pause: Duration) -> Self {
        self.settings.upload_pause = pause;
        self
    }

    /// Sends blobs in chunks of so many bytes, or as many as the registry says is the least; `None` sends them whole,
    /// which is faster, until a registry answers that a request is too long.
    ///
    /// A blob that is compressed while it is sent, and so cannot be read twice, can be sent again chunk by chunk, at the
    /// price of holding one in memory.
    pub fn chunk_size(mut self, bytes: Option<NonZeroU64>) -> Self {
        self.chunk_size = bytes;
        self
    }

    /// How often in a row a download that breaks off is resumed without making progress; 0 never resumes.
    pub fn resumes(mut self, resumes: u32) -> Self {
        self.settings.resumes = resumes;
        self
    }

    /// How many parts of one blob are fetched at once. Above 1, blobs of more than 16 MiB are fetched in parts of 8 MiB,
    /// as far as the registry sends parts. That is faster where a single connection is slow, and takes that many times
    /// 8 MiB of memory for each blob that is being read.
    pub fn parallel_ranges(mut self, requests: usize) -> Self {
        self.settings.parallel_ranges = requests.max(1);
        self
    }

    /// Whether the tag is read and kept that lists what refers to a manifest, where the registry does not do so itself.
    /// Without it, [`referrers`](Client::referrers), and writing a manifest that refers to another, fail there with
    /// [`Violation::NoReferrersApi`](crate::Violation::NoReferrersApi).
    pub fn referrers_tag(mut self, kept: bool) -> Self {
        self.settings.referrers_tag = kept;
        self
    }

    /// Who is told what happens.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The client.
    ///
    /// # Errors
    /// [`wharf_transport::Error`] when the HTTP stack cannot be set up.
    pub fn build(self) -> Result<Client, wharf_transport::Error> {
        let transport = match self.transport {
            Stack::Builder(builder) => builder.build()?,
            Stack::Built(transport) => transport,
        };
        let facts = Facts::new(self.settings.jobs, self.chunk_size);
        let inner = Arc::new(Inner {
            transport,
            settings: self.settings,
            observer: self.observer,
            facts,
        });
        Ok(Client { inner, tally: None })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
