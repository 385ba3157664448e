//! `crane index filter`.

use wharf::v1::PlatformSpec;
use wharf_crane::{Content, Destination, filter_index};

use super::index;
use crate::cli::Choice;
use crate::context::Context;
use crate::failure::Failure;

/// Filter the images of an index by platform
///
/// Attestations and whatever else has no platform go.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The index
    image: String,
    // Brackets in a doc comment are links.
    #[arg(
        long = "platform",
        value_name = "PLATFORM",
        action = clap::ArgAction::Append,
        help = "A platform to keep: os[/arch[/variant]][:osversion]; what is not stated may be anything"
    )]
    platform: Vec<Choice>,
    /// What the new index is called [default: as the old one, or by digest if that was]
    #[arg(short, long, value_name = "IMAGE")]
    tag: Option<String>,
    /// Print what was stored as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let platforms: Vec<PlatformSpec> = args.platform.iter().flat_map(|choice| choice.0.clone()).collect();
    if platforms.is_empty() || args.platform.iter().any(|choice| choice.0.is_empty()) {
        return Err(Failure::usage("--platform is needed, with the platforms to keep"));
    }
    let source = context.place(&args.image)?;
    let destination = context.optional_place(args.tag.as_deref())?;
    let destination = Destination::or_replacing(destination, &source);
    let client = context.client()?;
    let base = index(source.read(&client).await?, &args.image)?;
    let filtered = filter_index(base, &platforms).await?;
    let stored = destination.write(&client, &Content::Index(filtered)).await?;
    context.out.stored(&stored, args.json).await
}
