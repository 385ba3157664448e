//! `crane manifest`.

use wharf_crane::manifest;

use crate::context::Context;
use crate::failure::Failure;

/// Get the manifest of an image
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
    let manifest = manifest(&context.client()?, &place, context.platform()).await?;
    context.out.document(&manifest, args.json).await
}
