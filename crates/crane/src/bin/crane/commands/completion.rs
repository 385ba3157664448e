//! `crane completion`.

use clap_complete::Shell;

use crate::cli;
use crate::context::Context;
use crate::failure::Failure;

/// Print a script that completes command lines in a shell
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell: bash, zsh, fish or powershell
    #[arg(value_parser = shell)]
    shell: Shell,
    /// Leave out what flags and commands are for
    #[arg(long)]
    no_descriptions: bool,
}

fn shell(text: &str) -> Result<Shell, String> {
    match text {
        "bash" => Ok(Shell::Bash),
        "zsh" => Ok(Shell::Zsh),
        "fish" => Ok(Shell::Fish),
        "powershell" => Ok(Shell::PowerShell),
        _ => Err("the shells are bash, zsh, fish and powershell".to_owned()),
    }
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let mut command = cli::definition();
    if args.no_descriptions {
        command = without_descriptions(command);
    }
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "crane", &mut script);
    context.out.bytes(&script).await
}

fn without_descriptions(command: clap::Command) -> clap::Command {
    command
        .about("")
        .mut_args(|arg| arg.help("").long_help(""))
        .mut_subcommands(without_descriptions)
}
