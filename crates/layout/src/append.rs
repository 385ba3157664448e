//! Storing an image or index with all that belongs to it, and listing it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_core::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use oci_spec::image::{Descriptor, Digest, MediaType};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use wharf_v1::{ByteStream, Child, Document, Error as ContentError, Image, Index, Layer, View};

use crate::draft::Draft;
use crate::file::{blocking, sync_directory};
use crate::lock::IndexLock;
use crate::sink::{self, Expected};
use crate::store::Store;
use crate::{AppendOptions, Error, index_file};

/// How deep indexes may nest. Real ones have one level, rarely two.
const DEPTH_LIMIT: usize = 16;

/// How often an append begins again when blobs that it relied on were removed meanwhile.
const ROUNDS: usize = 3;

/// More blobs at a time than anything gains from.
const JOBS_LIMIT: usize = 1024;

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

    pub(crate) async fn image(&self, image: &dyn Image) -> Result<Descriptor, Error> {
        self.until_complete(|| {
            Box::pin(async {
                self.write_image(image).await?;
                let manifest = image.manifest().await?;
                let view = manifest.view()?;
                let own = image.descriptor().await?;
                Ok(self.entry(own, view.annotations().as_ref(), view.artifact_type().as_ref()))
            })
        })
        .await
    }

    pub(crate) async fn index(&self, index: &dyn Index) -> Result<Descriptor, Error> {
        self.until_complete(|| {
            Box::pin(async {
                self.write_index(index, 1).await?;
                let manifest = index.manifest().await?;
                let view = manifest.view()?;
                let own = index.descriptor().await?;
                Ok(self.entry(own, view.annotations().as_ref(), view.artifact_type().as_ref()))
            })
        })
        .await
    }

    /// Stores and lists; begins again where blobs were taken away between the two.
    async fn until_complete<'s>(
        &self,
        store: impl Fn() -> BoxFuture<'s, Result<Descriptor, Error>>,
    ) -> Result<Descriptor, Error> {
        let mut round = 0;
        loop {
            let stored = store().await;
            // When one blob fails the others are abandoned; their writers end on their own threads.
            let writers = u32::try_from(jobs(self.options)).expect("at most JOBS_LIMIT");
            drop(self.writes.acquire_many(writers).await.expect("never closed"));
            let entry = stored?;
            round += 1;
            match self.list(&entry).await? {
                None => return Ok(entry),
                Some(digest) if round == ROUNDS => return Err(Error::Missing { digest }),
                Some(_) => lock(&self.blobs).clear(),
            }
        }
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
            if self.store.size(digest).await? == Some(descriptor.size()) {
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

    /// Lists the entry, if all it needs is there; else the digest of what is missing.
    async fn list(&self, entry: &Descriptor) -> Result<Option<Digest>, Error> {
        let (store, entry) = (self.store.clone(), entry.clone());
        let needed = lock(&self.needed).clone();
        blocking(move || {
            let _lock = IndexLock::acquire(store.root())?;
            // Blobs that were skipped may have been another's, who took them away since.
            for (digest, size) in &needed {
                if store.size_now(digest)? != Some(*size) {
                    return Ok(Some(digest.clone()));
                }
            }
            for directory in store.directories(needed.keys()) {
                sync_directory(&directory)?;
            }
            index_file::add(store.root(), &entry)?;
            Ok(None)
        })
        .await
    }

    /// The line in `index.json`: the content's own descriptor and what its manifest and the options add.
    fn entry(
        &self,
        mut own: Descriptor,
        of_manifest: Option<&HashMap<String, String>>,
        artifact_type: Option<&MediaType>,
    ) -> Descriptor {
        let mut annotations = of_manifest.cloned().unwrap_or_default();
        annotations.extend(own.annotations().clone().unwrap_or_default());
        annotations.extend(self.options.annotations.clone());
        own.set_annotations(Some(annotations).filter(|annotations| !annotations.is_empty()));
        if artifact_type.is_some() {
            own.set_artifact_type(artifact_type.cloned());
        }
        if let Some(platform) = &self.options.platform {
            own.set_platform(Some(platform.clone()));
        }
        own
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
