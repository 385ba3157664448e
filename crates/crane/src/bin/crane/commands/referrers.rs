//! `crane referrers`.

use wharf::v1::oci_spec::image::MediaType;
use wharf_crane::{DescriptorSummary, digest, referrers};

use crate::context::Context;
use crate::failure::Failure;
use crate::text::{Page, size};

/// List what refers to an image: signatures, SBOMs, attestations
///
/// Prints a line for each: digest, artifact type, size of the manifest. With --platform, what refers to the image of an
/// index for that platform.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image: a reference, or oci:DIR or oci-archive:FILE, with or without :NAME
    image: String,
    /// List only what is of this type
    #[arg(long, value_name = "MEDIA_TYPE")]
    artifact_type: Option<String>,
    /// Print a JSON array of descriptors
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let place = context.place(&args.image)?;
    let client = context.client_that_asks_why()?;
    let subject = digest(&client, &place, context.platform()).await?;
    let found = referrers(&client, &place, &subject, args.artifact_type.as_deref()).await?;
    if args.json {
        let all: Vec<DescriptorSummary> = found.iter().map(DescriptorSummary::from).collect();
        return context.out.json(&all).await;
    }
    let kind = |kind: &Option<MediaType>| kind.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    let row = |one: &wharf::v1::oci_spec::image::Descriptor| {
        vec![
            one.digest().to_string(),
            kind(one.artifact_type()),
            size(one.size()),
        ]
    };
    let mut page = Page::default();
    page.table(0, &found.iter().map(row).collect::<Vec<_>>());
    context.out.bytes(page.into_text().as_bytes()).await
}
