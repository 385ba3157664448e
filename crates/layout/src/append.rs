//! Storing an image or index with all that belongs to it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_core::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use oci_spec::image::{Descriptor, Digest};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use wharf_v1::{ByteStream, Child, Document, Error as ContentError, Image, Index, Layer, View};

use crate::digest::digest_of;
use crate::draft::Draft;
use crate::file::blocking;
use crate::options::{self, PresentCheck};
use crate::sink::{self, Expected};
use crate::store::Store;
use crate::{AppendOptions, Error};

/// How deep indexes may nest. Real ones have one level, rarely two.
pub(crate) const DEPTH_LIMIT: usize = 16;

/// More blobs at a time than anything gains from.
const JOBS_LIMIT: usize = 1024;

/// What can be listed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content<'a> {
    Image(&'a dyn Image),
    Index(&'a dyn Index),
}

impl Content<'_> {
    /// The line in `index.json`.
    pub(crate) async fn entry(self, options: &AppendOptions) -> Result<Descriptor, Error> {
        Ok(match self {
            Self::Image(image) => {
                let manifest = image.manifest().await?;
                options::entry(image.descriptor().await?, manifest.view()?, options)
            }
            Self::Index(index) => {
                let manifest = index.manifest().await?;
                options::entry(index.descriptor().await?, manifest.view()?, options)
            }
        })
    }
}

/// One append: what is stored is stored once, however often it occurs.
pub(crate) struct Appender<'a> {
    store: &'a Store,
    draft: &'a Draft,
    options: &'a AppendOptions,
    writes: Arc<Semaphore>,
    /// Blobs that are being or have been stored.
    blobs: Mutex<HashMap<Digest, Arc<OnceCell<()>>>>,
    /// Digest and size of all that must be there before the entry is listed.
    needed: Mutex<HashMap<Digest, u64>>,
}

impl<'a> Appender<'a> {
    pub(crate) fn new(store: &'a Store, draft: &'a Draft, options: &'a AppendOptions) -> Self {
        Self {
            store,
            draft,
            options,
            writes: Arc::new(Semaphore::new(jobs(options))),
            blobs: Mutex::default(),
            needed: Mutex::default(),
        }
    }

    /// Stores everything. Returns the entry that lists it.
    pub(crate) async fn append(&self, content: Content<'_>) -> Result<Descriptor, Error> {
        match content {
            Content::Image(image) => self.settled(self.write_image(image)).await?,
            Content::Index(index) => self.settled(self.write_index(index, 1)).await?,
        }
        content.entry(self.options).await
    }

