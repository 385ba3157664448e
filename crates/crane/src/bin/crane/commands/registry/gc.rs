//! `crane registry gc`.

use std::path::PathBuf;
use std::time::Duration;

use wharf::registry::store::{DirectoryStore, GarbageOptions};

use crate::context::Context;
use crate::failure::Failure;

/// Remove what nobody needs from the directory of a registry that is not running
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The directory
    directory: PathBuf,
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Also remove manifests to which no tag leads
    #[arg(long)]
    untagged: bool,
    /// Keep what came within so many seconds: somebody may be in the middle of a push
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    grace: u64,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<(), Failure> {
    let options = GarbageOptions::default()
        .with_dry_run(args.dry_run)
        .with_untagged(args.untagged)
        .with_grace(Duration::from_secs(args.grace));
    let failed = |source| Failure::Registry {
        directory: args.directory.clone(),
        source,
    };
    let garbage = DirectoryStore::collect_garbage(&args.directory, options)
        .await
        .map_err(failed)?;
    let verb = if args.dry_run { "would remove" } else { "removed" };
    for (repository, digest) in &garbage.manifests {
        context.log(format_args!("{verb} manifest {repository}@{digest}"));
    }
    for (repository, digest) in &garbage.blobs {
        context.log(format_args!("{verb} blob {repository}@{digest}"));
    }
    for (digest, size) in &garbage.content {
        context.log(format_args!("{verb} {digest}, {size} bytes"));
    }
    context.log(format_args!("{verb} {} bytes", garbage.bytes()));
    Ok(())
}
