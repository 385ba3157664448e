//! `crane digest`.

use std::path::PathBuf;

use wharf_crane::{DescriptorSummary, Stored, descriptor, descriptor_of_tarball};

use crate::context::{Context, name};
use crate::failure::Failure;

/// Get the digest of an image
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image: a reference, or oci:DIR, oci-archive:FILE, docker-archive:FILE, with or without :NAME; or with --tarball a tag in the archive
    image: Option<String>,
    /// Take the digest from this docker archive
    #[arg(long, value_name = "FILE")]
    tarball: Option<PathBuf>,
    /// Print the whole name, REPOSITORY@DIGEST
    #[arg(long)]
    full_ref: bool,
    /// Print media type and size as well, as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    if let Some(path) = args.tarball {
        if args.full_ref {
            return Err(Failure::usage("cannot specify --full-ref with --tarball"));
        }
        let tag = args.image.as_deref().map(name).transpose()?;
        let descriptor = descriptor_of_tarball(&path, tag.as_ref()).await?;
        return match args.json {
            true => context.out.json(&DescriptorSummary::from(&descriptor)).await,
            false => context.out.line(descriptor.digest()).await,
        };
    }
    let Some(image) = args.image else {
        return Err(Failure::usage("image reference required without --tarball"));
    };
    let place = context.place(&image)?;
    if args.full_ref && place.reference().is_none() {
        return Err(Failure::usage("--full-ref is for images in a registry"));
    }
    let client = context.client_that_asks_why()?;
    let descriptor = descriptor(&client, &place, context.platform()).await?;
    let found = Stored::at(&place, &descriptor);
    match args.full_ref || args.json {
        true => context.out.stored(&found, args.json).await,
        false => context.out.line(descriptor.digest()).await,
    }
}
