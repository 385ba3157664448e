//! The subcommands: one file each, with its arguments and what it does with them.

mod append;
mod artifact;
mod attach;
mod blob;
mod catalog;
mod config;
mod copy;
mod delete;
mod digest;
mod ls;
mod manifest;
mod pull;
mod push;
mod registry;
mod tag;
mod version;

use clap::Subcommand;

use crate::cli::Cli;
use crate::context::Context;
use crate::failure::Failure;
use crate::signals::Signals;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Append(append::Args),
    Artifact(artifact::Args),
    Attach(attach::Args),
    Blob(blob::Args),
    Catalog(catalog::Args),
    Config(config::Args),
    #[command(visible_alias = "cp")]
    Copy(copy::Args),
    Delete(delete::Args),
    Digest(digest::Args),
    Ls(ls::Args),
    Manifest(manifest::Args),
    Pull(pull::Args),
    Push(push::Args),
    Registry(registry::Args),
    Tag(tag::Args),
    Version(version::Args),
}

impl Command {
    /// Whether it may take one image out of an index.
    fn heeds_platform(&self) -> bool {
        match self {
            Self::Append(_) | Self::Attach(_) | Self::Config(_) | Self::Copy(_) => true,
            Self::Digest(_) | Self::Manifest(_) | Self::Pull(_) => true,
            Self::Artifact(_) | Self::Blob(_) | Self::Catalog(_) | Self::Delete(_) | Self::Ls(_) => false,
            Self::Push(_) | Self::Registry(_) | Self::Tag(_) | Self::Version(_) => false,
        }
    }
}

/// Runs the command of `cli` until it is done or a signal comes.
pub(crate) async fn run(cli: Cli) -> Result<(), Failure> {
    let Some(command) = cli.command else { return Ok(()) };
    let mut context = Context::new(cli.globals);
    if context.platform().is_some() && !command.heeds_platform() {
        context.log("--platform has no effect on this command");
    }
    if context.lists_platforms() && command.heeds_platform() && !matches!(command, Command::Copy(_)) {
        return Err(Failure::usage("--platform: this command takes one platform"));
    }
    let warnings = context.warnings();
    let mut signals = Signals::listen()?;
    // A server is meant to end with a signal, so it takes it itself.
    let stops = !matches!(command, Command::Registry(_));
    let result = tokio::select! {
        result = dispatch(command, &mut context) => result,
        signal = signals.next(), if stops => Err(Failure::Signal(signal)),
    };
    warnings.print();
    result
}

async fn dispatch(command: Command, context: &mut Context) -> Result<(), Failure> {
    match command {
        Command::Append(args) => append::run(args, context).await,
        Command::Artifact(args) => artifact::run(args, context).await,
        Command::Attach(args) => attach::run(args, context).await,
        Command::Blob(args) => blob::run(args, context).await,
        Command::Catalog(args) => catalog::run(args, context).await,
        Command::Config(args) => config::run(args, context).await,
        Command::Copy(args) => copy::run(args, context).await,
        Command::Delete(args) => delete::run(args, context).await,
        Command::Digest(args) => digest::run(args, context).await,
        Command::Ls(args) => ls::run(args, context).await,
        Command::Manifest(args) => manifest::run(args, context).await,
        Command::Pull(args) => pull::run(args, context).await,
        Command::Push(args) => push::run(args, context).await,
        Command::Registry(args) => registry::run(args, context).await,
        Command::Tag(args) => tag::run(args, context).await,
        Command::Version(args) => version::run(args, context).await,
    }
}
