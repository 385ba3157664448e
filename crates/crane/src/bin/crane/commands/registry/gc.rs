//! `crane registry gc`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use wharf::registry::store::{DirectoryStore, Garbage, GarbageOptions};

use super::bucket;
use crate::context::Context;
use crate::failure::Failure;

/// Remove what nobody needs from where a registry keeps its content
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The directory of a registry that is not running
    #[arg(required_unless_present = "bucket")]
    directory: Option<PathBuf>,
    /// The bucket of a registry that may be running, as for registry serve: content goes that is in no repository, and uploads that nobody goes on with
    #[arg(long, value_name = "URL", conflicts_with_all = ["directory", "untagged"])]
    bucket: Option<String>,
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Also remove manifests to which no tag leads
    #[arg(long)]
    untagged: bool,
    /// Keep what came within so many seconds: somebody may be in the middle of a push
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    grace: u64,
    /// Keep uploads to a bucket that were gone on with within so many seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 86400,
        conflicts_with = "directory"
    )]
    upload_expiry: u64,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<(), Failure> {
    let garbage = match (&args.bucket, &args.directory) {
        (Some(bucket), _) => {
            let (grace, expiry) = (
                Duration::from_secs(args.grace),
                Duration::from_secs(args.upload_expiry),
            );
            bucket::collect(bucket, args.dry_run, grace, expiry).await?
        }
        (None, Some(directory)) => collect(directory, &args).await?,
        (None, None) => return Err(Failure::usage("a directory is needed, or --bucket")),
    };
    let verb = if args.dry_run { "would remove" } else { "removed" };
    for (repository, digest) in &garbage.manifests {
        context.log(format_args!("{verb} manifest {repository}@{digest}"));
    }
    for (repository, digest) in &garbage.blobs {
        context.log(format_args!("{verb} blob {repository}@{digest}"));
    }
    for (repository, id) in &garbage.uploads {
        context.log(format_args!("{verb} upload {id} to {repository}"));
    }
    for (digest, size) in &garbage.content {
        context.log(format_args!("{verb} {digest}, {size} bytes"));
    }
    context.log(format_args!("{verb} {} bytes", garbage.bytes()));
    Ok(())
}

async fn collect(directory: &Path, args: &Args) -> Result<Garbage, Failure> {
    let options = GarbageOptions::default()
        .with_dry_run(args.dry_run)
        .with_untagged(args.untagged)
        .with_grace(Duration::from_secs(args.grace));
    let failed = |source| Failure::Registry {
        directory: directory.to_owned(),
        source,
    };
    DirectoryStore::collect_garbage(directory, options)
        .await
        .map_err(failed)
}
