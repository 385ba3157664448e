//! `crane digest`.

use std::path::PathBuf;

use wharf_crane::{digest, digest_of_tarball};

use crate::context::{Context, name, place};
use crate::failure::Failure;

/// Get the digest of an image
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image: a reference, or oci:DIR, oci-archive:FILE, docker-archive:FILE, with or without :NAME; or with --tarball a tag in the archive
    image: Option<String>,
    /// Take the digest from this docker archive
    #[arg(long, value_name = "PATH")]
    tarball: Option<PathBuf>,
    /// Print the whole name, REPOSITORY@DIGEST
    #[arg(long)]
    full_ref: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    if let Some(path) = args.tarball {
        if args.full_ref {
            return Err(Failure::usage("cannot specify --full-ref with --tarball"));
        }
        let tag = args.image.as_deref().map(name).transpose()?;
        let digest = digest_of_tarball(&path, tag.as_ref()).await?;
        return context.out.line(digest).await;
    }
    let Some(image) = args.image else {
        return Err(Failure::usage("image reference required without --tarball"));
    };
    let place = place(&image)?;
    if args.full_ref && place.reference().is_none() {
        return Err(Failure::usage("--full-ref is for images in a registry"));
    }
    let digest = digest(&context.client()?, &place, context.platform()).await?;
    if let (true, Some(reference)) = (args.full_ref, place.reference()) {
        return context.out.line(reference.repository().digest(digest)).await;
    }
    context.out.line(digest).await
}
