//! `crane blob`.

use wharf_crane::blob;

use crate::context::{Context, name};
use crate::failure::Failure;

/// Read a blob from a registry, as it is stored
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The blob, REPOSITORY@DIGEST
    blob: String,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let reference = name(&args.blob)?;
    let stream = blob(&context.client()?, &reference).await?;
    context
        .out
        .stream(stream, || format!("copying blob {}", args.blob))
        .await
}
