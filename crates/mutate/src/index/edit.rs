//! Editing every image of an index.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_core::future::BoxFuture;
use oci_spec::image::{Descriptor, Digest, ImageIndex};
use wharf_layer::Family;
use wharf_v1::media_type::MediaTypeExt as _;
use wharf_v1::{Child, Image, Index};

use super::order::referrers_last;
use super::{Documents, MutatedIndex};
use crate::convert::Counterparts as _;
use crate::subject::{set_subject, set_subject_of_index};
use crate::{Error, platform};

/// Indexes nested deeper than this are refused.
const MAX_DEPTH: usize = 8;

/// With what [BuildKit](https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md)
/// says that a child is about another.
const REFERENCE_TYPE: &str = "vnd.docker.reference.type";
/// With what it says about which.
const REFERENCE_DIGEST: &str = "vnd.docker.reference.digest";

/// The index with `edit` applied to each of its images, also in nested indexes.
///
/// `edit` gets what the index says of an image, and the image. What it gives back takes the old one's
/// place: the entry keeps platform (as far as the config's stays), annotations, artifact type and fields
/// that nobody here knows; `urls` led to the old content and go, embedded data is renewed.
///
/// Attestations and other artifacts are no images, and `edit` does not see them. But what refers to an
/// image that changed follows: its `subject`, and the annotation `vnd.docker.reference.digest` of its
/// entry, name the new one. When nothing changes the index keeps its digest.
///
/// ```
/// use std::sync::Arc;
/// use wharf_mutate::{annotate, edit_images};
/// use wharf_v1::{IndexExt as _, random};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_mutate::Error> {
/// let base = random::index(1, 3, 1, 100);
/// let index = edit_images(Arc::new(base), async |_, image| Ok(annotate(image, [("by", "us")]))).await?;
/// assert_eq!(index.children().await?.len(), 3);
/// # Ok(()) }
/// ```
///
/// # Errors
/// What `edit` gives; [`Error::Content`] when a child cannot be read, is not what its entry says, or has a
/// streamed layer that was not read yet;
/// [`Error::TooDeep`] where indexes are nested more than 8 levels deep.
pub async fn edit_images<F, I, R>(base: Arc<dyn Index>, edit: F) -> Result<MutatedIndex, Error>
where
    F: Fn(Descriptor, Arc<dyn Image>) -> R + Send + Sync,
    R: Future<Output = Result<I, Error>> + Send,
    I: Image,
{
    let edit = &edit;
    let image = move |listed, image| -> BoxFuture<'_, Result<Arc<dyn Image>, Error>> {
        Box::pin(async move { Ok(Arc::new(edit(listed, image).await?) as Arc<dyn Image>) })
    };
    let edit = Edit {
        image: &image,
        artifacts: false,
        family: None,
    };
    edit.apply(base).await
}

/// What is done with every image.
type EditImage<'a> =
    &'a (dyn Fn(Descriptor, Arc<dyn Image>) -> BoxFuture<'a, Result<Arc<dyn Image>, Error>> + Send + Sync);

/// What is done with an index.
pub(crate) struct Edit<'a> {
    pub(crate) image: EditImage<'a>,
    /// Whether it is also done with what has a manifest but is no image.
    pub(crate) artifacts: bool,
    /// Whose media type the indexes get, if another.
    pub(crate) family: Option<Family>,
}

/// The children that were exchanged, by the digests that they had.
type Successors = HashMap<Digest, Descriptor>;

/// A child before it is edited.
struct Before {
    listed: Descriptor,
    child: Child,
    subject: Option<Digest>,
}

/// What an index will say of a child.
struct After {
    listed: Descriptor,
    child: Child,
}

impl<'a> Edit<'a> {
    pub(crate) async fn apply(&self, base: Arc<dyn Index>) -> Result<MutatedIndex, Error> {
        self.index(base, &mut Successors::new(), MAX_DEPTH).await
    }

    fn index<'b>(
        &'b self,
        base: Arc<dyn Index>,
        successors: &'b mut Successors,
        depth: usize,
    ) -> BoxFuture<'b, Result<MutatedIndex, Error>>
    where
        'a: 'b,
    {
        Box::pin(async move {
            if depth == 0 {
                return Err(Error::TooDeep { limit: MAX_DEPTH });
            }
            let before = open(&*base).await?;
            let links: Vec<_> = before
                .iter()
                .map(|before| (before.listed.digest().clone(), before.subject.clone()))
                .collect();
            let mut after: Vec<Option<After>> = before.iter().map(|_| None).collect();
            for place in referrers_last(&links) {
                after[place] = self.child(&before[place], successors, depth).await?;
            }
            let entries: Vec<_> = after
                .iter()
                .zip(&before)
                .map(|(after, before)| match after {
                    Some(after) => after.listed.clone(),
                    None => before.listed.clone(),
                })
                .map(|listed| with_reference(listed, successors))
                .collect();
            let media_type = match self.family {
                Some(family) => family.of_index(&base.media_type())?,
                None => base.media_type(),
            };
            let manifest = base.manifest().await?.edit_in_place(|index: &mut ImageIndex| {
                index.set_manifests(entries);
                if media_type != base.media_type() {
                    index.set_media_type(Some(media_type));
                }
            })?;
            let children = after
                .into_iter()
                .flatten()
                .map(|after| (after.listed.digest().clone(), after.child))
                .collect();
            Ok(MutatedIndex::computed(base, Documents { manifest, children }))
        })
    }

    /// The child as it is to be, unless it stays.
    async fn child(
        &self,
        before: &Before,
        successors: &mut Successors,
        depth: usize,
    ) -> Result<Option<After>, Error> {
        let Before {
            listed,
            child,
            subject,
        } = before;
        let subject = subject
            .as_ref()
            .and_then(|subject| successors.get(subject))
            .cloned();
        let (child, new) = match child {
            Child::Image(old) => {
                let mut image = Arc::clone(old);
                if self.artifacts || is_image(listed, old).await? {
                    image = (self.image)(listed.clone(), image).await?;
                }
                if let Some(subject) = subject {
                    image = Arc::new(set_subject(image, follow_subject(old, subject).await?));
                }
                let new = follow_image(listed, old, &image).await?;
                (Child::Image(image), new)
            }
            Child::Index(old) => {
                let mut index: Arc<dyn Index> =
                    Arc::new(self.index(Arc::clone(old), successors, depth - 1).await?);
                if let Some(new) = subject {
                    let subject = old.manifest().await?.view()?.subject().clone();
                    index = Arc::new(set_subject_of_index(
                        index,
                        subject.map(|old| followed(old, &new)),
                    ));
                }
                let manifest = index.manifest().await?;
                let new = exchanged(listed, &index.descriptor().await?, manifest.raw());
                (Child::Index(index), new)
            }
            other => {
                if let Some(family) = self.family {
                    family.allows(listed.media_type())?;
                }
                (other.clone(), listed.clone())
            }
        };
        if new == *listed {
            return Ok(None);
        }
        if new.digest() != listed.digest() {
            successors
                .entry(listed.digest().clone())
                .or_insert_with(|| new.clone());
        }
        Ok(Some(After { listed: new, child }))
    }
}

