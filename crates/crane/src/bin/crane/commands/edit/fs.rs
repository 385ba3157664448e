//! `crane edit fs`.

use std::io::Cursor;
use std::sync::Arc;

use bytes::Bytes;
use wharf::extract::{ExtractOptions, FileKind, FilesOptions, files, read};
use wharf::layer::{Family, LayerBuilder, header};
use wharf::mutate::{Addendum, append_layers};
use wharf::v1::oci_spec::image::HistoryBuilder;
use wharf_crane::{Content, Error};

use super::{Edit, editor};
use crate::context::Context;
use crate::failure::Failure;
use crate::stdin;

/// The permissions of a file that the image does not have yet.
const NEW: u32 = 0o555;
/// A larger file is not given to an editor.
const MAX_EDITED: u64 = 64 << 20;

/// Edit a file of an image, in an editor or by what is on standard input
///
/// A file that is there keeps its permissions.
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
    let edit = Edit::of(&args.image, args.tag.as_deref(), context)?;
    let client = context.client()?;
    let image = edit.source.image(&client, context.platform()).await?;
    let name = args.filename.trim_start_matches('/');
    let unreadable = |error| Error::Files(Box::new(error));
    let files = files(Arc::clone(&image), &FilesOptions::new())
        .await
        .map_err(unreadable)?;
    let there = files.get(name).filter(|file| file.kind == FileKind::File);
    let before = match there {
        Some(_) if stdin::is_interactive() => {
            let content = read(Arc::clone(&image), name, &ExtractOptions::new())
                .await
                .map_err(unreadable)?;
            content.collect(MAX_EDITED).await.map_err(Error::from)?
        }
        _ => Bytes::new(),
    };
    let after = editor::edited(&before, "file", "").await?;
    let mode = there.map_or(NEW, |file| file.mode);
    let mut archive = header::regular_file(name, mode, after.len() as u64);
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
