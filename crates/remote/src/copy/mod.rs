//! Copying between repositories and registries.

mod companions;
mod job;
mod options;
mod plan;
mod report;
mod schema1;

use std::sync::Arc;

use wharf_name::Reference;

use crate::Client;
use crate::error::Error;
use crate::tally::Tally;

use self::job::Job;
pub use self::options::{Children, CopyOptions};
pub use self::report::{Amount, CopyReport};

impl Client {
    /// Copies an image or index (Go: `crane.Copy`), and says what was done. What `destination` names then has the same
    /// digest, unless only a [subset](Children::Subset) of an index was copied.
    ///
    /// Blobs flow from one registry to the other as they come, hashed on the way, and are never held as a whole. What
    /// the destination has is not read; within a registry blobs are mounted, and within a repository only the manifest
    /// is written.
    ///
    /// Costs 2 requests if the destination names the same already (one round trip), or is in the repository of the source
    /// (two), and else those of [`write`](Self::write) or [`write_index`](Self::write_index), and 1 more for each blob
    /// and child that is read. Manifests of Docker's schema 1 are copied as they are, with their layers. More tags cost 1
    /// each. What refers to it costs 1 for each manifest that was copied, and what its own copy does.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use wharf_remote::{Client, CopyOptions};
    /// # let server = wharf_registry::server::Server::bind(wharf_registry::Registry::in_memory(), "127.0.0.1:0").await?;
    /// # let client = Client::new()?;
    /// let v1 = format!("{}/app:v1", server.host()).parse()?;
    /// let copy = format!("{}/mirror/app:v1", server.host()).parse()?;
    /// client.write(&v1, &wharf_v1::random::image(1, 2, 1024)).await?;
    ///
    /// let planned = client.plan_copy(&v1, &copy, &CopyOptions::default()).await?;
    /// let copied = client.copy(&v1, &copy, &CopyOptions::default()).await?;
    /// assert_eq!(copied.mounted.count, 3, "two layers and the config");
    /// assert_eq!(copied.mounted, planned.mounted);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As for [`get`](Self::get), [`Fetched::image`](crate::Fetched::image) and [`write`](Self::write); [`Error::Input`]
    /// when the source is of a media type whose parts are not known, since half a copy would be worse than none, or when
    /// one of the tags is of another repository; [`Error::Content`] with [`wharf_v1::Error::NoPlatform`] when an index
    /// lacks one of the platforms.
    pub async fn copy(
        &self,
        source: &Reference,
        destination: &Reference,
        options: &CopyOptions,
    ) -> Result<CopyReport, Error> {
        let tally = Arc::new(Tally::default());
        Job::new(self, source, destination, options, &tally).run().await
    }

    /// What [`copy`](Self::copy) would do, without writing anything.
    ///
    /// The destination is asked for every blob and manifest that it may have. Whether it would mount what it does not
    /// have is not asked: what is in another repository of the registry counts as [mounted](CopyReport::mounted).
    ///
    /// Costs 1 request for each manifest that would be read, and 1 for each blob and manifest that the destination may
    /// have.
    ///
    /// # Errors
    /// As for [`copy`](Self::copy), as far as they come from reading.
    pub async fn plan_copy(
        &self,
        source: &Reference,
        destination: &Reference,
        options: &CopyOptions,
    ) -> Result<CopyReport, Error> {
        let tally = Arc::new(Tally::default());
        Job::new(self, source, destination, options, &tally)
            .planned()
            .run()
            .await
    }
}