async fn open(index: &dyn Index) -> Result<Vec<Before>, Error> {
    let mut children = Vec::new();
    for listed in index.manifest().await?.view()?.manifests() {
        let child = index.child(listed).await?;
        // What was not what it is listed as would be, once it has a new entry.
        let subject = match &child {
            Child::Image(image) => {
                let manifest = image.manifest().await?;
                manifest.check(listed)?;
                manifest.view()?.subject().clone()
            }
            Child::Index(index) => {
                let manifest = index.manifest().await?;
                manifest.check(listed)?;
                manifest.view()?.subject().clone()
            }
            _ => None,
        };
        children.push(Before {
            listed: listed.clone(),
            child,
            subject: subject.map(|subject| subject.digest().clone()),
        });
    }
    Ok(children)
}

/// Whether a child is an image to run, and not about one.
async fn is_image(listed: &Descriptor, image: &dyn Image) -> Result<bool, Error> {
    let is_about_another = listed
        .annotations()
        .as_ref()
        .is_some_and(|annotations| annotations.contains_key(REFERENCE_TYPE));
    let is_for_none = listed
        .platform()
        .as_ref()
        .is_some_and(|platform| platform.os().to_string() == "unknown");
    if is_about_another || is_for_none {
        return Ok(false);
    }
    Ok(image.manifest().await?.view()?.config().media_type().is_config())
}

/// What a manifest's `subject` is to be, now that `new` is in the place of the old one.
async fn follow_subject(image: &dyn Image, new: Descriptor) -> Result<Option<Descriptor>, Error> {
    let subject = image.manifest().await?.view()?.subject().clone();
    Ok(subject.map(|old| followed(old, &new)))
}

fn followed(mut subject: Descriptor, new: &Descriptor) -> Descriptor {
    subject
        .set_media_type(new.media_type().clone())
        .set_digest(new.digest().clone())
        .set_size(new.size())
        .set_data(None)
        .set_urls(None);
    subject
}

/// The entry of an image whose content was exchanged.
async fn follow_image(
    listed: &Descriptor,
    old: &dyn Image,
    new: &Arc<dyn Image>,
) -> Result<Descriptor, Error> {
    let manifest = new.manifest().await?;
    let mut entry = exchanged(listed, &new.descriptor().await?, manifest.raw());
    if entry == *listed {
        return Ok(entry);
    }
    let before = old.manifest().await?;
    let (before, after) = (before.view()?.config(), manifest.view()?.config());
    if listed.artifact_type().as_ref() == Some(before.media_type()) {
        entry.set_artifact_type(Some(after.media_type().clone()));
    }
    if before.digest() != after.digest() && after.media_type().is_config() && before.media_type().is_config()
    {
        let (before, after) = (old.config().await?, new.config().await?);
        entry.set_platform(platform::following(
            listed.platform().as_ref(),
            before.view()?,
            after.view()?,
        ));
    }
    Ok(entry)
}

/// The entry of a child that has other bytes, which are `raw`.
fn exchanged(listed: &Descriptor, new: &Descriptor, raw: &[u8]) -> Descriptor {
    let mut entry = listed.clone();
    entry.set_media_type(new.media_type().clone());
    if entry.digest() == new.digest() {
        return entry;
    }
    entry
        .set_digest(new.digest().clone())
        .set_size(new.size())
        .set_urls(None);
    if entry.data().is_some() {
        entry.set_data(Some(STANDARD.encode(raw)));
    }
    entry
}

/// The entry with its reference to another child followed.
fn with_reference(mut entry: Descriptor, successors: &Successors) -> Descriptor {
    let reference = entry
        .annotations()
        .as_ref()
        .and_then(|all| all.get(REFERENCE_DIGEST));
    let successor = reference
        .and_then(|reference| reference.parse::<Digest>().ok())
        .and_then(|reference| successors.get(&reference));
    if let (Some(successor), Some(mut annotations)) = (successor, entry.annotations().clone()) {
        annotations.insert(REFERENCE_DIGEST.to_owned(), successor.digest().to_string());
        entry.set_annotations(Some(annotations));
    }
    entry
}
