//! Copying from one place to another.

mod repository;

use std::num::NonZeroUsize;

use wharf::name::Reference;
use wharf::remote::{Children, Client, CopyReport};
use wharf::v1::PlatformSpec;
use wharf::v1::oci_spec::image::Descriptor;

use crate::companions::copy_referrers;
use crate::{Entry, Error, Place};

pub use self::repository::{CopiedTags, copy_repository, copy_repository_to_layout};

/// How things are copied.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct CopyOptions {
    /// Of an index only the children for these platforms are copied: of one platform the image itself, of several
    /// an index of just them. Default: none, which is the index and all in it.
    pub platforms: Vec<PlatformSpec>,
    /// Whether an index stays as it is, and keeps its digest, although only its children for some platforms are copied;
    /// from registry to registry only, and not all registries take such an index. Default: no.
    pub sparse: bool,
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

    /// Sets whether an index stays as it is, although only some of its children are copied.
    #[must_use]
    pub fn with_sparse(mut self, sparse: bool) -> Self {
        self.sparse = sparse;
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
            sparse: false,
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
/// [`Error::NotExtendable`] when it has no place for what goes along, [`Error::NoRegistry`] when one of them is in no
/// registry and an index is to be [sparse](CopyOptions::sparse),
/// [`Error::Remote`] when a registry refuses or cannot be reached, when there is nothing to copy, or when `dst`
/// asks for another digest than the content has; else as [`Place::read`] and [`Place::write`].
pub async fn copy(
    client: &Client,
    src: &Place,
    dst: &Place,
    options: &CopyOptions,
) -> Result<Descriptor, Error> {
    if let (Place::Registry(src), Place::Registry(dst)) = (src, dst) {
        return Ok(copy_reported(client, src, dst, options).await?.descriptor);
    }
    if options.existing == Existing::Keep {
        check_absent(client, dst).await?;
    }
    if options.referrers && !matches!(dst, Place::Registry(_) | Place::Layout { .. }) {
        return Err(Error::NotExtendable {
            place: dst.to_string(),
        });
    }
    if options.sparse {
        let place = [src, dst].into_iter().find(|place| place.reference().is_none());
        return Err(Error::NoRegistry {
            place: place.unwrap_or(dst).to_string(),
        });
    }
    let copied = copy_alone(client, src, dst, &options.platforms).await?;
    if options.referrers {
        let content = src.read(client).await?.for_platforms(&options.platforms).await?;
        copy_referrers(client, src, dst, &content).await?;
    }
    Ok(copied)
}

/// Copies what `src` names to `dst`, both in registries, as [`copy`] does, and says what was moved for it.
///
/// # Errors
/// As for [`copy`].
pub async fn copy_reported(
    client: &Client,
    src: &Reference,
    dst: &Reference,
    options: &CopyOptions,
) -> Result<CopyReport, Error> {
    if options.existing == Existing::Keep {
        check_tag_absent(client, dst).await?;
    }
    Ok(client.copy(src, dst, &between_registries(options)).await?)
}

/// What [`copy_reported`] would move, without writing anything: see [`Client::plan_copy`].
///
/// # Errors
/// As for [`copy`], as far as they come from reading.
pub async fn plan_copy(
    client: &Client,
    src: &Reference,
    dst: &Reference,
    options: &CopyOptions,
) -> Result<CopyReport, Error> {
    if options.existing == Existing::Keep {
        check_tag_absent(client, dst).await?;
    }
    Ok(client.plan_copy(src, dst, &between_registries(options)).await?)
}

/// What the client is told to copy.
fn between_registries(options: &CopyOptions) -> wharf::remote::CopyOptions {
    let all = wharf::remote::CopyOptions::default()
        .with_referrers(options.referrers)
        .with_digest_tags(options.digest_tags);
    match &options.platforms[..] {
        [] => all,
        platforms if options.sparse => all.with_children(Children::Sparse(platforms.to_vec())),
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
        Place::Registry(reference) => return check_tag_absent(client, reference).await,
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

/// That no tag would be moved by writing to `dst`.
async fn check_tag_absent(client: &Client, dst: &Reference) -> Result<(), Error> {
    if let Reference::Tag(tag) = dst
        && let Some(existing) = existing(client, dst).await?
    {
        return Err(Error::Clobber {
            tag: Box::new(tag.clone()),
            existing: existing.digest().clone(),
        });
    }
    Ok(())
}

/// What the destination has. A registry may hide what one may not read behind a 403.
async fn existing(client: &Client, dst: &Reference) -> Result<Option<Descriptor>, Error> {
    match client.head(dst).await {
        Ok(descriptor) => Ok(Some(descriptor)),
        Err(error) if error.is_not_found() || error.is_denied() => Ok(None),
        Err(error) => Err(error.into()),
    }
}
