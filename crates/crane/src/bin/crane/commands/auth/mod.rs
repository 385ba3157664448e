//! `crane auth`.

mod get;
mod login;
mod logout;
mod token;

use crate::context::Context;
use crate::failure::Failure;

/// Log in or access credentials
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
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
        Command::Get(args) => get::run(args, context).await,
        Command::Login(args) => login::run(args, context).await,
        Command::Logout(args) => logout::run(args, context).await,
        Command::Token(args) => token::run(args, context).await,
    }
}
