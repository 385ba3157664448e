//! `crane append`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wharf::mutate::{ConfigEdits, edit_config};
use wharf::name::Reference;
use wharf::v1::{Image, empty};
use wharf_crane::{BaseName, Content, LayerSource, Stored, append, save};

use crate::context::{Context, name};
use crate::failure::Failure;
use crate::stdin::{self, DASH};

/// Append layers to an image
///
/// An image without a base is for the platform that --platform says, if it does.
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
    /// Print what was stored as JSON
    #[arg(long, conflicts_with = "output")]
    json: bool,
    /// Say in annotations what the base is
    #[arg(long)]
    set_base_image_annotations: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let destination = context.place(&args.new_tag)?;
    let base = context.optional_place(args.base.as_deref())?;
    let client = context.client()?;
    let (base, named): (Arc<dyn Image>, Option<BaseName>) = match base {
        Some(place) => {
            let content = place.read(&client).await?;
            let named = match args.set_base_image_annotations {
                true => Some(BaseName::of(&place, &content).await?),
                false => None,
            };
            (content.image(context.platform()).await?, named)
        }
        None => {
            context.log("base unspecified, using empty image");
            let empty = if args.oci_empty_base {
                empty::oci_image()
            } else {
                empty::image()
            };
            let base: Arc<dyn Image> = match context.platform() {
                Some(platform) => {
                    let edits = ConfigEdits::new().platform(platform.to_platform());
                    Arc::new(edit_config(Arc::new(empty), move |config| edits.apply(config)))
                }
                None => Arc::new(empty),
            };
            (base, None)
        }
    };
    let image = append(base, args.new_layer.iter().map(|path| source(path))).await?;
    let mut image: Arc<dyn Image> = Arc::new(image);
    if let Some(named) = named {
        image = named.annotate(image);
    }
    if let Some(path) = args.output {
        let reference: Reference = name(&args.new_tag)?;
        return Ok(save(image, &reference, &path).await?);
    }
    let written = destination.write(&client, &Content::Image(image)).await?;
    context
        .out
        .stored(&Stored::at(&destination, &written), args.json)
        .await
}

fn source(path: &Path) -> LayerSource<'_> {
    if path.as_os_str() == DASH {
        return LayerSource::Reader(Box::new(stdin::reader()));
    }
    LayerSource::Path(path)
}
