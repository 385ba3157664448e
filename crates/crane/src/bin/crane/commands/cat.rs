//! `crane cat`.

use wharf_crane::read_file;

use crate::context::Context;
use crate::failure::Failure;

/// Print a file of an image
///
/// Links are followed within the image. Nothing is printed before the whole image was read and found good.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image: a reference, or oci:DIR, oci-archive:FILE, docker-archive:FILE, with or without :NAME
    image: String,
    /// The file's path
    path: String,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let place = context.place(&args.image)?;
    let content = read_file(&context.client()?, &place, context.platform(), &args.path).await?;
    context
        .out
        .stream(content, || format!("reading {}", args.path))
        .await
}
