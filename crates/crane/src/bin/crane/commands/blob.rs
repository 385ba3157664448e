//! `crane blob`.

use wharf_crane::blob_at;

use crate::context::Context;
use crate::failure::Failure;

/// Read a blob from a registry, as it is stored
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The blob: REPOSITORY@DIGEST, oci:DIR@DIGEST or oci-archive:FILE@DIGEST
    blob: String,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let place = context.place(&args.blob)?;
    let stream = blob_at(&context.client()?, &place).await?;
    context
        .out
        .stream(stream, || format!("copying blob {}", args.blob))
        .await
}
