//! `crane edit manifest`.

use serde::Deserialize;
use wharf::v1::oci_spec::image::{Descriptor, MediaType};
use wharf::v1::sha256;
use wharf_crane::Content;

use super::{Edit, editor};
use crate::context::Context;
use crate::failure::Failure;

/// Edit the manifest of an image, in an editor or by what is on standard input
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image
    image: String,
    /// What the new image is called [default: as the old one, or by digest if that was]
    #[arg(short, long, value_name = "IMAGE")]
    tag: Option<String>,
    /// What the new manifest is [default: what it says, else what the old one is]
    #[arg(short, long, value_name = "TYPE")]
    media_type: Option<String>,
}

#[derive(Deserialize)]
struct Typed {
    #[serde(rename = "mediaType")]
    media_type: Option<String>,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let edit = Edit::of(&args.image, args.tag.as_deref(), context)?;
    let client = context.client()?;
    let before = edit.source.read(&client).await?;
    let before = before.for_platforms(&context.platforms()).await?;
    let after = editor::edited(&before.raw().await?, "manifest", ".json").await?;
    let says: Typed = serde_json::from_slice(&after)
        .map_err(|error| Failure::local("editing manifest", std::io::Error::other(error)))?;
    let media_type = args.media_type.or(says.media_type);
    let media_type = media_type.map_or_else(|| before.media_type(), |text| MediaType::from(text.as_str()));
    let descriptor = Descriptor::new(media_type, after.len() as u64, sha256(&after));
    let content = Content::Other {
        descriptor: Box::new(descriptor),
        raw: after.into(),
    };
    edit.store(&client, &content, context).await
}
