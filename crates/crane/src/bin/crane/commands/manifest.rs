//! `crane manifest`.

use wharf_crane::manifest;

use crate::context::{Context, name};
use crate::failure::Failure;

/// Get the manifest of an image
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image
    image: String,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let reference = name(&args.image)?;
    let manifest = manifest(&context.client()?, &reference, context.platform()).await?;
    context.out.bytes(&manifest).await
}
