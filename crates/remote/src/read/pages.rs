//! Lists that come in pages.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::Client;
use crate::error::Error;
use crate::read::walk::{List, Walk};

/// A list as it comes, page by page: a [`Stream`] of the entries of each page, in the registry's order.
///
/// Pages are asked for one after the other, each when the one before was taken, and are found by the `Link` header
/// ([distribution-spec](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags)), which is
/// followed as it is. There are registries that page but do not link: where a page has just as many entries as were
/// asked for, and no link, those after its last entry are asked for. A page that fails ends the stream with its error;
/// the pages before it are not lost. Costs 1 request a page.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use futures_util::TryStreamExt as _;
/// # let server = wharf_registry::server::Server::bind(wharf_registry::Registry::in_memory(), "127.0.0.1:0").await?;
/// # let client = wharf_remote::Client::new()?;
/// # let repository: wharf_name::Repository = format!("{}/app", server.host()).parse()?;
/// # client.write(&repository.tag("v1")?.into(), &wharf_v1::random::image(1, 1, 16)).await?;
/// let mut pages = client.tags(&repository);
/// while let Some(page) = pages.try_next().await? {
///     for tag in page {
///         println!("{tag}");
///     }
/// }
/// # Ok(()) }
/// ```
pub struct Pages(BoxStream<'static, Result<Vec<String>, Error>>);

impl Pages {
    /// All entries of all pages.
    ///
    /// # Errors
    /// That of the first page that fails.
    pub async fn collect_all(self) -> Result<Vec<String>, Error> {
        self.0.try_concat().await
    }

    /// The entries one by one.
    pub fn entries(self) -> impl Stream<Item = Result<String, Error>> + Send + 'static {
        self.0
            .map_ok(|page| stream::iter(page.into_iter().map(Ok)))
            .try_flatten()
    }

    pub(super) fn of(client: Client, list: List) -> Self {
        let walk = Walk::new(client, list);
        let pages = stream::try_unfold(walk, |mut walk| async move {
            let page = walk.step().await?;
            Ok(page.map(|page| (page, walk)))
        });
        Self(pages.boxed())
    }
}

impl Stream for Pages {
    type Item = Result<Vec<String>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(cx)
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").finish_non_exhaustive()
    }
}
