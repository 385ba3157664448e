//! `crane delete`.

use wharf_crane::delete;

use crate::context::{Context, place};
use crate::failure::Failure;

/// Delete an image from its registry, or from the list of a layout
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image, by tag or digest, or oci:DIR:NAME, oci:DIR@DIGEST
    image: String,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    delete(&context.client()?, &place(&args.image)?).await?;
    Ok(())
}
