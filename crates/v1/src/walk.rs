//! Everything that an index leads to.

use std::sync::Arc;

use futures_core::Stream;
use futures_util::stream;
use oci_spec::image::Descriptor;

use crate::media_type::MediaTypeExt as _;
use crate::{Child, Error, Index, IndexExt as _};

/// How far [`walk`] goes.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkOptions {
    /// Indexes inside of each other that are opened, the first one among them. Default: 8. Not to open any
    /// nested index, set it to 1.
    pub max_depth: usize,
    /// Descriptors that are visited. Default: 10 000.
    pub max_visits: usize,
}

impl Default for WalkOptions {
    fn default() -> Self {
        Self {
            max_depth: 8,
            max_visits: 10_000,
        }
    }
}

impl WalkOptions {
    /// Sets [`max_depth`](Self::max_depth).
    #[must_use]
    pub fn with_max_depth(mut self, max_depth: usize) -> Self {
        self.max_depth = max_depth;
        self
    }

    /// Sets [`max_visits`](Self::max_visits).
    #[must_use]
    pub fn with_max_visits(mut self, max_visits: usize) -> Self {
        self.max_visits = max_visits;
        self
    }
}

/// A descriptor in an index, or in an index inside of it, and the way to what it describes.
#[derive(Clone, Debug)]
pub struct Visit {
    descriptor: Descriptor,
    path: Vec<usize>,
    parent: Arc<dyn Index>,
}

impl Visit {
    /// The descriptor as the index has it.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The places in the indexes from the outermost to this descriptor, counted from 0.
    #[must_use]
    pub fn path(&self) -> &[usize] {
        &self.path
    }

    /// The index that lists it.
    #[must_use]
    pub fn parent(&self) -> &Arc<dyn Index> {
        &self.parent
    }

    /// Opens what is described: an image or artifact, an index, or of any other media type a blob.
    ///
    /// # Errors
    /// What the index gives, [`Error::NotFound`] among it.
    pub async fn open(&self) -> Result<Child, Error> {
        self.parent.child(&self.descriptor).await
    }
}

/// Visits every descriptor that an index lists, and after each nested index what that one lists, in order.
///
/// Only indexes are opened on the way, each when what is in it comes next; images, artifacts and blobs only
/// by [`Visit::open`].
///
/// An index that cannot be opened or read gives an error in the place of its children, and the walk goes on
/// after it. [`Error::TooDeep`] stands for the children of an index that is nested deeper than allowed;
/// [`Error::TooMany`] ends the walk.
///
/// ```
/// use std::sync::Arc;
///
/// use futures_util::TryStreamExt as _;
/// use wharf_v1::{WalkOptions, random, walk};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
/// let index = Arc::new(random::index(1, 3, 1, 100));
/// let visits: Vec<_> = walk(index, WalkOptions::default()).try_collect().await?;
/// assert_eq!(visits.len(), 3);
/// assert_eq!(visits[2].path(), [2]);
/// # Ok(()) }
/// ```
pub fn walk(
    index: Arc<dyn Index>,
    options: WalkOptions,
) -> impl Stream<Item = Result<Visit, Error>> + Send + Unpin {
    let walk = Walk {
        options,
        visits: 0,
        pending: vec![Pending::Index {
            index: Unopened::Open(index),
            path: Vec::new(),
        }],
    };
    Box::pin(stream::unfold(walk, |mut walk| async {
        let item = walk.next().await?;
        Some((item, walk))
    }))
}

struct Walk {
    options: WalkOptions,
    visits: usize,
    /// What comes next, last first.
    pending: Vec<Pending>,
}

enum Pending {
    Index {
        index: Unopened,
        path: Vec<usize>,
    },
    Listed(
        std::vec::IntoIter<(usize, Descriptor)>,
        Arc<dyn Index>,
        Vec<usize>,
    ),
}

enum Unopened {
    Open(Arc<dyn Index>),
    Listed(Box<Visit>),
}

