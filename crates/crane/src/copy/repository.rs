//! Copying all tags of a repository.

use std::collections::HashSet;
use std::path::Path;

use futures_util::{StreamExt as _, TryStreamExt as _};
use wharf::name::{Reference, Repository, Tag};
use wharf::remote::Client;

use super::{CopyOptions, Existing, copy, copy_reported};
use crate::{CopySummary, Entry, Error, Place};

/// What became of the tags of a repository that was copied.
#[non_exhaustive]
#[derive(Debug, Default)]
pub struct CopiedTags {
    /// These are at the destination now. As the destination calls them; for a layout, as the source does.
    pub copied: Vec<Tag>,
    /// These were there before and were [kept](Existing::Keep).
    pub kept: Vec<Tag>,
    /// These could not be copied, for those reasons. None unless it is to [go on](CopyOptions::keep_going).
    pub failed: Vec<(Tag, Error)>,
    /// What was moved for those that were copied, all together. Nothing for a layout, where it is not counted.
    pub report: CopySummary,
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
    let target = |tag: &str| -> Result<(Tag, Place), Error> {
        let tag = dst.tag(tag)?;
        Ok((tag.clone(), Reference::Tag(tag).into()))
    };
    copy_tags(client, src, &there, options, &target).await
}

/// Copies all tags of a repository into a layout, which is made if it is not there: each is listed under the name of its
/// tag, in place of what has that name.
///
/// # Errors
/// As for [`copy_repository`]; [`Error::Load`] and [`Error::Save`] when the layout cannot be read or written.
pub async fn copy_repository_to_layout(
    client: &Client,
    src: &Repository,
    layout: &Path,
    options: &CopyOptions,
) -> Result<CopiedTags, Error> {
    let place = |entry| Place::Layout {
        path: layout.to_owned(),
        entry,
    };
    let is_there = tokio::fs::try_exists(layout.join("index.json")).await;
    let there = match options.existing {
        Existing::Keep if is_there.unwrap_or(true) => place(Entry::Only).names().await?.into_iter().collect(),
        _ => HashSet::new(),
    };
    let target = |tag: &str| Ok((src.tag(tag)?, place(Entry::Named(tag.to_owned()))));
    copy_tags(client, src, &there, options, &target).await
}

/// Where a tag goes, and what is told of it.
type Target<'a> = dyn Fn(&str) -> Result<(Tag, Place), Error> + Send + Sync + 'a;

/// Copies all tags that are not there yet to where `target` says.
async fn copy_tags(
    client: &Client,
    src: &Repository,
    there: &HashSet<String>,
    options: &CopyOptions,
    target: &Target<'_>,
) -> Result<CopiedTags, Error> {
    let options = &options.clone().with_existing(Existing::Overwrite);
    let mut result = CopiedTags::default();
    let tags = client.tags(src).entries();
    let tags = tags.map(|tag| target(&tag?));
    let CopiedTags {
        kept,
        copied,
        failed,
        report,
    } = &mut result;
    let missing = tags.try_filter_map(|(tag, place)| {
        let known = there.contains(tag.tag());
        if known {
            kept.push(tag.clone());
        }
        std::future::ready(Ok((!known).then_some((tag, place))))
    });
    let mut copies = missing
        .map_ok(|(tag, to)| async move {
            let from = Reference::Tag(src.tag(tag.tag())?);
            let outcome = match &to {
                Place::Registry(to) => copy_reported(client, &from, to, options)
                    .await
                    .map(|report| CopySummary::from(&report)),
                to => copy(client, &from.into(), to, options)
                    .await
                    .map(|_| CopySummary::default()),
            };
            Ok((tag, outcome))
        })
        .try_buffer_unordered(options.jobs.get())
        .boxed();
    while let Some((tag, outcome)) = copies.try_next().await? {
        match outcome {
            Ok(moved) => {
                copied.push(tag);
                report.add(&moved);
            }
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
