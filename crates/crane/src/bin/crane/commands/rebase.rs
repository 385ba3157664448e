//! `crane rebase`.

use wharf_crane::{Content, Destination, OldBase, RebaseOptions, rebase};

use crate::context::Context;
use crate::failure::Failure;

/// What is based on nothing is based on, as in Dockerfiles.
const SCRATCH: &str = "scratch";

/// Rebase an image onto a new base image
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image
    image: String,
    /// What it is based on, or scratch: then all its layers come upon the new base [default: by the image's annotation org.opencontainers.image.base.digest]
    #[arg(long = "old_base", value_name = "IMAGE")]
    old_base: Option<String>,
    /// What it is to be based on [default: by the image's annotation org.opencontainers.image.base.name]
    #[arg(long = "new_base", value_name = "IMAGE")]
    new_base: Option<String>,
    /// What the new image is called [default: as the old one, or by digest if that was]
    #[arg(short, long, alias = "rebased", value_name = "IMAGE")]
    tag: Option<String>,
    /// Print what was stored as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let source = context.place(&args.image)?;
    let destination = context.optional_place(args.tag.as_deref())?;
    let destination = Destination::or_replacing(destination, &source);
    let mut options = RebaseOptions::default();
    options.old_base = match args.old_base.as_deref() {
        Some(SCRATCH) => Some(OldBase::Scratch),
        base => context.optional_place(base)?.map(OldBase::Place),
    };
    options.new_base = context.optional_place(args.new_base.as_deref())?;
    let client = context.client()?;
    let content = source.read(&client).await?;
    if matches!(content, Content::Index(_)) && context.platform().is_none() {
        return Err(Failure::usage(format!(
            "{} is an index: choose the image to rebase with --platform",
            args.image
        )));
    }
    let image = content.image(context.platform()).await?;
    let before = image.descriptor().await.map_err(wharf_crane::Error::from)?;
    let rebased = Content::Image(rebase(&client, image, &options).await?);
    if rebased.descriptor().await?.digest() == before.digest() {
        context.log("rebasing was no-op");
    }
    let stored = destination.write(&client, &rebased).await?;
    context.out.stored(&stored, args.json).await
}
