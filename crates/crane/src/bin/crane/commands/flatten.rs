//! `crane flatten`.

use wharf::mutate::FlattenOptions;
use wharf_crane::{Destination, flatten};

use crate::context::Context;
use crate::env;
use crate::failure::Failure;

/// Merge the layers of an image into one
///
/// It is said to be made now, or when the environment variable SOURCE_DATE_EPOCH says, in seconds since 1970.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image, or an index: then each of its images
    image: String,
    /// What the new image is called [default: as the old one, or by digest if that was]
    #[arg(short, long, value_name = "IMAGE")]
    tag: Option<String>,
    /// Print what was stored as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let source = context.place(&args.image)?;
    let destination = context.optional_place(args.tag.as_deref())?;
    let destination = Destination::or_replacing(destination, &source);
    let client = context.client()?;
    let content = source.read(&client).await?;
    let mut options = FlattenOptions::new().with_tool("crane");
    if let Some(time) = env::source_date()? {
        options = options.with_created(time);
    }
    let flat = flatten(&content, &options).await?;
    let stored = destination.write(&client, &flat).await?;
    context.out.stored(&stored, args.json).await
}
