//! What a manifest is about: its subject, and what kind of artifact it is.

use std::sync::Arc;

use oci_spec::image::{Descriptor, MediaType};
use wharf_v1::{Image, Index};

use crate::change::Change;
use crate::{MutatedImage, MutatedIndex};

/// The image with this manifest as its [subject](https://github.com/opencontainers/image-spec/blob/main/manifest.md),
/// or with none. All later edits carry it along.
///
/// ```
/// use std::sync::Arc;
/// use wharf_mutate::{annotate, set_subject};
/// use wharf_v1::{Image as _, empty, random};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
/// let subject = random::image(1, 1, 100).descriptor().await?;
/// let referrer = set_subject(Arc::new(empty::oci_image()), subject.clone());
/// let referrer = annotate(Arc::new(referrer), [("later", "edit")]);
/// assert_eq!(referrer.manifest().await?.view()?.subject().as_ref(), Some(&subject));
/// # Ok(()) }
/// ```
///
/// Ancestor in Go: `mutate.Subject`.
pub fn set_subject(base: Arc<dyn Image>, subject: impl Into<Option<Descriptor>>) -> MutatedImage {
    let subject = subject.into();
    MutatedImage::new(
        base,
        Change::manifest(move |manifest| {
            manifest.set_subject(subject.clone());
        }),
    )
}

/// The index with this manifest as its subject, or with none.
///
/// Ancestor in Go: `mutate.Subject`.
pub fn set_subject_of_index(base: Arc<dyn Index>, subject: impl Into<Option<Descriptor>>) -> MutatedIndex {
    let subject = subject.into();
    MutatedIndex::edited(base, move |index| {
        index.set_subject(subject.clone());
    })
}

/// The image with this artifact type in its manifest, or with none. That of a manifest without one is
/// the media type of its config.
pub fn set_artifact_type(base: Arc<dyn Image>, artifact_type: impl Into<Option<MediaType>>) -> MutatedImage {
    let artifact_type = artifact_type.into();
    MutatedImage::new(
        base,
        Change::manifest(move |manifest| {
            manifest.set_artifact_type(artifact_type.clone());
        }),
    )
}

/// The index with this artifact type, or with none.
pub fn set_artifact_type_of_index(
    base: Arc<dyn Index>,
    artifact_type: impl Into<Option<MediaType>>,
) -> MutatedIndex {
    let artifact_type = artifact_type.into();
    MutatedIndex::edited(base, move |index| {
        index.set_artifact_type(artifact_type.clone());
    })
}
