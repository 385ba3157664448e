//! `crane config`.

use wharf_crane::config;

use crate::context::{Context, name};
use crate::failure::Failure;

/// Get the config of an image
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image
    image: String,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let reference = name(&args.image)?;
    let config = config(&context.client()?, &reference, context.platform()).await?;
    context.out.bytes(&config).await
}
