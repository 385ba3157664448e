//! The subcommands: one file each, with its arguments and what it does with them.

mod append;
mod artifact;
mod attach;
mod auth;
mod blob;
mod cat;
mod catalog;
mod complete;
mod completion;
mod config;
mod copy;
mod delete;
mod diff;
mod digest;
mod edit;
mod export;
mod flatten;
mod index;
mod inspect;
mod layout;
mod listing;
mod ls;
mod ls_files;
mod man;
mod manifest;
mod mutate;
mod pull;
mod push;
mod rebase;
mod referrers;
mod registry;
mod sync;
mod tag;
mod tree;
mod validate;
mod version;

use std::time::Duration;

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
    Auth(auth::Args),
    Blob(blob::Args),
    Cat(cat::Args),
    Catalog(catalog::Args),
    // Not for people, so that neither help nor the scripts that ask it know of it.
    #[command(skip)]
    Complete(complete::Args),
    Completion(completion::Args),
    Config(config::Args),
    #[command(visible_alias = "cp")]
    Copy(copy::Args),
    Delete(delete::Args),
    Diff(diff::Args),
    Digest(digest::Args),
    #[command(hide = true)]
    Edit(edit::Args),
    Export(export::Args),
    Flatten(flatten::Args),
    Index(index::Args),
    Inspect(inspect::Args),
    Layout(layout::Args),
    Ls(ls::Args),
    LsFiles(ls_files::Args),
    #[command(hide = true)]
    Man(man::Args),
    Manifest(manifest::Args),
    Mutate(mutate::Args),
    Pull(pull::Args),
    Push(push::Args),
    Rebase(rebase::Args),
    Referrers(referrers::Args),
    Registry(registry::Args),
    Sync(sync::Args),
    Tag(tag::Args),
    Tree(tree::Args),
    Validate(validate::Args),
    Version(version::Args),
}

impl Command {
    /// What the command line `crane __complete WORDS` asks for, as in the Go tool.
    pub(crate) fn completion_of(words: Vec<String>) -> Self {
        Self::Complete(complete::Args { words })
    }

    /// Whether it may take one image out of an index.
    fn heeds_platform(&self) -> bool {
        match self {
            Self::Append(_) | Self::Attach(_) | Self::Config(_) | Self::Copy(_) | Self::Digest(_) => true,
            Self::Edit(_) | Self::Export(_) | Self::Inspect(_) | Self::Manifest(_) | Self::Mutate(_) => true,
            Self::Cat(_) | Self::Diff(_) | Self::LsFiles(_) => true,
            Self::Pull(_) | Self::Rebase(_) | Self::Referrers(_) | Self::Validate(_) => true,
            // It has a flag of the same name.
            Self::Index(_) => true,
            Self::Artifact(_) | Self::Auth(_) | Self::Blob(_) | Self::Catalog(_) | Self::Completion(_) => {
                false
            }
            Self::Complete(_) => false,
            Self::Delete(_) | Self::Flatten(_) | Self::Layout(_) | Self::Ls(_) => false,
            Self::Man(_) | Self::Sync(_) => false,
            Self::Push(_) | Self::Registry(_) | Self::Tag(_) | Self::Tree(_) | Self::Version(_) => false,
        }
    }
}

/// Runs the command of `cli` until it is done or a signal comes.
pub(crate) async fn run(cli: Cli) -> Result<(), Failure> {
    let Some(command) = cli.command else { return Ok(()) };
    let timeout = cli.globals.timeout;
    let mut context = Context::new(cli.globals);
    if context.platform().is_some() && !command.heeds_platform() {
        context.log("--platform has no effect on this command");
    }
    if context.lists_platforms()
        && command.heeds_platform()
        && !matches!(command, Command::Copy(_) | Command::Index(_))
    {
        return Err(Failure::usage("--platform: this command takes one platform"));
    }
    let warnings = context.warnings();
    let mut signals = Signals::listen()?;
    // A server is meant to end with a signal, so it takes it itself.
    let stops = !matches!(command, Command::Registry(_));
    let result = tokio::select! {
        result = dispatch(command, &mut context) => result,
        signal = signals.next(), if stops => Err(Failure::Signal(signal)),
        time = expired(timeout), if stops => Err(Failure::TimedOut(time)),
    };
    if result.is_ok() && context.has_idle_options() {
        context.log("options of the registry have no effect on this command");
    }
    warnings.print();
    result
}

/// When the time is up, if there is a limit.
async fn expired(timeout: Option<Duration>) -> Duration {
    match timeout {
        Some(time) => {
            tokio::time::sleep(time).await;
            time
        }
        None => std::future::pending().await,
    }
}

async fn dispatch(command: Command, context: &mut Context) -> Result<(), Failure> {
    match command {
        Command::Append(args) => append::run(args, context).await,
        Command::Artifact(args) => artifact::run(args, context).await,
        Command::Attach(args) => attach::run(args, context).await,
        Command::Auth(args) => auth::run(args, context).await,
        Command::Blob(args) => blob::run(args, context).await,
        Command::Cat(args) => cat::run(args, context).await,
        Command::Catalog(args) => catalog::run(args, context).await,
        Command::Complete(args) => complete::run(args, context).await,
        Command::Completion(args) => completion::run(args, context).await,
        Command::Config(args) => config::run(args, context).await,
        Command::Copy(args) => copy::run(args, context).await,
        Command::Delete(args) => delete::run(args, context).await,
        Command::Diff(args) => diff::run(args, context).await,
        Command::Digest(args) => digest::run(args, context).await,
        Command::Edit(args) => edit::run(args, context).await,
        Command::Export(args) => export::run(args, context).await,
        Command::Flatten(args) => flatten::run(args, context).await,
        Command::Index(args) => index::run(args, context).await,
        Command::Inspect(args) => inspect::run(args, context).await,
        Command::Layout(args) => layout::run(args, context).await,
        Command::Ls(args) => ls::run(args, context).await,
        Command::LsFiles(args) => ls_files::run(args, context).await,
        Command::Man(args) => man::run(&args),
        Command::Manifest(args) => manifest::run(args, context).await,
        Command::Mutate(args) => mutate::run(args, context).await,
        Command::Pull(args) => pull::run(args, context).await,
        Command::Push(args) => push::run(args, context).await,
        Command::Rebase(args) => rebase::run(args, context).await,
        Command::Referrers(args) => referrers::run(args, context).await,
        Command::Registry(args) => registry::run(args, context).await,
        Command::Sync(args) => sync::run(args, context).await,
        Command::Tag(args) => tag::run(args, context).await,
        Command::Tree(args) => tree::run(args, context).await,
        Command::Validate(args) => validate::run(args, context).await,
        Command::Version(args) => version::run(args, context).await,
    }
}
