//! `crane completion`.

use clap_complete::Shell;

use crate::cli;
use crate::context::Context;
use crate::failure::Failure;

/// Print a script that completes command lines in a shell
///
/// The scripts for bash, zsh and fish complete references too: they ask the registry for repositories and tags, with the
/// credentials that there are, for two seconds at most.
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
    let script = String::from_utf8_lossy(&script);
    context
        .out
        .bytes(with_references(args.shell, &script).as_bytes())
        .await
}

/// The script with what completes references.
fn with_references(shell: Shell, script: &str) -> String {
    match shell {
        Shell::Bash => format!("{script}{}", include_str!("references.bash")),
        Shell::Fish => format!("{script}{}", include_str!("references.fish")),
        Shell::Zsh => {
            // What is no option, and options that take an image, may be references.
            let line = |line: &str| {
                let may_be = line.starts_with("':") || line.starts_with("'*:") || line.contains("]:IMAGE:");
                match line.split_once(":_default'") {
                    Some((before, after)) if may_be => format!("{before}:_crane_references'{after}\n"),
                    _ => format!("{line}\n"),
                }
            };
            let script: String = script.lines().map(line).collect();
            // The script ends with a call of what it defines.
            let (definitions, call) = script.split_at(script.rfind("\nif [ ").unwrap_or(script.len()));
            format!(
                "{definitions}{}{}",
                include_str!("references.zsh"),
                call.trim_start()
            )
        }
        _ => script.to_owned(),
    }
}

fn without_descriptions(command: clap::Command) -> clap::Command {
    command
        .about("")
        .mut_args(|arg| arg.help("").long_help(""))
        .mut_subcommands(without_descriptions)
}
