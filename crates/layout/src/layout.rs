//! A layout: the directory as a whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use oci_spec::image::{Descriptor, Digest};
use wharf_v1::{ByteStream, Child, Image, Index, IndexExt as _};

use crate::append::Appender;
use crate::draft::Draft;
use crate::file::{blocking, create_directories};
use crate::index::LayoutIndex;
use crate::index_file::{self, INDEX};
use crate::marker::{self, MARKER};
use crate::store::Store;
use crate::{AppendOptions, Error};

/// An OCI image layout in a directory. Cheap to clone.
///
/// Several processes may append to one layout at the same time: blobs are shared by their digests, and
/// changes of `index.json` take turns under an advisory lock on the `oci-layout` file. Reading takes no
/// lock, since every file that can be seen is complete.
///
/// Ancestor in Go: `layout.Path`.
#[derive(Clone, Debug)]
pub struct Layout {
    store: Store,
    draft: Draft,
}

impl Layout {
    /// Opens the layout at `path` for reading and appending.
    ///
    /// A directory without an `oci-layout` file passes, as with other tools, as long as it has an
    /// `index.json`; the file is written at the first append.
    ///
    /// # Errors
    /// [`Error::Io`] when there is no `index.json`, [`Error::Version`] when the layout is of a version
    /// other than 1, [`Error::Invalid`] when its `oci-layout` file is damaged.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let root = path.into();
        let layout = Self {
            store: Store::new(&root),
            draft: Draft::settled(&root),
        };
        blocking(move || {
            let index = root.join(INDEX);
            index
                .metadata()
                .map_err(|error| Error::io("open", &index, error))?;
            marker::check(&root)
        })
        .await?;
        Ok(layout)
    }

    /// Opens the layout at `path`, or makes one without images: the directory and those above it,
    /// `oci-layout` and `index.json`.
    ///
    /// A layout that this call makes is taken away again when the first append to it fails or is
    /// cancelled, as far as nothing else has come into the directory.
    ///
    /// # Errors
    /// [`Error::Io`] when the directory cannot be made or written to, else as [`Layout::open`].
    pub async fn create(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let root = path.into();
        let there = root.clone();
        if blocking(move || Ok(there.join(INDEX).exists())).await? {
            return Self::open(root).await;
        }
        let draft = Draft::fresh(&root);
        let work = draft.work();
        let layout = Self {
            store: Store::new(&root),
            draft: draft.clone(),
        };
        blocking(move || make_skeleton(&root, &draft)).await?;
        work.pause();
        Ok(layout)
    }

    /// The layout's directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.store.root()
    }

    /// What the layout lists: `index.json` as it is now.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::TooLarge`] when the file cannot be read.
    pub async fn index(&self) -> Result<Arc<dyn Index>, Error> {
        let root = self.path().to_owned();
        let manifest = blocking(move || index_file::read(&root)).await?;
        Ok(Arc::new(LayoutIndex::root(self.store.clone(), manifest)))
    }

    /// The images that the layout lists itself, in order. Those of nested indexes are not among them.
    ///
    /// # Errors
    /// As [`Layout::index`]; [`Error::Content`] when `index.json` is damaged or lists an image whose
    /// manifest is not there.
    pub async fn images(&self) -> Result<Vec<Arc<dyn Image>>, Error> {
        let index = self.index().await?;
        let mut images = Vec::new();
        for descriptor in index.children().await? {
            if let Child::Image(image) = index.child(&descriptor).await? {
                images.push(image);
            }
        }
        Ok(images)
    }

    /// Whether a blob is present. Its bytes are not checked.
    ///
    /// # Errors
    /// [`Error::Io`] when the file system does not tell.
    pub async fn has_blob(&self, digest: &Digest) -> Result<bool, Error> {
        Ok(self.store.size(digest).await?.is_some())
    }

    /// Opens a blob. The stream fails at its end when the bytes are not those of the digest.
    ///
    /// # Errors
    /// [`wharf_v1::Error::NotFound`] in [`Error::Content`] when it is not there, [`Error::Symlink`] or
    /// [`Error::NotRegular`] when it is no file, [`Error::Io`] when it cannot be opened.
    pub async fn blob(&self, digest: &Digest) -> Result<ByteStream, Error> {
        self.store.open_any_size(digest).await
    }

    /// Stores an image with all its blobs and lists it in `index.json`. Returns the entry.
    ///
    /// The entry is the image's own descriptor with its platform, the manifest's annotations, and what
    /// `options` say. An entry of the same digest and the same `org.opencontainers.image.ref.name` is
    /// replaced. Layers that are read only once are stored as they come.
    ///
    /// Blobs that are present with their right size are skipped without opening the layer.
    ///
    /// # Errors
    /// [`Error::Store`] when a blob cannot be read or is not what its descriptor says, [`Error::Io`]
    /// when it cannot be written, [`Error::Content`] when the image's documents cannot be read.
    /// `index.json` is unchanged then.
    ///
    /// # Cancel safety
    /// When the future is dropped the layout lists what it did before, and no unfinished file is left.
    pub async fn append_image(
        &self,
        image: &dyn Image,
        options: &AppendOptions,
    ) -> Result<Descriptor, Error> {
        let work = self.draft.work();
        self.make_skeleton().await?;
        let entry = Appender::new(&self.store, &self.draft, options)
            .image(image)
            .await?;
        work.keep();
        Ok(entry)
    }

    /// Stores an index with everything below it and lists it in `index.json`. Returns the entry.
    ///
    /// # Errors
    /// As [`Layout::append_image`]; [`Error::TooDeep`] when indexes nest without end.
    ///
    /// # Cancel safety
    /// As [`Layout::append_image`].
    pub async fn append_index(
        &self,
        index: &dyn Index,
        options: &AppendOptions,
    ) -> Result<Descriptor, Error> {
        let work = self.draft.work();
        self.make_skeleton().await?;
        let entry = Appender::new(&self.store, &self.draft, options)
            .index(index)
            .await?;
        work.keep();
        Ok(entry)
    }

    async fn make_skeleton(&self) -> Result<(), Error> {
        let (root, draft) = (self.path().to_owned(), self.draft.clone());
        blocking(move || make_skeleton(&root, &draft)).await
    }
}

/// Makes what every layout has, as far as it is not there. `index.json` comes last: it is what makes a
/// directory count as a layout.
fn make_skeleton(root: &Path, draft: &Draft) -> Result<(), Error> {
    draft.make(|| create_directories(root))?;
    draft.make(|| {
        Ok(marker::ensure(root)?
            .then(|| root.join(MARKER))
            .into_iter()
            .collect())
    })?;
    draft.make(|| {
        Ok(index_file::ensure(root)?
            .then(|| root.join(INDEX))
            .into_iter()
            .collect())
    })
}
