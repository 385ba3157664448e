//! `crane ls`.

use futures_util::TryStreamExt as _;
use wharf_crane::{Error, tags};

use crate::context::{Context, repository};
use crate::failure::Failure;

/// What the tags begin with that stand in for the referrers API, and that signing tools make.
const DIGEST_TAG: &str = "sha256-";

/// List the tags in a repository
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The repository
    repo: String,
    /// Print whole names, REPOSITORY:TAG
    #[arg(long)]
    full_ref: bool,
    /// Leave out tags that are digests (e.g. sha256-…)
    #[arg(short = 'O', long)]
    omit_digest_tags: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let repository = repository(&args.repo)?;
    let mut pages = tags(&context.client()?, &repository);
    while let Some(page) = pages.try_next().await.map_err(Error::from)? {
        for tag in page {
            if args.omit_digest_tags && tag.starts_with(DIGEST_TAG) {
                continue;
            }
            match args.full_ref {
                true => context.out.queue(format!("{repository}:{tag}")).await?,
                false => context.out.queue(&tag).await?,
            }
        }
        context.out.flush().await?;
    }
    Ok(())
}
