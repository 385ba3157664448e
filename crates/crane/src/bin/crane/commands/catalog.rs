//! `crane catalog`.

use futures_util::TryStreamExt as _;
use wharf_crane::{Error, catalog};

use crate::context::{Context, name};
use crate::failure::Failure;

/// List the repositories in a registry
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The registry
    registry: String,
    /// Print whole names, REGISTRY/REPOSITORY
    #[arg(long)]
    full_ref: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let registry = name(&args.registry)?;
    let mut pages = catalog(&context.client()?, &registry);
    while let Some(page) = pages.try_next().await.map_err(Error::from)? {
        for path in page {
            match args.full_ref {
                true => context.out.queue(format!("{}/{path}", args.registry)).await?,
                false => context.out.queue(&path).await?,
            }
        }
        context.out.flush().await?;
    }
    Ok(())
}
