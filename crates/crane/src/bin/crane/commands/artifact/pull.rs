//! `crane artifact pull`.

use std::path::PathBuf;

use wharf_crane::pull_artifact;

use crate::context::Context;
use crate::failure::Failure;

/// Get the files of an artifact
///
/// Each layer with a title becomes a file of that name, as with oras. Prints the paths of what was written.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The artifact: a reference, or oci:DIR or oci-archive:FILE, with or without :NAME
    artifact: String,
    /// Where the files go
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    output: PathBuf,
    /// Print what was written as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let place = context.place(&args.artifact)?;
    let image = place.image(&context.client()?, None).await?;
    let pulled = pull_artifact(&image, &args.output).await?;
    for digest in &pulled.untitled {
        context.log(format_args!("skipping layer {digest}, which has no title"));
    }
    if args.json {
        return context.out.json(&pulled).await;
    }
    for file in &pulled.files {
        context.out.queue(file.path.display()).await?;
    }
    context.out.flush().await
}
