//! Changing which children an index lists, and what it says of them.

use std::collections::HashMap;
use std::sync::Arc;

use oci_spec::image::{Descriptor, Digest};
use wharf_v1::{Index, Matcher, PlatformSpec};

use super::{Documents, IndexAddendum, MutatedIndex};
use crate::Error;

/// The index without the children whose entries match. When none is left the list is empty. Nested indexes
/// are children like all others; what is in them stays.
///
/// Ancestor in Go: `mutate.RemoveManifests`.
pub fn remove_children(base: Arc<dyn Index>, unwanted: Matcher) -> MutatedIndex {
    keep_children(base, unwanted.negated())
}

/// The index with only those children whose entries match. As [`remove_children`] otherwise.
///
/// ```
/// use std::sync::Arc;
/// use wharf_mutate::keep_children;
/// use wharf_v1::{IndexExt as _, Matcher, random};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
/// let base = random::index(1, 3, 1, 100);
/// let second = base.children().await?[1].digest().clone();
/// let index = keep_children(Arc::new(base), Matcher::digests([second]));
/// assert_eq!(index.children().await?.len(), 1);
/// # Ok(()) }
/// ```
pub fn keep_children(base: Arc<dyn Index>, wanted: Matcher) -> MutatedIndex {
    MutatedIndex::edited(base, move |index| {
        let children = index.manifests().iter().filter(|child| wanted.matches(child));
        let children = children.cloned().collect::<Vec<_>>();
        index.set_manifests(children);
    })
}

/// The index with only those children that are for one of these platforms, as far as the platforms are
/// stated: `linux` keeps all architectures. A child without a platform goes, attestations among them.
///
/// What `crane index filter --platform` does.
pub fn filter_platforms(
    base: Arc<dyn Index>,
    platforms: impl IntoIterator<Item = PlatformSpec>,
) -> MutatedIndex {
    let platforms: Vec<_> = platforms.into_iter().collect();
    let is_wanted = move |child: &Descriptor| {
        let have = child.platform().as_ref();
        have.is_some_and(|have| platforms.iter().any(|wanted| wanted.is_satisfied_by(have)))
    };
    keep_children(base, Matcher::from_fn(is_wanted))
}

/// The index with other entries for its children: their platforms, annotations, urls, artifact types.
///
/// `edit` sees each entry in turn. Digest, size, media type and embedded data belong to the child's
/// content, and are what they were whatever `edit` does with them.
///
/// ```
/// use std::sync::Arc;
/// use wharf_mutate::edit_children;
/// use wharf_v1::{Index as _, IndexExt as _, random};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
/// let base = random::index(1, 2, 1, 100);
/// let first = base.children().await?[0].digest().clone();
/// let index = edit_children(Arc::new(base), move |child| {
///     if *child.digest() == first {
///         let annotations = child.annotations().clone().unwrap_or_default();
///         let name = ("org.opencontainers.image.ref.name".to_owned(), "first".to_owned());
///         child.set_annotations(Some(annotations.into_iter().chain([name]).collect()));
///     }
/// });
/// assert!(index.children().await?[0].annotations().is_some());
/// # Ok(()) }
/// ```
pub fn edit_children(
    base: Arc<dyn Index>,
    edit: impl Fn(&mut Descriptor) + Send + Sync + 'static,
) -> MutatedIndex {
    MutatedIndex::edited(base, move |index| {
        let mut children = index.manifests().clone();
        for child in &mut children {
            let before = child.clone();
            edit(child);
            child
                .set_digest(before.digest().clone())
                .set_size(before.size())
                .set_media_type(before.media_type().clone())
                .set_data(before.data().clone());
        }
        index.set_manifests(children);
    })
}

/// The index with another child in the place of the one with the digest `old`, or in all its places.
///
/// What the old entry says, and neither the addendum nor the new child itself (platform, annotations, artifact type, fields that
/// nobody here knows) is said of the new one; urls and embedded data were of the old content and go.
/// Nothing else in the index follows: see [`edit_images`](crate::edit_images) for that.
///
/// # Errors
/// [`Error::NotFound`] when the index has no such child, [`Error::Content`] when something cannot be read.
pub async fn replace_child(
    base: Arc<dyn Index>,
    old: &Digest,
    new: IndexAddendum,
) -> Result<MutatedIndex, Error> {
    let manifest = base.manifest().await?;
    if !manifest
        .view()?
        .manifests()
        .iter()
        .any(|child| child.digest() == old)
    {
        return Err(Error::NotFound { digest: old.clone() });
    }
    let entry = new.descriptor().await?;
    let manifest = manifest.edit_in_place(|index| {
        let mut children = index.manifests().clone();
        for child in children.iter_mut().filter(|child| child.digest() == old) {
            let mut entry = entry.clone();
            if entry.platform().is_none() {
                entry.set_platform(child.platform().clone());
            }
            if entry.annotations().is_none() {
                entry.set_annotations(child.annotations().clone());
            }
            if entry.artifact_type().is_none() {
                entry.set_artifact_type(child.artifact_type().clone());
            }
            *child = entry;
        }
        index.set_manifests(children);
    })?;
    let children = HashMap::from([(entry.digest().clone(), new.child)]);
    Ok(MutatedIndex::computed(base, Documents { manifest, children }))
}
