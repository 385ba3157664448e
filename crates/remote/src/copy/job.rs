//! One copy, or the plan of one.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::{try_join, try_join_all};
use oci_spec::image::{Descriptor, Digest};
use wharf_name::Reference;
use wharf_v1::PlatformSpec;
use wharf_v1::media_type::MediaTypeExt as _;

use crate::copy::plan::Plan;
use crate::copy::schema1::is_schema1;
use crate::copy::{Children, CopyOptions, CopyReport};
use crate::error::{Error, Misuse, Operation};
use crate::events::Event;
use crate::read::{Fetched, RemoteImage, RemoteIndex};
use crate::tally::Tally;
use crate::write::{Destination, Tip};
use crate::{Client, wire};

/// One copy.
pub(super) struct Job<'a> {
    pub(super) client: Client,
    pub(super) source: &'a Reference,
    pub(super) destination: &'a Reference,
    pub(super) options: &'a CopyOptions,
    pub(super) into: Destination,
    tally: Arc<Tally>,
    /// What to do instead of writing.
    plan: Option<Plan>,
}

/// What is copied under one reference.
enum What {
    Image(RemoteImage),
    /// An index, and those of its children that are, if they are not all.
    Index(RemoteIndex, Option<Arc<HashSet<Digest>>>),
    Schema1(Box<Fetched>),
}

/// What was copied under one reference.
pub(super) struct Copied {
    pub(super) descriptor: Descriptor,
    raw: Bytes,
    /// The manifest, and of an index the children that were copied.
    pub(super) manifests: Vec<Digest>,
}

impl<'a> Job<'a> {
    pub(super) fn new(
        client: &Client,
        source: &'a Reference,
        destination: &'a Reference,
        options: &'a CopyOptions,
        tally: &Arc<Tally>,
    ) -> Self {
        let client = client.tallied(Arc::clone(tally));
        Self {
            into: client.destination(destination.repository()),
            client,
            source,
            destination,
            options,
            tally: Arc::clone(tally),
            plan: None,
        }
    }

    /// The same, without writing anything.
    pub(super) fn planned(mut self) -> Self {
        self.plan = Some(Plan::new(Arc::clone(&self.tally)));
        self
    }

    pub(super) async fn run(self) -> Result<CopyReport, Error> {
        if let Some(tag) = self
            .options
            .tags
            .iter()
            .find(|tag| tag.repository() != self.destination.repository())
        {
            let misuse = Misuse::OtherRepository { tag: tag.clone() };
            return Err(Error::input(Operation::WriteManifest, self.destination, misuse));
        }
        let CopyOptions {
            platform, children, ..
        } = self.options;
        let copied = self
            .one(self.source, self.destination, platform.as_ref(), children)
            .await?;
        self.tag(&copied).await?;
        self.companions(copied.manifests).await?;
        Ok(self.tally.report(copied.descriptor))
    }

    /// Copies what one reference names, and nothing that goes along with it.
    pub(super) async fn one(
        &self,
        source: &Reference,
        destination: &Reference,
        platform: Option<&PlatformSpec>,
        children: &Children,
    ) -> Result<Copied, Error> {
        let (fetched, tip) = try_join(self.client.get(source), self.tip(source, destination)).await?;
        let what = select(fetched, platform, children).await?;
        let copied = what.as_copied().await?;
        let is_tip = tip.is_some_and(|tip| tip.digest() == copied.descriptor.digest());
        // Of an index that is there some children may not be.
        if is_tip && !matches!(what, What::Index(_, Some(_))) {
            self.client.events().emit(Event::ManifestExists {
                reference: destination,
                descriptor: &copied.descriptor,
            });
            return Ok(copied);
        }
        let failed = |error| Error::content(Operation::Get, source, error);
        if let Some(plan) = &self.plan {
            plan.manifest(&copied.descriptor);
            match &what {
                What::Image(image) => plan.image(&self.into, image).await,
                What::Index(index, only) => plan.index(&self.into, index, only.as_deref()).await,
                What::Schema1(fetched) => plan.schema1(&self.into, fetched).await,
            }
            .map_err(failed)?;
            return Ok(copied);
        }
        match &what {
            What::Image(image) => self.into.write_image(destination, image, Tip::Differs).await?,
            What::Index(index, only) => {
                let into = self.into.with_children(only.clone());
                into.write_index(destination, index, Tip::Differs).await?
            }
            What::Schema1(fetched) => self.into.write_schema1(destination, fetched).await?,
        };
        Ok(copied)
    }

