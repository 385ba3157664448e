//! Removing what nobody needs any more, while servers use the bucket.
//!
//! No object store deletes on condition that nobody links to the object, and no server asks another. What keeps the
//! content of an upload that ends at the same time is an order of steps. The collector copies content aside, deletes it,
//! and only then looks for links: what has one by then goes back. A server links first, and then looks whether the content
//! is there: if not, it makes it again of the upload, which it still has, or refuses to mount. Whichever of the two looks
//! last sees what the other has done. No clock matters for that; the grace period only spares the two the meeting.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, SystemTime};

use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::ObjectMeta;
use object_store::path::Path;
use oci_spec::image::Digest;

use crate::name::RepositoryName;
use crate::store::{Error, Garbage, UploadId};

use super::BucketStore;

/// Objects that are moved or deleted at once.
const AT_ONCE: usize = 16;

/// What another collector set aside that long ago, it does not come back for.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// What is garbage in a bucket, and whether it is removed.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct BucketGarbageOptions {
    /// Whether it is only told what would be removed. Default: no.
    pub dry_run: bool,
    /// Content stays that came within this time. Default: one hour.
    pub grace: Duration,
    /// For how long an upload is kept that nothing is appended to. Default: one day.
    pub upload_expiry: Duration,
}

impl Default for BucketGarbageOptions {
    fn default() -> Self {
        Self {
            dry_run: false,
            grace: Duration::from_secs(60 * 60),
            upload_expiry: Duration::from_secs(24 * 60 * 60),
        }
    }
}

impl BucketGarbageOptions {
    /// Sets [`dry_run`](Self::dry_run).
    #[must_use]
    pub fn with_dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// Sets [`grace`](Self::grace).
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets [`upload_expiry`](Self::upload_expiry).
    #[must_use]
    pub fn with_upload_expiry(mut self, upload_expiry: Duration) -> Self {
        self.upload_expiry = upload_expiry;
        self
    }
}

/// What one list of the bucket says.
#[derive(Default)]
struct Survey {
    /// Digests that some repository has.
    linked: HashSet<Digest>,
    /// Uploads with the time of their latest object, and their objects.
    uploads: BTreeMap<(RepositoryName, String), Upload>,
}

struct Upload {
    id: UploadId,
    latest: SystemTime,
    objects: Vec<Path>,
}

/// Content that is in nobody's way any more, but not gone yet.
#[derive(Debug)]
struct Aside {
    digest: Digest,
    size: u64,
    key: Path,
    /// Whether it is for this run to end. What another one may be at is put back if need be, and left where it is.
    is_ours: bool,
}

impl BucketStore {
    /// Removes content that no repository has, and uploads that nobody goes on with. Servers may use the bucket
    /// meanwhile, and so may other collectors.
    ///
    /// What is in a repository stays, also a blob that no manifest names: somebody may have asked whether it is there,
    /// and push a manifest next. Deleting it from the repository makes it garbage. The digests of all blobs are in memory
    /// during a run. Multipart uploads that a server did not end before it was killed are not seen as objects: let a rule
    /// of the bucket remove those after a day.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use object_store::memory::InMemory;
    /// use wharf_registry::store::{BucketGarbageOptions, BucketStore};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let store = BucketStore::new(Arc::new(InMemory::new()), "registry");
    /// let garbage = store.collect_garbage(BucketGarbageOptions::default()).await?;
    /// assert_eq!(garbage.bytes(), 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// What the bucket fails with. What was removed until then was garbage. What is aside then, below `garbage/`, comes
    /// back with the next run if a repository has it, and goes with one that is a day later if none has.
    pub async fn collect_garbage(&self, options: BucketGarbageOptions) -> Result<Garbage, Error> {
        let run = UploadId::random();
        let candidates = self.unlinked(options.grace).await?;
        let mut garbage = Garbage::default();
        if options.dry_run {
            garbage.content = candidates;
        } else {
            let mut aside = self.left_aside().await?;
            aside.extend(self.set_aside(&run, candidates).await?);
            garbage.content = self.settle(aside).await?;
        }
        garbage
            .content
            .sort_unstable_by(|(a, _), (b, _)| a.as_ref().cmp(b.as_ref()));
        garbage.uploads = self.remove_stale_uploads(&options).await?;
        Ok(garbage)
    }

