//! `crane edit config`.

use std::sync::Arc;

use wharf::mutate::set_config;
use wharf::v1::Config;
use wharf_crane::{Content, Error};

use super::{Edit, editor};
use crate::context::Context;
use crate::failure::Failure;

/// Edit the config of an image, in an editor or by what is on standard input
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image
    image: String,
    /// What the new image is called [default: as the old one, or by digest if that was]
    #[arg(short, long, value_name = "IMAGE")]
    tag: Option<String>,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let edit = Edit::of(&args.image, args.tag.as_deref(), context)?;
    let client = context.client()?;
    let image = edit.source.image(&client, context.platform()).await?;
    let before = image.config().await.map_err(Error::from)?;
    let after = editor::edited(before.raw(), "config", ".json").await?;
    let changed = set_config(image, Config::new(after, before.media_type().clone()));
    edit.store(&client, &Content::Image(Arc::new(changed)), context)
        .await
}
