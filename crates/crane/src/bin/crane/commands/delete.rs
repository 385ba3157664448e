//! `crane delete`.

use wharf_crane::delete;

use crate::context::{Context, name};
use crate::failure::Failure;

/// Delete an image from its registry
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image, by tag or digest
    image: String,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let reference = name(&args.image)?;
    delete(&context.client()?, &reference).await?;
    Ok(())
}