    /// Old content that no repository has, with its size.
    async fn unlinked(&self, grace: Duration) -> Result<Vec<(Digest, u64)>, Error> {
        let mut content = Vec::new();
        let see = |object: &ObjectMeta| {
            if let Some(digest) = self.keys.content(&object.location)
                && is_older(object, grace)
            {
                content.push((digest, object.size));
            }
        };
        self.objects.for_each_object(&self.keys.blobs(), see).await?;
        let linked = self.survey().await?.linked;
        content.retain(|(digest, _)| !linked.contains(digest));
        Ok(content)
    }

    /// What other runs have set aside.
    async fn left_aside(&self) -> Result<Vec<Aside>, Error> {
        let mut aside = Vec::new();
        let see = |object: &ObjectMeta| {
            aside.extend(self.keys.content(&object.location).map(|digest| Aside {
                digest,
                size: object.size,
                key: object.location.clone(),
                is_ours: is_older(object, ABANDONED),
            }));
        };
        self.objects.for_each_object(&self.keys.garbage(), see).await?;
        Ok(aside)
    }

    /// Moves content to a place of this run.
    async fn set_aside(&self, run: &UploadId, content: Vec<(Digest, u64)>) -> Result<Vec<Aside>, Error> {
        let moving = content.into_iter().map(async |(digest, size)| {
            let (blob, key) = (self.keys.blob(&digest), self.keys.set_aside(run, &digest));
            // Another collector may have been faster.
            let is_there = self.objects.copy_if_there(&blob, &key).await?;
            if is_there {
                self.objects.delete(&blob).await?;
            }
            let is_ours = true;
            Ok::<_, Error>(is_there.then_some(Aside {
                digest,
                size,
                key,
                is_ours,
            }))
        });
        let moved: Vec<Option<Aside>> = futures_util::stream::iter(moving)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(moved.into_iter().flatten().collect())
    }

    /// Puts back what some repository has by now, and deletes the rest that is ours, which it gives.
    async fn settle(&self, aside: Vec<Aside>) -> Result<Vec<(Digest, u64)>, Error> {
        if aside.is_empty() {
            return Ok(Vec::new());
        }
        let linked = &self.survey().await?.linked;
        let settling = aside.into_iter().map(async |aside| {
            let is_needed = linked.contains(&aside.digest);
            let blob = self.keys.blob(&aside.digest);
            if is_needed && !self.objects.exists(&blob).await? {
                // Gone if whose it is has settled it.
                self.objects.copy_if_there(&aside.key, &blob).await?;
            }
            if aside.is_ours {
                self.objects.delete(&aside.key).await?;
            }
            Ok::<_, Error>((aside.is_ours && !is_needed).then_some((aside.digest, aside.size)))
        });
        let gone: Vec<Option<(Digest, u64)>> = futures_util::stream::iter(settling)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(gone.into_iter().flatten().collect())
    }

    async fn remove_stale_uploads(
        &self,
        options: &BucketGarbageOptions,
    ) -> Result<Vec<(RepositoryName, UploadId)>, Error> {
        let mut stale = Vec::new();
        for ((repository, _), upload) in self.survey().await?.uploads {
            if !has_passed(upload.latest, options.upload_expiry) {
                continue;
            }
            if !options.dry_run {
                // From when the beginning is gone there is no such upload.
                self.objects
                    .delete(&self.keys.begun(&repository, &upload.id))
                    .await?;
                for key in &upload.objects {
                    self.objects.delete(key).await?;
                }
            }
            stale.push((repository, upload.id));
        }
        Ok(stale)
    }

    async fn survey(&self) -> Result<Survey, Error> {
        let mut survey = Survey::default();
        let see = |object: &ObjectMeta| {
            let key = &object.location;
            if let Some(digest) = self.keys.linked(key) {
                survey.linked.insert(digest);
            } else if let Some((repository, id)) = self.keys.uploading(key) {
                let changed = SystemTime::from(object.last_modified);
                let upload = survey
                    .uploads
                    .entry((repository, id.to_string()))
                    .or_insert_with(|| Upload {
                        id,
                        latest: changed,
                        objects: Vec::new(),
                    });
                upload.latest = upload.latest.max(changed);
                upload.objects.push(key.clone());
            }
        };
        self.objects
            .for_each_object(&self.keys.repositories(), see)
            .await?;
        Ok(survey)
    }
}

fn is_older(object: &ObjectMeta, age: Duration) -> bool {
    has_passed(SystemTime::from(object.last_modified), age)
}

/// A time in the future is a clock that differs: too young, unless no age is asked for.
fn has_passed(time: SystemTime, age: Duration) -> bool {
    age.is_zero() || time.elapsed().is_ok_and(|passed| passed >= age)
}

#[cfg(test)]
mod tests;
