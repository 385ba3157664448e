//! A layout: the directory as a whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wharf_v1::{Image, Index};

use crate::Error;
use crate::blobs::Blobs;
use crate::draft::Draft;
use crate::file::{blocking, create_directories};
use crate::index::{LayoutIndex, images};
use crate::index_file::{self, INDEX};
use crate::marker::{self, MARKER};
use crate::store::Store;

/// An OCI image layout in a directory. Cheap to clone.
///
/// Several processes may append to one layout at the same time: blobs are shared by their digests, and
/// changes of `index.json` take turns under an advisory lock on the `oci-layout` file. Reading takes no
/// lock, since every file that can be seen is complete.
///
/// Ancestor in Go: `layout.Path`.
#[derive(Clone, Debug)]
pub struct Layout {
    pub(crate) store: Store,
    pub(crate) draft: Draft,
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
        let store = layout.store.clone();
        blocking(move || make_skeleton(&store, &draft)).await?;
        work.pause();
        Ok(layout)
    }

    /// The layout's directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.store.root()
    }

    /// Where the blobs are read.
    pub(crate) fn blobs(&self) -> Blobs {
        Blobs::Directory(self.store.clone())
    }

    /// What the layout lists: `index.json` as it is now.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::TooLarge`] when the file cannot be read, [`Error::Invalid`] when it is
    /// of another kind than an index.
    pub async fn index(&self) -> Result<Arc<dyn Index>, Error> {
        let root = self.path().to_owned();
        let manifest = blocking(move || index_file::read(&root)).await?;
        Ok(Arc::new(LayoutIndex::root(self.blobs(), manifest)))
    }

    /// The images that the layout lists itself, in order. Those of nested indexes are not among them.
    ///
    /// # Errors
    /// As [`Layout::index`]; [`Error::Content`] when `index.json` is damaged or lists an image whose
    /// manifest is not there.
    pub async fn images(&self) -> Result<Vec<Arc<dyn Image>>, Error> {
        images(&*self.index().await?).await
    }
}

/// Makes what every layout has, as far as it is not there. `index.json` comes last: it is what makes a
/// directory count as a layout.
pub(crate) fn make_skeleton(store: &Store, draft: &Draft) -> Result<(), Error> {
    let root = store.root();
    draft.make(|| create_directories(root))?;
    draft.make(|| {
        Ok(marker::ensure(root)?
            .then(|| root.join(MARKER))
            .into_iter()
            .collect())
    })?;
    draft.make(|| create_directories(&store.blobs()))?;
    draft.make(|| {
        Ok(index_file::ensure(root)?
            .then(|| root.join(INDEX))
            .into_iter()
            .collect())
    })
}
