//! Copying from one place to another.

use std::collections::HashSet;
use std::num::NonZeroUsize;

use futures_util::{StreamExt as _, TryStreamExt as _};
use wharf::name::{Reference, Repository, Tag};
use wharf::remote::{Children, Client};
use wharf::v1::PlatformSpec;
use wharf::v1::oci_spec::image::Descriptor;

use crate::companions::copy_referrers;
use crate::{Entry, Error, Place};

/// How things are copied.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct CopyOptions {
    /// Of an index only the children for these platforms are copied: of one platform the image itself, of several
    /// an index of just them. Default: none, which is the index and all in it.
    pub platforms: Vec<PlatformSpec>,
    /// What becomes of a tag that the destination has. Default: it is moved.
    pub existing: Existing,
    /// Whether what refers to it is copied too: signatures, SBOMs, what refers to those, and so on. Default: no.
    pub referrers: bool,
    /// Whether tags are copied too that are named after its digest, as signing tools make them (`sha256-….sig`); from
    /// registry to registry only. Default: no.
    pub digest_tags: bool,
    /// How many tags of a repository are copied at a time. Default: 4.
    ///
    /// How many blobs move at a time is for the client to say.
    pub jobs: NonZeroUsize,
    /// Whether one tag of a repository that cannot be copied is no reason to leave the rest. Default: no.
    pub keep_going: bool,
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
    /// Copies only the children for these platforms; all if there are none.
    #[must_use]
    pub fn with_platforms(mut self, platforms: impl IntoIterator<Item = PlatformSpec>) -> Self {
        self.platforms = platforms.into_iter().collect();
        self
    }

    /// Sets what becomes of tags that the destination has.
    #[must_use]
    pub fn with_existing(mut self, existing: Existing) -> Self {
        self.existing = existing;
        self
    }

    /// Sets whether what refers to it is copied too.
    #[must_use]
    pub fn with_referrers(mut self, referrers: bool) -> Self {
        self.referrers = referrers;
        self
    }

    /// Sets whether tags are copied too that are named after its digest.
    #[must_use]
    pub fn with_digest_tags(mut self, digest_tags: bool) -> Self {
        self.digest_tags = digest_tags;
        self
    }

    /// Sets how many tags are copied at a time.
    #[must_use]
    pub fn with_jobs(mut self, jobs: NonZeroUsize) -> Self {
        self.jobs = jobs;
        self
    }

    /// Sets whether one tag that cannot be copied is no reason to leave the rest.
    #[must_use]
    pub fn with_keep_going(mut self, keep_going: bool) -> Self {
        self.keep_going = keep_going;
        self
    }
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self {
            platforms: Vec::new(),
            existing: Existing::Overwrite,
            referrers: false,
            digest_tags: false,
            jobs: const { NonZeroUsize::new(4).expect("not zero") },
            keep_going: false,
        }
    }
}

/// Copies what is at `src` to `dst` (Go: `crane.Copy`), and says what is there now.
///
/// Digests stay what they are, except in a docker archive, which has no place for manifests, and of an index that
/// loses platforms. What the destination has is not read; within a registry nothing is read but manifests.
///
/// # Errors
/// [`Error::Clobber`] or [`Error::Exists`] when the destination has something that is to be [kept](Existing::Keep),
/// [`Error::NotExtendable`] when it has no place for what goes along,
/// [`Error::Remote`] when a registry refuses or cannot be reached, when there is nothing to copy, or when `dst`
/// asks for another digest than the content has; else as [`Place::read`] and [`Place::write`].
pub async fn copy(
    client: &Client,
    src: &Place,
    dst: &Place,
    options: &CopyOptions,
) -> Result<Descriptor, Error> {
    if options.existing == Existing::Keep {
        check_absent(client, dst).await?;
    }
    if options.referrers && !matches!(dst, Place::Registry(_) | Place::Layout { .. }) {
        return Err(Error::NotExtendable {
            place: dst.to_string(),
        });
    }
    if let (Place::Registry(src), Place::Registry(dst)) = (src, dst) {
        let options = between_registries(&options.platforms)
            .with_referrers(options.referrers)
            .with_digest_tags(options.digest_tags);
        return Ok(client.copy(src, dst, &options).await?.descriptor);
    }
    let copied = copy_alone(client, src, dst, &options.platforms).await?;
    if options.referrers {
        let content = src.read(client).await?.for_platforms(&options.platforms).await?;
        copy_referrers(client, src, dst, &content).await?;
    }
    Ok(copied)
}

