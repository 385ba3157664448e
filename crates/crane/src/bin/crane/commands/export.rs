//! `crane export`.

use std::path::PathBuf;
use std::sync::Arc;

use tempfile::NamedTempFile;
use wharf::v1::Image;
use wharf_crane::{Error, Place, export, export_to_file};

use crate::context::Context;
use crate::failure::Failure;
use crate::stdin::{DASH, spool};

/// Export the filesystem of an image as a tarball
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image; `-` is a docker archive on standard input
    image: String,
    /// Where the tarball goes; `-` is standard output
    #[arg(default_value = DASH, hide_default_value = true)]
    tarball: PathBuf,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let place = match &args.image[..] {
        DASH => None,
        image => Some(context.place(image)?),
    };
    let client = context.client()?;
    let (image, _spooled): (Arc<dyn Image>, Option<NamedTempFile>) = match place {
        Some(place) => (place.image(&client, context.platform()).await?, None),
        None => {
            let spooled = spool().await?;
            let archive = Place::DockerArchive {
                path: spooled.path().to_owned(),
                tag: None,
            };
            let as_given = |error| match error {
                Error::Load { kind, source, .. } => Error::Load {
                    path: "-".into(),
                    kind,
                    source,
                },
                error => error,
            };
            let image = archive.image(&client, None).await.map_err(as_given)?;
            (image, Some(spooled))
        }
    };
    if args.tarball.as_os_str() != DASH {
        return Ok(export_to_file(image, &args.tarball).await?);
    }
    let content = export(image).await?;
    let action = || format!("exporting {}", args.image);
    context.out.stream(content, action).await
}
