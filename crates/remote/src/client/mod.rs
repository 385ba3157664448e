//! The client.

mod builder;
mod facts;
mod upload_mode;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use wharf_transport::Transport;

use crate::events::{Events, Observer};
use crate::tally::Tally;

pub use self::builder::{ClientBuilder, NonDistributable};
pub(crate) use self::facts::{BlobSize, Facts, HostFacts, ReferrersApi, RepositoryFacts, SelfMounts};
pub(crate) use self::upload_mode::{UploadMode, UploadModes};

/// Reads, writes, lists and deletes content in registries.
///
/// Cloning is cheap, and all clones share one connection pool, the tokens, the limits, and what was learned about each
/// registry: how it takes uploads, which repositories it mounts blobs from, which blobs are known to be where. So make
/// one and keep it. It is what go-containerregistry has a puller, a pusher and the option to reuse them for.
///
/// There is no ping: each operation sends its own request at once, and a `401` starts the handshake. The cost given
/// with each method counts requests to the registry once it is known how it wants to be talked to; a first contact that
/// needs a Bearer token costs two more.
///
/// Every method may be cancelled by dropping its future. Nothing is then sent any more, except that upload sessions
/// that were begun are given up with a `DELETE`, if a tokio runtime is there to send it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use wharf_name::Reference;
/// use wharf_registry::{Registry, server::Server};
/// use wharf_remote::Client;
///
/// let server = Server::bind(Registry::in_memory(), "127.0.0.1:0").await?;
/// let client = Client::new()?;
///
/// let reference: Reference = format!("{}/app:v1", server.host()).parse()?;
/// let image = wharf_v1::random::image(1, 2, 1024);
/// let written = client.write(&reference, &image).await?;
/// assert_eq!(client.head(&reference).await?.digest(), written.digest());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    /// Where one operation is counted.
    tally: Option<Arc<Tally>>,
}

struct Inner {
    transport: Transport,
    settings: Settings,
    observer: Option<Arc<dyn Observer>>,
    facts: Facts,
}

/// What a client was built with.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) jobs: usize,
    pub(crate) page_size: Option<u32>,
    pub(crate) non_distributable: NonDistributable,
    pub(crate) attempts: u32,
    pub(crate) upload_pause: Duration,
    pub(crate) resumes: u32,
    pub(crate) parallel_ranges: usize,
    pub(crate) referrers_tag: bool,
}

impl Client {
    /// A client without credentials, with the default settings.
    ///
    /// # Errors
    /// [`wharf_transport::Error`] when the HTTP stack cannot be set up.
    pub fn new() -> Result<Self, wharf_transport::Error> {
        Self::builder().build()
    }

    /// A client with settings of one's own, and with credentials.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// How many blobs this client moves at once to one registry.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.inner.settings.jobs
    }

    /// The HTTP stack underneath, for requests that this crate has no method for.
    #[must_use]
    pub fn transport(&self) -> &Transport {
        &self.inner.transport
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(crate) fn events(&self) -> Events<'_> {
        Events {
            observer: self.inner.observer.as_deref(),
            tally: self.tally.as_deref(),
        }
    }

    /// The same client, which counts what it does in `tally` besides.
    pub(crate) fn tallied(&self, tally: Arc<Tally>) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            tally: Some(tally),
        }
    }

    pub(crate) fn facts(&self) -> &Facts {
        &self.inner.facts
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("settings", &self.inner.settings)
            .finish_non_exhaustive()
    }
}
