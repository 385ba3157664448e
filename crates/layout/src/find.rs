//! Finding what a layout lists.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use oci_spec::image::Descriptor;
use wharf_v1::{Child, Error, Index, IndexExt as _, Matcher, REF_NAME, Visit, WalkOptions, walk};

/// The name of an entry: its annotation `org.opencontainers.image.ref.name`.
pub(crate) fn ref_name(entry: &Descriptor) -> Option<&str> {
    Some(entry.annotations().as_ref()?.get(REF_NAME)?.as_str())
}

/// Searching an index: that of a layout in a directory or an archive, but any other does.
///
/// For a platform there is [`IndexExt::image_for`](wharf_v1::IndexExt::image_for), which searches nested indexes too.
///
/// ```
/// use wharf_layout::{AppendOptions, FindExt as _, Layout};
/// use wharf_v1::{Child, Matcher, empty, random};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let layout = Layout::create(dir.path()).await?;
/// let options = AppendOptions::new().with_ref_name("v1");
/// layout.append_image(&empty::image(), &options).await?;
/// layout.append_index(&random::index(1, 2, 1, 100), &AppendOptions::new()).await?;
///
/// let index = layout.index().await?;
/// assert!(matches!(index.named("v1").await?, Some(Child::Image(_))));
/// assert_eq!(index.find(&Matcher::any()).await?.len(), 4);
/// # Ok(())
/// # }
/// ```
pub trait FindExt: Index + Clone {
    /// The entry of this name, of this index alone: the last, where several have it.
    fn entry<'a>(
        &'a self,
        name: &'a str,
    ) -> impl Future<Output = Result<Option<Descriptor>, Error>> + Send + 'a {
        async move {
            let children = self.children().await?;
            Ok(children.into_iter().rfind(|entry| ref_name(entry) == Some(name)))
        }
    }

    /// Opens what this index lists by this name. `None` where nothing is.
    fn named<'a>(&'a self, name: &'a str) -> impl Future<Output = Result<Option<Child>, Error>> + Send + 'a {
        async move {
            match self.entry(name).await? {
                Some(entry) => self.child(&entry).await.map(Some),
                None => Ok(None),
            }
        }
    }

    /// All that match, of this index and those nested in it, in the order of [`walk`].
    fn find<'a>(
        &'a self,
        matcher: &'a Matcher,
    ) -> impl Future<Output = Result<Vec<Visit>, Error>> + Send + 'a {
        async move {
            walk(Arc::new(self.clone()), WalkOptions::default())
                .try_filter(|visit| std::future::ready(matcher.matches(visit.descriptor())))
                .try_collect()
                .await
        }
    }

    /// Opens the first that matches, of this index or of one nested in it. `None` where none does.
    fn open<'a>(
        &'a self,
        matcher: &'a Matcher,
    ) -> impl Future<Output = Result<Option<Child>, Error>> + Send + 'a {
        async move {
            let visits = walk(Arc::new(self.clone()), WalkOptions::default());
            let mut found =
                pin!(visits.try_filter(|visit| std::future::ready(matcher.matches(visit.descriptor()))));
            match found.try_next().await? {
                Some(visit) => visit.open().await.map(Some),
                None => Ok(None),
            }
        }
    }
}

impl<T: Index + Clone> FindExt for T {}
