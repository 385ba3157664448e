//! `crane config`.

use wharf_crane::config;

use crate::context::Context;
use crate::failure::Failure;

/// Get the config of an image
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image: a reference, or oci:DIR, oci-archive:FILE, docker-archive:FILE, with or without :NAME
    image: String,
    /// Indent it; without, it is printed as it is stored
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let place = context.place(&args.image)?;
    let config = config(&context.client()?, &place, context.platform()).await?;
    context.out.document(&config, args.json).await
}
