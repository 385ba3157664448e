//! Writing a layout as a tar file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, Digest};
use tokio::io::AsyncWrite;
use wharf_archive::{Entry, Form, Plan, WriteOptions};
use wharf_v1::partial::{BlobLayer, BlobSource};
use wharf_v1::{ByteStream, Child, Document, Error as ContentError, Image, Index, Layer, View};

use crate::append::{Content, DEPTH_LIMIT};
use crate::index_file::{self, INDEX};
use crate::marker::{self, MARKER};
use crate::{AppendOptions, Error};

/// Writes a layout as a single tar file: `oci-layout`, `index.json`, and the blobs by their digests.
///
/// The same content makes the same bytes. All digests have to be known beforehand, so a layer that is
/// read only once has to be stored somewhere first.
///
/// ```
/// use std::sync::Arc;
/// use wharf_layout::{AppendOptions, ArchiveBuilder};
/// use wharf_v1::random;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), wharf_layout::Error> {
/// let builder = ArchiveBuilder::new()
///     .with_image(Arc::new(random::image(1, 1, 100)), &AppendOptions::new().with_ref_name("a"))
///     .with_index(Arc::new(random::index(2, 1, 2, 100)), &AppendOptions::new().with_ref_name("b"));
/// let mut bytes = Vec::new();
/// let written = builder.write(&mut bytes).await?;
/// assert_eq!(written, bytes.len() as u64);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ArchiveBuilder {
    root: Option<Arc<dyn Index>>,
    listed: Vec<(Owned, AppendOptions)>,
    options: WriteOptions,
}

#[derive(Clone, Debug)]
enum Owned {
    Image(Arc<dyn Image>),
    Index(Arc<dyn Index>),
}

impl ArchiveBuilder {
    /// An archive that lists nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An archive of all that an index lists, which becomes its `index.json` byte for byte; like that of
    /// a [`Layout`](crate::Layout). What is added to it is listed after that.
    #[must_use]
    pub fn from_index(root: Arc<dyn Index>) -> Self {
        Self {
            root: Some(root),
            ..Self::default()
        }
    }

    /// Adds an image and lists it. Of the options those matter that are about the entry.
    #[must_use]
    pub fn with_image(mut self, image: Arc<dyn Image>, options: &AppendOptions) -> Self {
        self.listed.push((Owned::Image(image), options.clone()));
        self
    }

    /// Adds an index with everything below it, and lists it. Of the options those matter that are about
    /// the entry.
    #[must_use]
    pub fn with_index(mut self, index: Arc<dyn Index>, options: &AppendOptions) -> Self {
        self.listed.push((Owned::Index(index), options.clone()));
        self
    }

    /// Sets how many layers are opened and read ahead by [`write`](Self::write), some megabytes of each
    /// at most. Default: 1.
    #[must_use]
    pub fn with_read_ahead(mut self, layers: usize) -> Self {
        self.options = self.options.with_read_ahead(layers);
        self
    }

    /// How many bytes the archive has. No layer is opened.
    ///
    /// # Errors
    /// As [`write`](Self::write), except for what is wrong with layers.
    pub async fn size(&self) -> Result<u64, Error> {
        Ok(self.plan().await?.size())
    }

    /// Writes the archive from front to back, and returns how many bytes it has. The writer is flushed.
    ///
    /// # Errors
    /// [`Error::Content`] when a document cannot be read, [`Error::TooDeep`] when indexes nest without
    /// end, [`Error::Archive`] when a layer is not what its descriptor says or the writer fails. What was
    /// written until then is no whole archive.
    ///
    /// # Cancel safety
    /// Not cancel safe: what was written until then is no whole archive.
    pub async fn write(&self, writer: impl AsyncWrite + Send) -> Result<u64, Error> {
        let plan = self.plan().await?;
        Ok(wharf_archive::write(plan, writer, &self.options).await?)
    }

