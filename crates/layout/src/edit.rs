//! Changing what a layout lists: one change, one call.

use oci_spec::image::Descriptor;
use wharf_v1::{Image, Index, Matcher};

use crate::append::Content;
use crate::{AppendOptions, Error, Layout, Transaction};

/// How often an append begins again when blobs that it relied on were removed meanwhile.
const ROUNDS: usize = 3;

impl Layout {
    /// Begins several changes that are made together.
    #[must_use]
    pub fn transaction(&self) -> Transaction {
        Transaction::new(&self.store, &self.draft)
    }

    /// Stores an image with all its blobs and lists it in `index.json`. Returns the entry.
    ///
    /// The entry is the image's own descriptor with its platform, the manifest's annotations, and what
    /// `options` say. An entry of the same digest and the same `org.opencontainers.image.ref.name` is
    /// replaced. Layers that are read only once are stored as they come.
    ///
    /// Blobs that are present with their right size are skipped without opening the layer, see
    /// [`AppendOptions::present_check`].
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
        self.write(Content::Image(image), None, options).await
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
        self.write(Content::Index(index), None, options).await
    }

    /// Lists an entry as it is, in place of one of the same digest and name. Whether the layout has
    /// what it describes is not checked.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `index.json` is damaged, [`Error::Io`] when it cannot be written.
    pub async fn append_descriptor(&self, entry: Descriptor) -> Result<(), Error> {
        let mut transaction = self.transaction();
        transaction.append_descriptor(entry);
        transaction.commit().await.map(drop)
    }

    /// Stores an image and lists it in place of all entries that match, at the end of the list. It is
    /// listed even if none matches. Nothing of the old entries is carried over, and their blobs stay.
    ///
    /// ```
    /// use wharf_layout::{AppendOptions, Layout};
    /// use wharf_v1::{Matcher, random};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// let layout = Layout::create(dir.path()).await?;
    /// let options = AppendOptions::new().with_ref_name("app");
    /// for image in [random::image(1, 1, 100), random::image(2, 1, 100)] {
    ///     layout.replace_image(&image, &Matcher::name("app"), &options).await?;
    /// }
    /// assert_eq!(layout.images().await?.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Layout::append_image`].
    ///
    /// # Cancel safety
    /// As [`Layout::append_image`].
    pub async fn replace_image(
        &self,
        image: &dyn Image,
        matcher: &Matcher,
        options: &AppendOptions,
    ) -> Result<Descriptor, Error> {
        self.write(Content::Image(image), Some(matcher), options).await
    }

    /// Stores an index and lists it in place of all entries that match, as
    /// [`replace_image`](Layout::replace_image) does an image.
    ///
    /// # Errors
    /// As [`Layout::append_index`].
    ///
    /// # Cancel safety
    /// As [`Layout::append_image`].
    pub async fn replace_index(
        &self,
        index: &dyn Index,
        matcher: &Matcher,
        options: &AppendOptions,
    ) -> Result<Descriptor, Error> {
        self.write(Content::Index(index), Some(matcher), options).await
    }

    /// Takes all entries off the list that match, and returns them. Their blobs stay, until
    /// [`collect_garbage`](Layout::collect_garbage).
    ///
    /// # Errors
    /// [`Error::Invalid`] when `index.json` is damaged, [`Error::Io`] when it cannot be written.
    pub async fn remove(&self, matcher: &Matcher) -> Result<Vec<Descriptor>, Error> {
        let mut transaction = self.transaction();
        transaction.remove(matcher);
        transaction.commit().await
    }

    /// Stores and lists; begins again where blobs that were found there are gone before the commit.
    async fn write(
        &self,
        content: Content<'_>,
        replaced: Option<&Matcher>,
        options: &AppendOptions,
    ) -> Result<Descriptor, Error> {
        // A layout that was made for this is only taken away when all rounds have failed.
        let _work = self.draft.work();
        let mut round = 1;
        loop {
            let mut transaction = self.transaction();
            if let Some(matcher) = replaced {
                transaction.remove(matcher);
            }
            let entry = transaction.append(content, options).await?;
            match transaction.commit().await {
                Ok(_) => return Ok(entry),
                Err(Error::Missing { .. }) if round < ROUNDS => round += 1,
                Err(error) => return Err(error),
            }
        }
    }
}
