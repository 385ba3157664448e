//! Indexes: listing, filtering, adding to them.

use std::sync::Arc;

use wharf::layout::{AppendOptions, Layout};
use wharf::mutate::{IndexAddendum, append_children, filter_platforms};
use wharf::v1::oci_spec::image::{Descriptor, Digest, Platform};
use wharf::v1::{Child, Index, IndexExt as _, PlatformSpec};

use crate::{Content, Error};

/// How [`append_to_index`] adds.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nesting {
    /// Of an index, what it lists is added.
    #[default]
    Flatten,
    /// An index is added as such.
    Nest,
}

/// The index with more in it, after what it has (Go: `crane index append`).
///
/// What it has already, for the same platform, is not added again. The platform of an image is what the index says
/// that it comes from, else what its config says.
///
/// # Errors
/// [`Error::Content`] when something cannot be read, [`Error::NoImage`] for what is neither image nor index.
pub async fn append_to_index(
    base: Arc<dyn Index>,
    contents: &[Content],
    nesting: Nesting,
) -> Result<Arc<dyn Index>, Error> {
    let mut known: Vec<(Digest, Option<Platform>)> = base.children().await?.iter().map(key).collect();
    let mut addenda = Vec::new();
    for (child, listed) in children(contents, nesting).await? {
        let entry = entry(&child, listed.as_ref()).await?;
        let key = key(&entry);
        if known.contains(&key) {
            continue;
        }
        known.push(key);
        let mut addendum = IndexAddendum::new(child);
        if let Some(platform) = entry.platform() {
            addendum = addendum.with_platform(platform.clone());
        }
        if let Some(annotations) = entry.annotations() {
            addendum = addendum.with_annotations(annotations.clone());
        }
        addenda.push(addendum);
    }
    if addenda.is_empty() {
        return Ok(base);
    }
    Ok(Arc::new(append_children(base, addenda)))
}

/// Adds to what a layout lists, as [`append_to_index`] does to an index.
///
/// # Errors
/// As there, and [`Error::Save`] when the layout cannot be written.
pub async fn append_to_layout(layout: &Layout, contents: &[Content], nesting: Nesting) -> Result<(), Error> {
    let failed = |error| Error::save("OCI layout", layout.path(), error);
    let listed = layout.index().await.map_err(failed)?.children().await?;
    let mut known: Vec<(Digest, Option<Platform>)> = listed.iter().map(key).collect();
    let mut transaction = layout.transaction();
    for (child, listed) in children(contents, nesting).await? {
        let entry = entry(&child, listed.as_ref()).await?;
        let key = key(&entry);
        if known.contains(&key) {
            continue;
        }
        known.push(key);
        let mut options = AppendOptions::new();
        if let Some(platform) = entry.platform() {
            options = options.with_platform(platform.clone());
        }
        for (name, value) in entry.annotations().iter().flatten() {
            options = options.with_annotation(name, value);
        }
        match child {
            Child::Image(image) => transaction.append_image(&image, &options).await.map(drop),
            Child::Index(index) => transaction.append_index(&index, &options).await.map(drop),
            other => {
                return Err(Error::NoImage {
                    media_type: other.own_descriptor().await?.media_type().clone(),
                });
            }
        }
        .map_err(failed)?;
    }
    transaction.commit().await.map(drop).map_err(failed)
}

/// What is to be added, with what the index says of it that it comes from.
async fn children(contents: &[Content], nesting: Nesting) -> Result<Vec<(Child, Option<Descriptor>)>, Error> {
    let mut children = Vec::new();
    for content in contents {
        match content {
            Content::Image(image) => children.push((Child::Image(Arc::clone(image)), None)),
            Content::Index(index) if nesting == Nesting::Nest => {
                children.push((Child::Index(Arc::clone(index)), None));
            }
            Content::Index(index) => {
                for listed in index.children().await? {
                    children.push((index.child(&listed).await?, Some(listed)));
                }
            }
            Content::Other { descriptor, .. } => {
                return Err(Error::NoImage {
                    media_type: descriptor.media_type().clone(),
                });
            }
        }
    }
    Ok(children)
}

async fn entry(child: &Child, listed: Option<&Descriptor>) -> Result<Descriptor, Error> {
    match listed {
        Some(listed) if listed.platform().is_some() => Ok(listed.clone()),
        _ => Ok(child.own_descriptor().await?),
    }
}

fn key(entry: &Descriptor) -> (Digest, Option<Platform>) {
    (entry.digest().clone(), entry.platform().clone())
}

/// The index with only the children for these platforms, as far as the platforms are stated (Go: `crane index filter`).
///
/// # Errors
/// [`Error::NothingLeft`] when that would be none, [`Error::Content`] when it cannot be read.
pub async fn filter_index(base: Arc<dyn Index>, platforms: &[PlatformSpec]) -> Result<Arc<dyn Index>, Error> {
    let filtered = filter_platforms(base, platforms.iter().cloned());
    if filtered.children().await?.is_empty() {
        let wanted: Vec<String> = platforms.iter().map(ToString::to_string).collect();
        return Err(Error::NothingLeft {
            platforms: wanted.join(", "),
        });
    }
    Ok(Arc::new(filtered))
}