    /// Writes the archive to a file, and returns how many bytes it has. The file is there when it is
    /// complete and synced to disk, and not before.
    ///
    /// # Errors
    /// As [`write`](Self::write). What was at `path` is as it was.
    ///
    /// # Cancel safety
    /// When the future is dropped `path` is as it was, and nothing is left beside it.
    pub async fn write_file(&self, path: impl Into<PathBuf>) -> Result<u64, Error> {
        let plan = self.plan().await?;
        Ok(wharf_archive::write_file(plan, path, &self.options).await?)
    }

    async fn plan(&self) -> Result<Plan, Error> {
        let mut blobs = Collected::default();
        let mut index = index_file::empty();
        if let Some(root) = &self.root {
            index = root.manifest().await?;
            blobs.children(&**root, 1).await?;
        }
        let mut entries = Vec::new();
        for (content, options) in &self.listed {
            let content = match content {
                Owned::Image(image) => {
                    blobs.image(image).await?;
                    Content::Image(image)
                }
                Owned::Index(index) => {
                    blobs.index(&**index, 1).await?;
                    Content::Index(index)
                }
            };
            entries.push(content.entry(options).await?);
        }
        let index = match (&self.root, &entries[..]) {
            (Some(_), []) => index,
            _ => index_file::listed(&index, &entries)?,
        };
        let documents = [
            Entry::bytes(MARKER, marker::CONTENT),
            Entry::bytes(INDEX, index.raw().clone()),
        ];
        Ok(Plan::new(documents.into_iter().chain(blobs.0.into_values())))
    }
}

/// Blobs by their names in the archive.
#[derive(Default)]
struct Collected(BTreeMap<String, Entry>);

impl Collected {
    async fn image(&mut self, image: &dyn Image) -> Result<(), Error> {
        let manifest = image.manifest().await?;
        self.document(&manifest);
        self.document(&image.config().await?);
        for layer in image.layers().await? {
            let descriptor = layer.descriptor().await?;
            self.blob(&descriptor, layer);
        }
        Ok(())
    }

    async fn index(&mut self, index: &dyn Index, depth: usize) -> Result<(), Error> {
        self.document(&index.manifest().await?);
        self.children(index, depth).await
    }

    fn children<'a>(&'a mut self, index: &'a dyn Index, depth: usize) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if depth > DEPTH_LIMIT {
                return Err(Error::TooDeep { limit: DEPTH_LIMIT });
            }
            let manifest = index.manifest().await?;
            for child in manifest.view()?.manifests() {
                match index.child(child).await? {
                    Child::Image(image) => self.image(&image).await?,
                    Child::Index(index) => self.index(&*index, depth + 1).await?,
                    Child::Blob(blob) => self.blob(child, blob),
                    other => return Err(ContentError::source(format!("unknown child: {other:?}")).into()),
                }
            }
            Ok(())
        })
    }

    fn document<T: View>(&mut self, document: &Document<T>) {
        let name = blob_name(document.digest());
        let entry = Entry::bytes(&name, document.raw().clone());
        self.0.insert(name, entry);
    }

    fn blob(&mut self, descriptor: &Descriptor, layer: Arc<dyn Layer>) {
        let name = blob_name(descriptor.digest());
        let (digest, size) = (descriptor.digest().clone(), descriptor.size());
        // It may come from anybody's `Layer`: hashed once more.
        let layer = Arc::new(BlobLayer::new(descriptor.clone(), Reopened(layer)));
        let entry = Entry::layer(&name, layer, Form::Stored, digest, size);
        self.0.entry(name).or_insert(entry);
    }
}

#[derive(Debug)]
struct Reopened(Arc<dyn Layer>);

impl BlobSource for Reopened {
    fn open(&self) -> BoxFuture<'_, Result<ByteStream, ContentError>> {
        self.0.compressed()
    }
}

/// The name of a blob in a layout.
pub(crate) fn blob_name(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm(), digest.digest())
}
