//! `crane index`.

mod append;
mod filter;
mod list;

use std::sync::Arc;

use wharf::v1::Index;
use wharf_crane::{Content, Error};

use crate::context::Context;
use crate::failure::Failure;

/// Modify an image index
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Append(append::Args),
    Filter(filter::Args),
    List(list::Args),
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    match args.command {
        Command::Append(args) => append::run(args, context).await,
        Command::Filter(args) => filter::run(args, context).await,
        Command::List(args) => list::run(args, context).await,
    }
}

/// Whether a text that could be a reference means a path.
fn is_path(text: &str) -> bool {
    text.starts_with('.') || text.starts_with('/') || std::path::Path::new(text).exists()
}

/// The index that `content` has to be; `what` names it.
fn index(content: Content, what: &str) -> Result<Arc<dyn Index>, Failure> {
    match content {
        Content::Index(index) => Ok(index),
        other => Err(Failure::Job(Error::NoIndex {
            place: what.to_owned(),
            media_type: other.media_type(),
        })),
    }
}
