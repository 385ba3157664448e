//! `crane edit fs`.

use std::io::Cursor;
use std::sync::Arc;

use wharf::layer::{Family, LayerBuilder, header};
use wharf::mutate::{Addendum, append_layers};
use wharf::v1::oci_spec::image::HistoryBuilder;
use wharf_crane::{Content, Error};

use super::{Edit, editor};
use crate::context::Context;
use crate::failure::Failure;

/// The permissions of a file that the image does not have yet.
const NEW: u32 = 0o555;

/// Edit a file of an image, in an editor or by what is on standard input
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image
    image: String,
    /// The file
    #[arg(short, long, value_name = "PATH", required = true)]
    filename: String,
    /// What the new image is called [default: as the old one, or by digest if that was]
    #[arg(short, long, value_name = "IMAGE")]
    tag: Option<String>,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let edit = Edit::of(&args.image, args.tag.as_deref())?;
    let client = context.client()?;
    let image = edit.source.image(&client, context.platform()).await?;
    let after = editor::edited(&[], "file", "").await?;
    let mut archive = header::regular_file(args.filename.trim_start_matches('/'), NEW, after.len() as u64);
    archive.extend(&after);
    archive.resize(
        archive.len() + header::padding(after.len() as u64) + 2 * header::BLOCK,
        0,
    );
    let builder = LayerBuilder::from_reader(Cursor::new(archive)).family(Family::of(&image.media_type()));
    let layer = builder.build().await.map_err(|source| Error::Append {
        layer: args.filename.clone(),
        source: Box::new(source),
    })?;
    let history = HistoryBuilder::default()
        .author("crane")
        .created_by(format!(
            "crane edit fs {} --filename {}",
            args.image, args.filename
        ))
        .build()
        .expect("nothing is required");
    let addendum = Addendum::new(Arc::new(layer)).with_history(history);
    let changed = append_layers(image, [addendum]);
    edit.store(&client, &Content::Image(Arc::new(changed)), context)
        .await
}
