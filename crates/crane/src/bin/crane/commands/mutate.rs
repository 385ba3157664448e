//! `crane mutate`.

use std::path::{Path, PathBuf};

use wharf::layer::Compression;
use wharf_crane::{Content, Destination, Error, MutateOptions, mutate, save};

use crate::cli::Choice;
use crate::context::{Context, name};
use crate::failure::Failure;
use crate::pairs::{Pairs, list, pairs, variable};
use crate::stdin::{DASH, spool};

/// Modify labels, annotations and the config of an image
///
/// What was changed is pushed to where the image came from, unless a flag says otherwise: a tag moves, and what was
/// named by digest is pushed by its new digest.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image
    image: String,
    /// New annotations
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = pairs)]
    annotation: Vec<Pairs>,
    /// New labels
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = pairs)]
    label: Vec<Pairs>,
    /// New environment variables
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<(String, String)>,
    /// Remove an annotation
    #[arg(long, value_name = "KEY")]
    remove_annotation: Vec<String>,
    /// Remove a label
    #[arg(long, value_name = "KEY")]
    remove_label: Vec<String>,
    /// Remove an environment variable
    #[arg(long, value_name = "NAME")]
    remove_env: Vec<String>,
    /// Store all layers compressed so: gzip or zstd
    #[arg(long, value_name = "FORMAT", value_parser = compression)]
    recompress: Option<Compression>,
    /// New entrypoint; words are separated by commas
    #[arg(long, value_name = "WORDS", value_parser = list)]
    entrypoint: Vec<Vec<String>>,
    /// New command; words are separated by commas
    #[arg(long, value_name = "WORDS", value_parser = list)]
    cmd: Vec<Vec<String>>,
    /// New user; an empty one removes it
    #[arg(short, long, value_name = "USER")]
    user: Option<String>,
    /// New working directory; an empty one removes it
    #[arg(short, long, value_name = "PATH")]
    workdir: Option<String>,
    /// New exposed ports, in place of those that there are
    #[arg(long, value_name = "PORTS", value_parser = list)]
    exposed_ports: Vec<Vec<String>>,
    // Brackets in a doc comment are links.
    #[arg(
        long,
        value_name = "PLATFORM",
        help = "New platform: os[/arch[/variant]][:osversion]"
    )]
    set_platform: Option<Choice>,
    /// Layers to append first: tar archives, plain or compressed, or directories; `-` is an archive on standard input
    #[arg(long, value_name = "PATH", value_delimiter = ',')]
    append: Vec<PathBuf>,
    /// Change every image of an index
    #[arg(long)]
    all_platforms: bool,
    /// What the new image is called [default: as the old one, or by digest if that was]
    #[arg(short, long, value_name = "IMAGE")]
    tag: Option<String>,
    /// Push to this repository, by digest
    #[arg(long)]
    repo: Option<String>,
    /// Print what was stored as JSON
    #[arg(long, conflicts_with = "output")]
    json: bool,
    /// Write a docker archive instead of pushing
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let source = context.place(&args.image)?;
    let destination = match (&args.tag, &args.repo) {
        (Some(_), Some(_)) => return Err(Failure::usage("repository can't be set when a tag is specified")),
        (Some(tag), None) => context.place(tag)?.into(),
        (None, Some(repo)) => {
            let reference = context.reference(repo)?;
            Destination::Repository(reference.repository().clone())
        }
        (None, None) => Destination::replacing(&source),
    };
    let mut options = options(&args)?;
    // For an index a layer is made twice, and standard input is read once.
    let spooled = match options.layers.iter_mut().find(|path| path.as_os_str() == DASH) {
        Some(path) => {
            let file = spool().await?;
            *path = file.path().to_owned();
            Some(file)
        }
        None => None,
    };
    let client = context.client()?;
    let content = source.read(&client).await?;
    let content = content.for_platforms(&context.platforms()).await?;
    if matches!(content, Content::Index(_)) && options.edits_images() && !args.all_platforms {
        return Err(Failure::usage(format!(
            "{} is an index: choose one of its images with --platform, or change all of them with --all-platforms",
            args.image
        )));
    }
    let as_given = |error| match (error, &spooled) {
        (Error::Append { layer, source }, Some(file)) if Path::new(&layer) == file.path() => Error::Append {
            layer: DASH.to_owned(),
            source,
        },
        (error, _) => error,
    };
    let changed = mutate(&content, &options).await.map_err(as_given)?;
    if let Some(path) = &args.output {
        let image = changed.image(context.platform()).await?;
        let reference = match (&args.tag, &source) {
            (Some(tag), _) => name(tag)?,
            (None, source) => match source.reference() {
                Some(reference) => reference.clone(),
                None => name(&args.image)?,
            },
        };
        return Ok(save(image, &reference, path).await?);
    }
    let stored = destination.write(&client, &changed).await?;
    context.out.stored(&stored, args.json).await
}

fn compression(text: &str) -> Result<Compression, &'static str> {
    match text {
        "gzip" => Ok(Compression::gzip()),
        "zstd" => Ok(Compression::zstd()),
        _ => Err("must be gzip or zstd"),
    }
}

fn options(args: &Args) -> Result<MutateOptions, Failure> {
    let mut options = MutateOptions::default();
    options.annotations = args.annotation.concat();
    options.labels = args.label.concat();
    let named = [("annotation", &options.annotations), ("label", &options.labels)];
    for (kind, pairs) in named {
        if let Some((key, _)) = pairs.iter().find(|(_, value)| value.is_empty()) {
            return Err(Failure::usage(format!("parsing {kind} {key:?}, value is empty")));
        }
    }
    options.remove_annotations = args.remove_annotation.clone();
    options.remove_labels = args.remove_label.clone();
    options.remove_env = args.remove_env.clone();
    options.compression = args.recompress;
    options.env = args.env.clone();
    let all = |lists: &[Vec<String>]| (!lists.is_empty()).then(|| lists.concat());
    options.entrypoint = all(&args.entrypoint);
    options.cmd = all(&args.cmd);
    options.exposed_ports = all(&args.exposed_ports);
    options.user = args.user.clone();
    options.working_dir = args.workdir.clone();
    options.layers = args.append.clone();
    options.platform = match args.set_platform.as_ref().map(|choice| &choice.0[..]) {
        None => None,
        Some([platform]) => Some(platform.to_platform()),
        Some(_) => return Err(Failure::usage("--set-platform: an image is for one platform")),
    };
    Ok(options)
}
