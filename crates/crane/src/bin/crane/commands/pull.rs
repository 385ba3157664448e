//! `crane pull`.

use std::path::PathBuf;

use wharf::remote::Client;
use wharf_crane::{Entry, Place, PullFormat, PullOptions, pull, pull_to_place, pull_to_writer};

use crate::context::Context;
use crate::failure::Failure;

/// The path that stands for standard output.
const STDOUT: &str = "-";

/// Pull images into a file or directory
#[derive(Debug, clap::Args)]
#[command(override_usage = "crane pull [OPTIONS] <IMAGE>... <PATH>")]
pub(crate) struct Args {
    /// The images, then where they go: a path, `-` for a tarball on standard output, or oci:DIR, oci-archive:FILE, docker-archive:FILE, with or without :NAME
    // One list: clap cannot tell images from the path when flags stand between them.
    #[arg(num_args = 0.., value_name = "IMAGE|PATH")]
    images_and_path: Vec<String>,
    /// How to store the images: tarball, legacy, or oci
    #[arg(long, value_name = "FORMAT", default_value = "tarball")]
    format: String,
    /// Keep what is downloaded in this directory, and take from there what it has
    #[arg(short, long = "cache_path", value_name = "DIR")]
    cache_path: Option<PathBuf>,
    /// Name each image in the layout by its reference (only with --format=oci)
    #[arg(long)]
    annotate_ref: bool,
}

pub(super) async fn run(mut args: Args, context: &mut Context) -> Result<(), Failure> {
    let received = args.images_and_path.len();
    let path = match args.images_and_path.pop() {
        Some(path) if received >= 2 => PathBuf::from(path),
        _ => {
            let text = format!("requires at least 2 arg(s), only received {received}");
            return Err(Failure::usage(text));
        }
    };
    let format = match args.format.as_str() {
        "tarball" => PullFormat::Tarball,
        "legacy" => PullFormat::Legacy,
        "oci" => PullFormat::Oci,
        other => {
            let valid = "valid values are: tarball, legacy, and oci";
            return Err(Failure::usage(format!(
                "unexpected --format: {other:?} ({valid})"
            )));
        }
    };
    if args.annotate_ref && format != PullFormat::Oci {
        return Err(Failure::usage("--annotate-ref needs --format=oci"));
    }
    let mut options = PullOptions::default()
        .with_format(format)
        .with_platform(context.platform());
    options = options.with_annotate_ref(args.annotate_ref);
    if let Some(directory) = args.cache_path {
        options = options.with_cache(directory);
    }
    let images: Vec<Place> = args
        .images_and_path
        .iter()
        .map(|text| context.place(text))
        .collect::<Result<_, _>>()?;
    let client = context.client()?;
    if let Some(target) = context.local(&path)? {
        return into(&client, &images, target, &options).await;
    }
    if path.as_os_str() == STDOUT && format != PullFormat::Oci {
        pull_to_writer(&client, &images, context.out.writer(), &options)
            .await
            .map_err(Failure::of_writing)?;
        return context.out.flush().await;
    }
    pull(&client, &images, &path, &options).await?;
    Ok(())
}

/// Pulls to a place, which says how images are stored.
async fn into(
    client: &Client,
    images: &[Place],
    target: Place,
    options: &PullOptions,
) -> Result<(), Failure> {
    if options.format != PullFormat::Tarball {
        return Err(Failure::usage(format!(
            "{target} says how to store, --format is too much"
        )));
    }
    let several = match &target {
        Place::Layout {
            entry: Entry::Only,
            path,
        } => Some((path, PullFormat::Oci)),
        Place::DockerArchive { path, tag: None } => Some((path, PullFormat::Tarball)),
        _ => None,
    };
    match (several, images) {
        (Some((path, format)), images) => {
            let options = options.clone().with_format(format);
            pull(client, images, path, &options).await?;
        }
        (None, [image]) => {
            pull_to_place(client, image, &target, options).await?;
        }
        (None, _) => return Err(Failure::usage(format!("{target} is a place for one image"))),
    }
    Ok(())
}
