//! `crane auth`.

mod get;
mod login;
mod logout;
mod token;

use wharf::name::Registry;

use crate::context::Context;
use crate::failure::Failure;

/// Log in or access credentials
#[derive(Debug, clap::Args)]
#[command(subcommand_required = false)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Get(get::Args),
    Login(login::Args),
    Logout(logout::Args),
    Token(token::Args),
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    match args.command {
        Some(Command::Get(args)) => get::run(args, context).await,
        Some(Command::Login(args)) => login::run(args, context).await,
        Some(Command::Logout(args)) => logout::run(args, context).await,
        Some(Command::Token(args)) => token::run(args, context).await,
        None => {
            crate::printer::hint(&crate::cli::help_of("auth"));
            Ok(())
        }
    }
}

/// The registry that an argument names; an empty one is Docker Hub.
fn registry(text: &str) -> Result<Registry, Failure> {
    if text.is_empty() {
        return Ok(Registry::docker_hub());
    }
    crate::context::name(text)
}
