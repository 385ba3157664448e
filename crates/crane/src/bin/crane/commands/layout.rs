//! `crane layout`.

use std::path::PathBuf;

use wharf::layout::{CollectMode, Layout};
use wharf_crane::Error;

use crate::context::Context;
use crate::failure::Failure;

/// Work on OCI layouts
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Gc(Gc),
}

/// Remove blobs that nothing in a layout needs
#[derive(Debug, clap::Args)]
struct Gc {
    /// The directory
    path: PathBuf,
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let Command::Gc(args) = args.command;
    let failed = |source| Error::Load {
        path: args.path.clone(),
        kind: "OCI layout",
        source: Box::new(source),
    };
    let layout = Layout::open(&args.path).await.map_err(failed)?;
    let (mode, verb) = match args.dry_run {
        true => (CollectMode::DryRun, "would garbage collect"),
        false => (CollectMode::Remove, "garbage collecting"),
    };
    let collected = layout.collect_garbage(mode).await.map_err(failed)?;
    for (digest, _) in &collected.blobs {
        context.log(format_args!("{verb}: {digest}"));
    }
    for path in &collected.left_over {
        context.log(format_args!("{verb}: {}", path.display()));
    }
    for path in &collected.strays {
        context.log(format_args!("{} is no blob, and stays", path.display()));
    }
    Ok(())
}
