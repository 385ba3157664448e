//! `crane tag`.

use wharf::name::{Reference, Tag};
use wharf::v1::oci_spec::image::Descriptor;
use wharf_crane::{Entry, Error, Place, Stored, tag_all};

use crate::context::{Context, name};
use crate::failure::Failure;

/// Give an image another tag, or several, without moving it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image: a reference, or oci:DIR, with or without :NAME
    image: String,
    /// The new tag, or tags
    #[arg(required = true, value_name = "TAG")]
    tags: Vec<String>,
    /// Print what has the tag now as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let source = context.place(&args.image)?;
    let tagged = match &source {
        Place::Registry(reference) => {
            let tags = args.tags.iter().map(|text| target(reference, text));
            let tags: Vec<Tag> = tags.collect::<Result<_, _>>()?;
            tag_all(&context.client()?, reference, &tags).await?
        }
        source => tag_local(source, &args.tags, context).await?,
    };
    match args.json {
        true => context.out.json(&Stored::at(&source, &tagged)).await,
        false => Ok(()),
    }
}

/// Gives what a layout holds other names.
async fn tag_local(source: &Place, tags: &[String], context: &mut Context) -> Result<Descriptor, Failure> {
    let Place::Layout { path, .. } = source else {
        return Err(Failure::Job(Error::NotExtendable {
            place: source.to_string(),
        }));
    };
    let client = context.client()?;
    // What has no name would be one of several once another has one.
    let content = source.read(&client).await?;
    for tag in tags {
        let target = Place::Layout {
            path: path.clone(),
            entry: Entry::Named(tag.clone()),
        };
        target.write(&client, &content).await?;
    }
    Ok(content.descriptor().await?)
}

/// The tag meant by `text`: a tag alone, or the full name of one.
fn target(reference: &Reference, text: &str) -> Result<Tag, Failure> {
    match text.contains('/') {
        true => name(text),
        false => Ok(reference
            .repository()
            .tag(text)
            .map_err(wharf_crane::Error::Name)?),
    }
}
