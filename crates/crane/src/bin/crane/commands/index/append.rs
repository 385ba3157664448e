//! `crane index append`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wharf::layout::Layout;
use wharf::remote::Client;
use wharf::v1::media_type::DOCKER_MANIFEST_LIST;
use wharf::v1::{Index, IndexManifest, empty};
use wharf_crane::{
    Content, Destination, Entry, Error, Nesting, Place, Stored, append_to_index, append_to_layout,
};

use super::{index, is_path};
use crate::context::Context;
use crate::failure::Failure;

/// Append manifests to an index
///
/// BASE may be a directory that holds an OCI layout: it is made if it is not there, and what it lists grows in place.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The index to append to [default: an empty one], then more manifests
    // One list: clap cannot tell the base from what is appended.
    #[arg(value_name = "BASE", num_args = 0..)]
    base_and_manifests: Vec<String>,
    /// What to append: images or indexes, also docker archives and directories with an OCI layout
    #[arg(short, long, value_name = "IMAGE", value_delimiter = ',')]
    manifest: Vec<String>,
    /// What the new index is called [default: as the old one, or by digest if that was]
    #[arg(short, long, value_name = "IMAGE")]
    tag: Option<String>,
    /// Give an empty base Docker's media type instead of OCI's
    #[arg(long)]
    docker_empty_base: bool,
    /// Of an index, append what it lists, as is the default; --flatten=false appends the index itself
    #[arg(long, action = clap::ArgAction::SetFalse)]
    flatten: bool,
    /// Print what was stored as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(mut args: Args, context: &mut Context) -> Result<(), Failure> {
    let base = (!args.base_and_manifests.is_empty()).then(|| args.base_and_manifests.remove(0));
    let base = base.filter(|base| !base.is_empty());
    if base.is_none() && args.tag.is_none() {
        return Err(Failure::usage("at least one of BASE or --tag must be specified"));
    }
    args.manifest.append(&mut args.base_and_manifests);
    let nesting = if args.flatten {
        Nesting::Flatten
    } else {
        Nesting::Nest
    };
    let target = context.optional_place(args.tag.as_deref())?;
    let local = base.as_deref().filter(|base| is_path(base));
    let remote = base.as_deref().filter(|base| !is_path(base));
    let source = context.optional_place(remote)?;
    let sources = args.manifest.iter().map(|text| Source::named(text, context));
    let sources: Vec<Source> = sources.collect::<Result<_, _>>()?;
    let client = context.client()?;
    if let Some(path) = local {
        let contents = read(&sources, &client).await?;
        let failed = |error| Failure::Doing {
            action: format!("appending to {path}"),
            source: Box::new(Error::Save {
                path: path.into(),
                kind: "OCI layout",
                source: Box::new(error),
            }),
        };
        let layout = Layout::create(path).await.map_err(failed)?;
        append_to_layout(&layout, &contents, nesting).await?;
        if !args.json {
            return Ok(());
        }
        let index = layout.index().await.map_err(failed)?;
        let place = Place::Layout {
            path: path.into(),
            entry: Entry::Only,
        };
        let descriptor = index.descriptor().await.map_err(Error::from)?;
        return context.out.json(&Stored::at(&place, &descriptor)).await;
    }
    let (base, destination): (Arc<dyn Index>, Destination) = match (&base, source) {
        (Some(text), Some(source)) => {
            let base = index(source.read(&client).await?, text)?;
            (base, Destination::or_replacing(target, &source))
        }
        _ => {
            context.log("base unspecified, using empty index");
            let target = target.expect("checked before");
            (empty_index(args.docker_empty_base), target.into())
        }
    };
    let contents = read(&sources, &client).await?;
    let appended = append_to_index(base, &contents, nesting).await?;
    let stored = destination.write(&client, &Content::Index(appended)).await?;
    context.out.stored(&stored, args.json).await
}

/// What is appended.
enum Source {
    /// All that a layout lists.
    Layout(PathBuf),
    Place(Place),
}

impl Source {
    /// A directory is a layout; a file is a docker archive; anything else is a place.
    fn named(text: &str, context: &mut Context) -> Result<Self, Failure> {
        let path = Path::new(text);
        Ok(match is_path(text) {
            _ if path.is_dir() => Self::Layout(path.to_owned()),
            true => Self::Place(Place::DockerArchive {
                path: path.to_owned(),
                tag: None,
            }),
            false => Self::Place(context.place(text)?),
        })
    }

    async fn read(&self, client: &Client) -> Result<Content, Failure> {
        let path = match self {
            Self::Layout(path) => path,
            Self::Place(place) => return Ok(place.read(client).await?),
        };
        let failed = |source| Error::Load {
            path: path.clone(),
            kind: "OCI layout",
            source: Box::new(source),
        };
        let layout = Layout::open(path).await.map_err(failed)?;
        Ok(Content::Index(layout.index().await.map_err(failed)?))
    }
}

async fn read(sources: &[Source], client: &Client) -> Result<Vec<Content>, Failure> {
    let mut contents = Vec::with_capacity(sources.len());
    for source in sources {
        contents.push(source.read(client).await?);
    }
    Ok(contents)
}

fn empty_index(docker: bool) -> Arc<dyn Index> {
    if !docker {
        return Arc::new(empty::index());
    }
    let raw = format!(r#"{{"schemaVersion":2,"mediaType":"{DOCKER_MANIFEST_LIST}","manifests":[]}}"#);
    let manifest = IndexManifest::new(raw, DOCKER_MANIFEST_LIST.into());
    Arc::new(wharf::v1::partial::AssembledIndex::new(manifest, []))
}
