//! `crane ls`.

use std::path::Path;

use futures_util::TryStreamExt as _;
use wharf_crane::{Error, tags};

use super::listing::Listing;
use crate::context::Context;
use crate::failure::Failure;

/// What the tags begin with that stand in for the referrers API, and that signing tools make.
const DIGEST_TAG: &str = "sha256-";

/// List the tags in a repository, or the names in a layout or archive
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The repository, or oci:DIR, oci-archive:FILE, docker-archive:FILE
    repo: String,
    /// Print whole names, REPOSITORY:TAG
    #[arg(long)]
    full_ref: bool,
    /// Leave out tags that are digests (e.g. sha256-…)
    #[arg(short = 'O', long)]
    omit_digest_tags: bool,
    /// Print JSON, when all tags are known
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let mut listing = Listing::new(args.json);
    if let Some(place) = context.local(Path::new(&args.repo))? {
        for name in place.names().await? {
            let shown = match args.full_ref {
                true => format!("{}:{name}", args.repo),
                false => name,
            };
            listing.add(shown, context).await?;
        }
        return listing.end(args.repo, "tags", context).await;
    }
    let repository = context.repository(&args.repo)?;
    let mut pages = tags(&context.client()?, &repository);
    while let Some(page) = pages.try_next().await.map_err(Error::from)? {
        for tag in page {
            if args.omit_digest_tags && tag.starts_with(DIGEST_TAG) {
                continue;
            }
            let shown = match args.full_ref {
                true => format!("{repository}:{tag}"),
                false => tag,
            };
            listing.add(shown, context).await?;
        }
        listing.page(context).await?;
    }
    listing.end(repository.to_string(), "tags", context).await
}
