//! `crane registry`.

mod bucket;
mod gc;
mod serve;

use crate::context::Context;
use crate::failure::Failure;

/// Run a registry
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Gc(gc::Args),
    Serve(serve::Args),
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    match args.command {
        Command::Gc(args) => gc::run(args, context).await,
        Command::Serve(args) => serve::run(args, context).await,
    }
}