    /// What the destination names. That it is nothing, or cannot be told, is found out by what follows.
    async fn tip(&self, source: &Reference, destination: &Reference) -> Result<Option<Descriptor>, Error> {
        if source.repository() == destination.repository() {
            // All parts are there: to write the manifest again takes no longer than to ask for it.
            return Ok(None);
        }
        let context = wire::push(destination.repository());
        match self.client.try_head(context, destination).await {
            Err(error) if error.status().is_none() && error.transport().is_some() => Err(error),
            outcome => Ok(outcome.ok().flatten()),
        }
    }

    /// Gives what was copied its other names.
    async fn tag(&self, copied: &Copied) -> Result<(), Error> {
        let descriptor = &copied.descriptor;
        if let Some(plan) = &self.plan {
            self.options.tags.iter().for_each(|_| plan.manifest(descriptor));
            return Ok(());
        }
        let tags: Vec<Reference> = self.options.tags.iter().cloned().map(Reference::Tag).collect();
        let mut puts = Vec::new();
        for tag in &tags {
            puts.push(self.into.put_manifest_alone(tag, descriptor, copied.raw.clone()));
        }
        try_join_all(puts).await.map(drop)
    }
}

/// What of it is copied.
async fn select(
    fetched: Fetched,
    platform: Option<&PlatformSpec>,
    children: &Children,
) -> Result<What, Error> {
    let media_type = fetched.media_type();
    if media_type.is_image() || (platform.is_some() && media_type.is_index()) {
        return Ok(What::Image(fetched.image(platform).await?));
    }
    if media_type.is_index() {
        let index = fetched.index()?;
        let failed = |error| Error::content(Operation::Get, fetched.reference(), error);
        return match children {
            Children::All => Ok(What::Index(index, None)),
            Children::Sparse(platforms) => {
                let only = choose(&index, platforms).await.map_err(failed)?;
                Ok(What::Index(index, Some(Arc::new(only))))
            }
            Children::Subset(platforms) => {
                let only = choose(&index, platforms).await.map_err(failed)?;
                Ok(What::Index(index.subset(&only).await?, None))
            }
        };
    }
    if is_schema1(&fetched) {
        return Ok(What::Schema1(Box::new(fetched)));
    }
    let misuse = Misuse::Unsupported {
        media_type: media_type.clone(),
    };
    Err(Error::input(Operation::Get, fetched.reference(), misuse))
}

/// The children for these platforms.
async fn choose(index: &RemoteIndex, platforms: &[PlatformSpec]) -> Result<HashSet<Digest>, wharf_v1::Error> {
    let manifest = index.load().await?;
    let children = manifest.view()?.manifests();
    let chosen = platforms.iter().map(|platform| {
        let child = platform.find(children)?;
        Ok(child.digest().clone())
    });
    chosen.collect()
}

impl What {
    async fn as_copied(&self) -> Result<Copied, Error> {
        let (descriptor, raw) = match self {
            Self::Image(image) => (image.as_descriptor(), image.load().await?.raw()),
            Self::Index(index, _) => (index.as_descriptor(), index.load().await?.raw()),
            Self::Schema1(fetched) => (fetched.descriptor(), fetched.raw()),
        };
        let mut manifests = vec![descriptor.digest().clone()];
        if let Self::Index(index, only) = self {
            let failed = |error| {
                let target = Reference::Digest(index.repository().digest(descriptor.digest().clone()));
                Error::content(Operation::Get, &target, error)
            };
            let children = index.load().await?.view().map_err(failed)?.manifests();
            let copied = children.iter().filter(|child| {
                let is_manifest = child.media_type().is_image() || child.media_type().is_index();
                is_manifest && only.as_ref().is_none_or(|only| only.contains(child.digest()))
            });
            manifests.extend(copied.map(|child| child.digest().clone()));
        }
        Ok(Copied {
            descriptor: descriptor.clone(),
            raw: raw.clone(),
            manifests,
        })
    }
}
