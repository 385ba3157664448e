//! `crane attach`.

use wharf_crane::{ArtifactFile, attach};

use super::artifact::ManifestArgs;
use crate::context::Context;
use crate::failure::Failure;

/// Attach files to an image, as an artifact that refers to it
///
/// The artifact is stored beside the image, without a tag; `crane referrers` finds it. Prints REPOSITORY@DIGEST.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image: a reference, or oci:DIR, with or without :NAME
    image: String,
    /// The files and directories, with what they are: PATH or PATH:MEDIA_TYPE
    #[arg(value_name = "FILE")]
    files: Vec<ArtifactFile>,
    #[command(flatten)]
    manifest: ManifestArgs,
    /// Print what was stored as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let subject = context.place(&args.image)?;
    let options = args.manifest.options();
    let client = context.client()?;
    let attached = attach(&client, &subject, context.platform(), &args.files, &options).await?;
    context.out.stored(&attached, args.json).await
}
