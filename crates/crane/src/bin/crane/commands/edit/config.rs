//! `crane edit config`.

use std::sync::Arc;

use wharf::mutate::set_config;
use wharf::v1::partial::StaticLayer;
use wharf::v1::{Config, Image, Layer, Manifest};
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
    let media_type = before.media_type().clone();
    let changed = set_config(Arc::clone(&image), Config::new(after.clone(), media_type.clone()));
    let Some(home) = edit.home() else {
        return edit
            .store(&client, &Content::Image(Arc::new(changed)), context)
            .await;
    };
    // All else is there already. So it does not matter whether the config fits it: one that does not can be stored, and
    // be mended again.
    let config: Arc<dyn Layer> = Arc::new(StaticLayer::new(after, media_type));
    let manifest = match changed.manifest().await {
        Err(wharf::v1::Error::LayerCount { .. }) => naming(&*image, &config).await,
        manifest => manifest,
    };
    let manifest = manifest.map_err(Error::from)?;
    client.write_layer(home, &config).await.map_err(Error::from)?;
    let content = Content::Other {
        descriptor: Box::new(manifest.descriptor()),
        raw: manifest.raw().clone(),
    };
    edit.store(&client, &content, context).await
}

/// The manifest of an image, but with this config.
async fn naming(image: &dyn Image, config: &Arc<dyn Layer>) -> Result<Manifest, wharf::v1::Error> {
    let config = config.descriptor().await?;
    image.manifest().await?.edit(|manifest| {
        let mut named = manifest.config().clone();
        named.set_digest(config.digest().clone());
        named.set_size(config.size());
        named.set_data(None);
        manifest.set_config(named);
    })
}
