//! `crane catalog`.

use futures_util::TryStreamExt as _;
use wharf_crane::{Error, catalog};

use super::listing::Listing;
use crate::context::Context;
use crate::failure::Failure;

/// List the repositories in a registry
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The registry
    registry: String,
    /// Print whole names, REGISTRY/REPOSITORY
    #[arg(long)]
    full_ref: bool,
    /// Print JSON, when all repositories are known
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let registry = context.registry(&args.registry)?;
    let mut pages = catalog(&context.client()?, &registry);
    let mut listing = Listing::new(args.json);
    while let Some(page) = pages.try_next().await.map_err(Error::from)? {
        for path in page {
            let shown = match args.full_ref {
                true => format!("{}/{path}", args.registry),
                false => path,
            };
            listing.add(shown, context).await?;
        }
        listing.page(context).await?;
    }
    listing.end(registry.to_string(), "repositories", context).await
}
