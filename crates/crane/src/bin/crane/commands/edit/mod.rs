//! `crane edit`.

mod config;
mod editor;
mod fs;
mod manifest;

use wharf::name::Repository;
use wharf::remote::Client;
use wharf_crane::{Content, Destination, Place};

use crate::context::Context;
use crate::failure::Failure;

/// Edit the contents of an image
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Config(config::Args),
    Fs(fs::Args),
    Manifest(manifest::Args),
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    match args.command {
        Command::Config(args) => config::run(args, context).await,
        Command::Fs(args) => fs::run(args, context).await,
        Command::Manifest(args) => manifest::run(args, context).await,
    }
}

/// What is edited, and where it goes.
struct Edit {
    source: Place,
    tag: Option<Place>,
}

impl Edit {
    fn of(image: &str, tag: Option<&str>, context: &mut Context) -> Result<Self, Failure> {
        Ok(Self {
            source: context.place(image)?,
            tag: context.optional_place(tag)?,
        })
    }

    /// The repository that what is edited comes from and goes to, if it is one.
    fn home(&self) -> Option<&Repository> {
        let home = self.source.reference()?.repository();
        match &self.tag {
            None => Some(home),
            Some(place) => {
                Some(home).filter(|home| place.reference().is_some_and(|to| to.repository() == *home))
            }
        }
    }

    /// Stores what was edited and prints where: the destination as it was typed, or what was pushed by digest.
    async fn store(self, client: &Client, content: &Content, context: &mut Context) -> Result<(), Failure> {
        let destination = Destination::or_replacing(self.tag, &self.source);
        let stored = destination.write(client, content).await?;
        match destination {
            Destination::Place(place) => context.out.line(place).await,
            _ => context.out.line(stored).await,
        }
    }
}
