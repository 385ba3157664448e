//! Copying from one place in a registry to another.

use std::collections::HashSet;
use std::num::NonZeroUsize;

use futures_util::{StreamExt as _, TryStreamExt as _};
use wharf::name::{Reference, Repository, Tag};
use wharf::remote::Client;
use wharf::v1::PlatformSpec;
use wharf::v1::oci_spec::image::Descriptor;

use crate::Error;

/// How things are copied.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct CopyOptions {
    /// Of an index only the child for this platform is copied. Default: none, the index and all in it.
    pub platform: Option<PlatformSpec>,
    /// What becomes of a tag that the destination has. Default: it is moved.
    pub existing: Existing,
    /// How many tags of a repository are copied at a time. Default: 4.
    ///
    /// How many blobs move at a time is for the client to say.
    pub jobs: NonZeroUsize,
}

/// What becomes of a tag that the destination has.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// It is moved to what is copied.
    #[default]
    Overwrite,
    /// It stays as it is, even if it points at the same content.
    Keep,
}

impl CopyOptions {
    /// Copies only the child for a platform.
    #[must_use]
    pub fn with_platform(mut self, platform: Option<&PlatformSpec>) -> Self {
        self.platform = platform.cloned();
        self
    }

    /// Sets what becomes of tags that the destination has.
    #[must_use]
    pub fn with_existing(mut self, existing: Existing) -> Self {
        self.existing = existing;
        self
    }

    /// Sets how many tags are copied at a time.
    #[must_use]
    pub fn with_jobs(mut self, jobs: NonZeroUsize) -> Self {
        self.jobs = jobs;
        self
    }
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self {
            platform: None,
            existing: Existing::Overwrite,
            jobs: const { NonZeroUsize::new(4).expect("not zero") },
        }
    }
}

/// Copies what `src` names to `dst`; digests stay what they are (Go: `crane.Copy`).
///
/// What the destination has is not read; within a registry nothing is read but manifests.
///
/// # Errors
/// [`Error::Clobber`] when the tag exists and is to be [kept](Existing::Keep), [`Error::Remote`] when
/// a registry refuses or cannot be reached, when there is nothing to copy, or when `dst` asks for
/// another digest than the content has.
pub async fn copy(
    client: &Client,
    src: &Reference,
    dst: &Reference,
    options: &CopyOptions,
) -> Result<Descriptor, Error> {
    if let (Existing::Keep, Reference::Tag(tag)) = (options.existing, dst)
        && let Some(existing) = existing(client, dst).await?
    {
        return Err(Error::Clobber {
            tag: Box::new(tag.clone()),
            existing: existing.digest().clone(),
        });
    }
    let mut what = wharf::remote::CopyOptions::default();
    what.platform = options.platform.clone();
    Ok(client.copy(src, dst, &what).await?)
}

/// What the destination has. A registry may hide what one may not read behind a 403.
async fn existing(client: &Client, dst: &Reference) -> Result<Option<Descriptor>, Error> {
    match client.head(dst).await {
        Ok(descriptor) => Ok(Some(descriptor)),
        Err(error) if error.is_not_found() || error.is_denied() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What became of the tags of a repository that was copied.
#[non_exhaustive]
#[derive(Clone, Debug, Default)]
pub struct CopiedTags {
    /// These are at the destination now.
    pub copied: Vec<Tag>,
    /// These were there before and were [kept](Existing::Keep).
    pub kept: Vec<Tag>,
}

/// Copies all tags of a repository (Go: `crane.CopyRepository`).
///
/// # Errors
/// [`Error::Remote`] for the first tag that cannot be copied; the rest is then given up.
pub async fn copy_repository(
    client: &Client,
    src: &Repository,
    dst: &Repository,
    options: &CopyOptions,
) -> Result<CopiedTags, Error> {
    let there = match options.existing {
        Existing::Keep => tags_of(client, dst).await?,
        Existing::Overwrite => HashSet::new(),
    };
    let options = &options.clone().with_existing(Existing::Overwrite);
    let mut result = CopiedTags::default();
    let tags = client
        .tags(src)
        .entries()
        .map(|tag| Ok::<_, Error>(dst.tag(&tag?)?));
    let (kept, copied) = (&mut result.kept, &mut result.copied);
    let missing = tags.try_filter_map(|tag| {
        let known = there.contains(tag.tag());
        if known {
            kept.push(tag.clone());
        }
        std::future::ready(Ok((!known).then_some(tag)))
    });
    let copies = missing.map_ok(|tag| async move {
        let from = Reference::Tag(src.tag(tag.tag())?);
        copy(client, &from, &Reference::Tag(tag.clone()), options).await?;
        Ok(tag)
    });
    *copied = copies
        .try_buffer_unordered(options.jobs.get())
        .try_collect()
        .await?;
    Ok(result)
}

/// The tags of a repository that may not exist yet.
async fn tags_of(client: &Client, repository: &Repository) -> Result<HashSet<String>, Error> {
    match client.tags(repository).collect_all().await {
        Ok(tags) => Ok(tags.into_iter().collect()),
        Err(error) if error.is_not_found() || error.is_denied() => Ok(HashSet::new()),
        Err(error) => Err(error.into()),
    }
}
