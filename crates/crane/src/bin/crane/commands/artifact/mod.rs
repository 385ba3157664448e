//! `crane artifact`.

mod pull;
mod push;

use clap::Subcommand;

pub(super) use push::ManifestArgs;

use crate::context::Context;
use crate::failure::Failure;

/// Store files in a registry and get them back
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Pull(pull::Args),
    Push(push::Args),
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    match args.command {
        Command::Pull(args) => pull::run(args, context).await,
        Command::Push(args) => push::run(args, context).await,
    }
}