    /// Digest and size of all that must be there before the entry is listed.
    pub(crate) fn into_needed(self) -> HashMap<Digest, u64> {
        self.needed.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until no file is written any more, also where that failed.
    async fn settled(&self, storing: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
        let stored = storing.await;
        // When one blob fails the others are abandoned; their writers end on their own threads.
        let writers = u32::try_from(jobs(self.options)).expect("at most JOBS_LIMIT");
        drop(self.writes.acquire_many(writers).await.expect("never closed"));
        stored
    }

    /// The layers first, all at once: those that are streamed give the manifest its digests.
    async fn write_image(&self, image: &dyn Image) -> Result<(), Error> {
        let layers = image.layers().await?;
        self.all(layers.iter().map(|layer| self.write_layer(layer).boxed()))
            .await?;
        let manifest = image.manifest().await?;
        let view = manifest.view()?;
        view.layers().iter().for_each(|layer| self.need(layer));
        let config = image.config().await?;
        self.write_blob(view.config(), async {
            Ok(ByteStream::from_bytes(config.raw().clone()))
        })
        .await?;
        self.write_document(&manifest).await
    }

    fn write_index<'s>(&'s self, index: &'s dyn Index, depth: usize) -> BoxFuture<'s, Result<(), Error>> {
        Box::pin(async move {
            if depth > DEPTH_LIMIT {
                return Err(Error::TooDeep { limit: DEPTH_LIMIT });
            }
            let manifest = index.manifest().await?;
            let children = manifest.view()?.manifests();
            self.all(
                children
                    .iter()
                    .map(|child| self.write_child(index, child, depth).boxed()),
            )
            .await?;
            self.write_document(&manifest).await
        })
    }

    async fn write_child(&self, index: &dyn Index, child: &Descriptor, depth: usize) -> Result<(), Error> {
        self.need(child);
        match index.child(child).await? {
            Child::Image(image) => self.write_image(&image).await,
            Child::Index(index) => self.write_index(&index, depth + 1).await,
            Child::Blob(blob) => self.write_blob(child, blob.compressed()).await,
            // Nothing else can be stored without knowing what it refers to.
            other => Err(ContentError::source(format!("unknown child: {other:?}")).into()),
        }
    }

    async fn write_layer(&self, layer: &Arc<dyn Layer>) -> Result<(), Error> {
        match layer.descriptor().await {
            Ok(descriptor) => self.write_blob(&descriptor, layer.compressed()).await,
            Err(ContentError::NotComputed) => self.write_stream(layer).await,
            Err(error) => Err(error.into()),
        }
    }

    /// Stores a layer that knows its digest only afterwards.
    async fn write_stream(&self, layer: &Arc<dyn Layer>) -> Result<(), Error> {
        let permit = self.permit().await;
        let stream = layer
            .compressed()
            .await
            .map_err(|error| Expected::Unknown.failed(error))?;
        let stored = sink::store(self.store, self.draft, permit, stream, Expected::Unknown).await?;
        let claimed = layer.descriptor().await?;
        if *claimed.digest() == stored.digest {
            return Ok(());
        }
        let (got, want) = (stored.digest, claimed.digest().clone());
        Err(Expected::Unknown.failed(ContentError::DigestMismatch {
            got,
            want,
            read: stored.size,
        }))
    }

    async fn write_document<T: View>(&self, document: &Document<T>) -> Result<(), Error> {
        let raw = document.raw().clone();
        self.write_blob(&document.descriptor(), async { Ok(ByteStream::from_bytes(raw)) })
            .await
    }

    /// Stores a blob unless it is there or on its way; `open` is only awaited when it is needed.
    async fn write_blob(
        &self,
        descriptor: &Descriptor,
        open: impl Future<Output = Result<ByteStream, ContentError>> + Send,
    ) -> Result<(), Error> {
        self.need(descriptor);
        let digest = descriptor.digest();
        let cell = Arc::clone(lock(&self.blobs).entry(digest.clone()).or_default());
        let write = || async {
            // A blob of another size is damaged, and replaced.
            if self.store.size(digest).await? == Some(descriptor.size())
                && (self.options.present_check == PresentCheck::Size || self.is_good(descriptor).await?)
            {
                return Ok(());
            }
            let permit = self.permit().await;
            let expected = Expected::Exactly(Box::new(descriptor.clone()));
            let stream = open.await.map_err(|error| expected.failed(error))?;
            sink::store(self.store, self.draft, permit, stream, expected)
                .await
                .map(drop)
        };
        cell.get_or_try_init(write).await.copied()
    }

    /// Whether the blob that is there has its digest.
    async fn is_good(&self, descriptor: &Descriptor) -> Result<bool, Error> {
        let (store, descriptor) = (self.store.clone(), descriptor.clone());
        blocking(move || {
            let (file, _) = store.open_now(descriptor.digest())?;
            Ok(digest_of(file, descriptor.digest().algorithm())? == *descriptor.digest())
        })
        .await
    }

    async fn permit(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.writes)
            .acquire_owned()
            .await
            .expect("never closed")
    }

    fn need(&self, descriptor: &Descriptor) {
        lock(&self.needed).insert(descriptor.digest().clone(), descriptor.size());
    }

    async fn all<'s>(
        &self,
        work: impl Iterator<Item = BoxFuture<'s, Result<(), Error>>>,
    ) -> Result<(), Error> {
        let work: Vec<_> = work.collect();
        stream::iter(work)
            .buffer_unordered(jobs(self.options))
            .try_collect()
            .await
    }
}

fn jobs(options: &AppendOptions) -> usize {
    options.jobs.get().min(JOBS_LIMIT)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
