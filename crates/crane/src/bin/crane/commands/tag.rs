//! `crane tag`.

use wharf::name::{Reference, Tag};
use wharf_crane::{Stored, tag};

use crate::context::{Context, name};
use crate::failure::Failure;

/// Give an image another tag, without moving it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image
    image: String,
    /// The new tag
    tag: String,
    /// Print what has the tag now as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let reference: Reference = name(&args.image)?;
    let target = target(&reference, &args.tag)?;
    let tagged = tag(&context.client()?, &reference, &target).await?;
    match args.json {
        true => context.out.json(&Stored::at(&reference.into(), &tagged)).await,
        false => Ok(()),
    }
}

/// The tag meant by `text`: a tag alone, or the full name of one.
fn target(reference: &Reference, text: &str) -> Result<Tag, Failure> {
    match text.contains('/') {
        true => name(text),
        false => Ok(reference
            .repository()
            .tag(text)
            .map_err(wharf_crane::Error::Name)?),
    }
}