/// What the client is told to copy.
fn between_registries(platforms: &[PlatformSpec]) -> wharf::remote::CopyOptions {
    let all = wharf::remote::CopyOptions::default();
    match platforms {
        [] => all,
        [platform] => all.with_platform(platform.clone()),
        several => all.with_children(Children::Subset(several.to_vec())),
    }
}

/// Copies what is at `src`, and nothing that goes along with it.
pub(crate) async fn copy_alone(
    client: &Client,
    src: &Place,
    dst: &Place,
    platforms: &[PlatformSpec],
) -> Result<Descriptor, Error> {
    let content = src.read(client).await?;
    dst.write(client, &content.for_platforms(platforms).await?).await
}

/// That nothing would be lost by writing to `dst`.
async fn check_absent(client: &Client, dst: &Place) -> Result<(), Error> {
    match dst {
        Place::Registry(reference) => {
            if let Reference::Tag(tag) = reference
                && let Some(existing) = existing(client, reference).await?
            {
                return Err(Error::Clobber {
                    tag: Box::new(tag.clone()),
                    existing: existing.digest().clone(),
                });
            }
            return Ok(());
        }
        // Nothing is replaced in a layout but what has the same name.
        Place::Layout {
            entry: Entry::Named(_),
            ..
        } => match dst.read(client).await {
            Err(Error::NotListed { .. } | Error::Load { .. }) => return Ok(()),
            found => drop(found?),
        },
        Place::Layout { .. } => return Ok(()),
        Place::LayoutArchive { path, .. } | Place::DockerArchive { path, .. } => {
            if !tokio::fs::try_exists(path).await.unwrap_or(true) {
                return Ok(());
            }
        }
    }
    Err(Error::Exists {
        place: dst.to_string(),
    })
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
#[derive(Debug, Default)]
pub struct CopiedTags {
    /// These are at the destination now.
    pub copied: Vec<Tag>,
    /// These were there before and were [kept](Existing::Keep).
    pub kept: Vec<Tag>,
    /// These could not be copied, for those reasons. None unless it is to [go on](CopyOptions::keep_going).
    pub failed: Vec<(Tag, Error)>,
}

/// Copies all tags of a repository (Go: `crane.CopyRepository`).
///
/// # Errors
/// [`Error::Remote`] when the tags cannot be listed, and for the first one that cannot be copied, unless it is to
/// [go on](CopyOptions::keep_going); the rest is then given up.
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
    let (kept, copied, failed) = (&mut result.kept, &mut result.copied, &mut result.failed);
    let missing = tags.try_filter_map(|tag| {
        let known = there.contains(tag.tag());
        if known {
            kept.push(tag.clone());
        }
        std::future::ready(Ok((!known).then_some(tag)))
    });
    let mut copies = missing
        .map_ok(|tag| async move {
            let from = Reference::Tag(src.tag(tag.tag())?);
            let to = Reference::Tag(tag.clone());
            Ok((tag, copy(client, &from.into(), &to.into(), options).await))
        })
        .try_buffer_unordered(options.jobs.get())
        .boxed();
    while let Some((tag, outcome)) = copies.try_next().await? {
        match outcome {
            Ok(_) => copied.push(tag),
            Err(error) if options.keep_going => failed.push((tag, error)),
            Err(error) => return Err(error),
        }
    }
    drop(copies);
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
