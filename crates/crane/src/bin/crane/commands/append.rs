//! `crane append`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wharf::name::Reference;
use wharf::v1::{Image, empty};
use wharf_crane::{Content, LayerSource, append, save};

use crate::context::{Context, name, place};
use crate::failure::Failure;

/// The path that stands for standard input.
const STDIN: &str = "-";

/// Append layers to an image
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image to append to [default: an empty one]
    #[arg(short, long, value_name = "IMAGE")]
    base: Option<String>,
    /// What the new image is called
    #[arg(short = 't', long = "new_tag", value_name = "IMAGE", required = true)]
    new_tag: String,
    /// A layer: a tar archive, plain or compressed, or a directory; `-` is an archive on standard input
    #[arg(
        short = 'f',
        long = "new_layer",
        value_name = "PATH",
        value_delimiter = ',',
        required = true
    )]
    new_layer: Vec<PathBuf>,
    /// Write a docker archive instead of pushing
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Give an empty base OCI media types instead of Docker's
    #[arg(long, conflicts_with = "base")]
    oci_empty_base: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let destination = place(&args.new_tag)?;
    let client = context.client()?;
    let base: Arc<dyn Image> = match &args.base {
        Some(base) => place(base)?.image(&client, context.platform()).await?,
        None => {
            context.log("base unspecified, using empty image");
            Arc::new(if args.oci_empty_base {
                empty::oci_image()
            } else {
                empty::image()
            })
        }
    };
    let image = append(base, args.new_layer.iter().map(|path| source(path))).await?;
    if let Some(path) = args.output {
        let reference: Reference = name(&args.new_tag)?;
        return Ok(save(Arc::new(image), &reference, &path).await?);
    }
    let written = destination
        .write(&client, &Content::Image(Arc::new(image)))
        .await?;
    context.out.line(destination.with_digest(written.digest())).await
}

fn source(path: &Path) -> LayerSource<'_> {
    if path.as_os_str() == STDIN {
        return LayerSource::Reader(Box::new(tokio::io::stdin()));
    }
    LayerSource::Path(path)
}
