//! What refers to a manifest.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use wharf::layout::{Layout, LayoutArchive};
use wharf::remote::Client;
use wharf::v1::oci_spec::image::{ANNOTATION_TITLE, Descriptor, Digest, MediaType};
use wharf::v1::{Child, Index, Visit, WalkOptions, walk};

use crate::error::is_missing;
use crate::{Error, Place};

/// What refers to the manifest of this digest, where `place` is: in its repository, or in its layout. With an artifact
/// type only what is of it.
///
/// A layout is searched; a docker archive has no such things.
///
/// # Errors
/// [`Error::Remote`] when a registry refuses or cannot be reached; [`Error::Load`] and [`Error::Content`] when a layout cannot
/// be read.
pub async fn referrers(
    client: &Client,
    place: &Place,
    subject: &Digest,
    artifact_type: Option<&str>,
) -> Result<Vec<Descriptor>, Error> {
    let index = match place {
        Place::Registry(reference) => {
            let subject = reference.repository().digest(subject.clone());
            let wanted = artifact_type.map(MediaType::from);
            return Ok(client.referrers(&subject, wanted.as_ref()).await?);
        }
        Place::Layout { path, .. } => {
            let failed = |error| Error::load("OCI layout", path, error);
            Layout::open(path)
                .await
                .map_err(failed)?
                .index()
                .await
                .map_err(failed)?
        }
        Place::LayoutArchive { path, .. } => {
            let archive = LayoutArchive::open(path).await;
            archive
                .map_err(|error| Error::load("OCI archive", path, error))?
                .index()
        }
        Place::DockerArchive { .. } => return Ok(Vec::new()),
    };
    let mut found = listed(index, subject).await?;
    if let Some(wanted) = artifact_type {
        found.retain(|descriptor| {
            descriptor
                .artifact_type()
                .as_ref()
                .is_some_and(|have| have.to_string() == wanted)
        });
    }
    Ok(found)
}

/// What a layout lists that refers to `subject`.
async fn listed(index: Arc<dyn Index>, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
    let mut found: Vec<Descriptor> = Vec::new();
    let mut visits = walk(index, WalkOptions::default());
    while let Some(visit) = visits.next().await {
        let described = match visit {
            Ok(visit) => described(&visit).await,
            Err(error) => Err(error),
        };
        let (child, refers, annotations, artifact_type) = match described {
            Ok(Some(described)) => described,
            Ok(None) => continue,
            // What is not there refers to nothing.
            Err(error) if is_missing(&error) => continue,
            Err(error) => return Err(error.into()),
        };
        let is_new =
            |descriptor: &Descriptor| found.iter().all(|known| known.digest() != descriptor.digest());
        if refers.is_some_and(|refers| refers.digest() == subject) {
            let mut descriptor = child.own_descriptor().await?;
            descriptor.set_annotations(annotations);
            if artifact_type.is_some() {
                descriptor.set_artifact_type(artifact_type);
            }
            descriptor.set_platform(None);
            if is_new(&descriptor) {
                found.push(descriptor);
            }
        }
    }
    Ok(found)
}

type Described = (
    Child,
    Option<Descriptor>,
    Option<HashMap<String, String>>,
    Option<MediaType>,
);

/// What a listed manifest is, and what it says of its subject and itself.
async fn described(visit: &Visit) -> Result<Option<Described>, wharf::v1::Error> {
    let child = visit.open().await?;
    let (subject, annotations, artifact_type) = match &child {
        Child::Image(image) => {
            let manifest = image.manifest().await?;
            let view = manifest.view()?;
            (
                view.subject().clone(),
                view.annotations().clone(),
                view.artifact_type().clone(),
            )
        }
        Child::Index(index) => {
            let manifest = index.manifest().await?;
            let view = manifest.view()?;
            (
                view.subject().clone(),
                view.annotations().clone(),
                view.artifact_type().clone(),
            )
        }
        _ => return Ok(None),
    };
    Ok(Some((child, subject, annotations, artifact_type)))
}

/// The name of the file that a layer of an artifact is.
pub(crate) fn title(layer: &Descriptor) -> Option<&str> {
    Some(layer.annotations().as_ref()?.get(ANNOTATION_TITLE)?.as_str())
}