impl Walk {
    async fn next(&mut self) -> Option<Result<Visit, Error>> {
        loop {
            match self.pending.last_mut()? {
                Pending::Listed(listed, parent, path) => {
                    let Some((place, descriptor)) = listed.next() else {
                        self.pending.pop();
                        continue;
                    };
                    if self.visits == self.options.max_visits {
                        self.pending.clear();
                        return Some(Err(Error::TooMany {
                            limit: self.options.max_visits,
                        }));
                    }
                    self.visits += 1;
                    let mut path = path.clone();
                    path.push(place);
                    let visit = Visit {
                        descriptor,
                        path: path.clone(),
                        parent: Arc::clone(parent),
                    };
                    if visit.descriptor.media_type().is_index() {
                        self.pending.push(Pending::Index {
                            index: Unopened::Listed(Box::new(visit.clone())),
                            path,
                        });
                    }
                    return Some(Ok(visit));
                }
                Pending::Index { .. } => {
                    if let Err(error) = self.enter().await {
                        return Some(Err(error));
                    }
                }
            }
        }
    }

    /// Puts what the index that comes next lists into its place.
    async fn enter(&mut self) -> Result<(), Error> {
        let Some(Pending::Index { index, path }) = self.pending.pop() else {
            return Ok(());
        };
        if path.len() >= self.options.max_depth {
            return Err(Error::TooDeep {
                limit: self.options.max_depth,
            });
        }
        let index = match index {
            Unopened::Open(index) => index,
            Unopened::Listed(visit) => match visit.open().await? {
                Child::Index(index) => index,
                // It comes as something else, and was visited as that.
                Child::Image(_) | Child::Blob(_) => return Ok(()),
            },
        };
        let listed: Vec<_> = index.children().await?.into_iter().enumerate().collect();
        self.pending
            .push(Pending::Listed(listed.into_iter(), index, path));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use oci_spec::image::MediaType;

    use super::*;
    use crate::media_type::Family;
    use crate::partial::{IndexBuilder, StaticLayer};
    use crate::random;

    /// Paths and errors in the order in which they come.
    async fn paths(index: impl Index, options: WalkOptions) -> Vec<String> {
        let walk = walk(Arc::new(index), options);
        let shown = walk.map(|item| match item {
            Ok(visit) => format!("{:?}", visit.path()),
            Err(error) => error.to_string(),
        });
        shown.collect().await
    }

    /// An image, an index of two images, and a blob.
    async fn mixed() -> impl Index {
        IndexBuilder::new(Family::Oci)
            .image(random::image(1, 1, 1))
            .index(random::index(2, 2, 1, 1))
            .blob(StaticLayer::new("content", MediaType::from("text/plain")))
            .build()
            .await
            .expect("built")
    }

    #[tokio::test]
    async fn nested_indexes_come_in_their_place() {
        let all = paths(mixed().await, WalkOptions::default()).await;
        assert_eq!(all, ["[0]", "[1]", "[1, 0]", "[1, 1]", "[2]"]);
        assert!(
            paths(crate::empty::index(), WalkOptions::default())
                .await
                .is_empty()
        );
    }

    #[tokio::test]
    async fn children_open_as_what_they_are() {
        let walk = walk(Arc::new(mixed().await), WalkOptions::default());
        let kinds = walk.then(|visit| async {
            match visit.expect("a visit").open().await.expect("there") {
                Child::Image(_) => "image",
                Child::Index(_) => "index",
                Child::Blob(_) => "blob",
            }
        });
        let kinds: Vec<_> = kinds.collect().await;
        assert_eq!(kinds, ["image", "index", "image", "image", "blob"]);
    }

    #[tokio::test]
    async fn limits_hold() {
        let flat = WalkOptions::default().with_max_depth(1);
        let want = ["[0]", "[1]", "index is nested more than 1 deep", "[2]"];
        assert_eq!(paths(mixed().await, flat).await, want);
        let few = WalkOptions::default().with_max_visits(3);
        let want = ["[0]", "[1]", "[1, 0]", "index leads to more than 3 descriptors"];
        assert_eq!(paths(mixed().await, few).await, want);
        let enough = WalkOptions::default().with_max_visits(5);
        assert_eq!(paths(mixed().await, enough).await.len(), 5);
    }

    #[tokio::test]
    async fn an_index_that_is_not_there_is_passed_over() {
        let complete = mixed().await;
        let manifest = complete.manifest().await.expect("known");
        let sparse = crate::partial::AssembledIndex::new(manifest, []);
        let digest = complete.children().await.expect("known")[1].digest().to_string();
        let want = ["[0]", "[1]", &format!("{digest} not found"), "[2]"];
        assert_eq!(paths(sparse, WalkOptions::default()).await, want);
    }
}
