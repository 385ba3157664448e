//! The command line: its global flags, and how arguments become a command.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{StringValueParser, TypedValueParser as _, ValueParser};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Args, CommandFactory as _, FromArgMatches as _, Parser};
use wharf::v1::{ParsePlatformError, PlatformSpec};

use crate::commands::Command;
use crate::failure::Failure;
use crate::sides::RegistryArgs;
use crate::usage;

/// What `crane version` and `--version` say.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Crane is a tool for managing container images.
#[derive(Debug, Parser)]
#[command(name = "crane", version = VERSION, propagate_version = true, args_override_self = true)]
#[command(subcommand_required = false, arg_required_else_help = false)]
#[command(
    after_help = "Certificates of single registries are read from the certs.d folders of podman and docker, in ~/.config and /etc."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Flags that stand before or after any subcommand.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// Which image of an index is meant.
    // Brackets in a doc comment are links.
    #[arg(
        long,
        global = true,
        value_name = "PLATFORM",
        default_value = "all",
        help = "The image to take from an index: os[/arch[/variant]][:osversion] (e.g. linux/arm64), or local"
    )]
    pub(crate) platform: Vec<Choice>,
    /// Allow plain HTTP, and certificates that cannot be verified
    #[arg(long, global = true)]
    pub(crate) insecure: bool,
    /// Where the rules for mirrors are.
    // Brackets in a doc comment are links.
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        help = "Where else to read from: a registries.conf, or a directory of hosts.toml files [env: CRANE_MIRRORS]"
    )]
    pub(crate) mirrors: Option<PathBuf>,
    /// Give up after so many seconds
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,
    /// Also push layers that are marked as not for distribution
    #[arg(long, global = true)]
    pub(crate) allow_nondistributable_artifacts: bool,
    /// Tell nothing but errors on standard error
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Log every request and response to standard error
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

/// A time in seconds, fractions included.
fn seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.trim_end_matches('s').parse().ok();
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.filter(|time| !time.is_zero())
        .ok_or("must be a number of seconds above 0")
}

/// What of an index is asked for: the images for some platforms. None of them means the index itself; where one image
/// is needed, that for `linux/amd64`.
#[derive(Clone, Debug)]
pub(crate) struct Choice(pub(crate) Vec<PlatformSpec>);

impl FromStr for Choice {
    type Err = ParsePlatformError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim() == "all" {
            return Ok(Self(Vec::new()));
        }
        let platforms = text.split(',').map(|platform| match platform.trim() {
            "local" => Ok(PlatformSpec::local()),
            platform => platform.parse(),
        });
        platforms.collect::<Result<_, _>>().map(Self)
    }
}

/// What a command line asks for.
pub(crate) enum Parsed {
    /// Run a command.
    Run(Box<Cli>),
    /// Print this on standard output: help, the version.
    Show(String),
    /// Print this on standard error: usage, because there is no command.
    Hint(String),
}

/// Parses a command line, the program's name first.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Parsed, Failure> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    if let [_, verb, words @ ..] = &arguments[..]
        && (verb == "__complete" || verb == "__completeNoDesc")
    {
        let words = words.iter().map(|word| word.to_string_lossy().into_owned());
        return Ok(Parsed::Run(Box::new(completion_of(words.collect())?)));
    }
    let mut command = switches_with_values(Cli::command());
    command.build();
    let asked = arguments.iter().position(|word| word == "--help" || word == "-h");
    if let Some(place) = asked.filter(|_| !arguments.iter().any(|word| word == "--")) {
        // It is about the command that is named, also behind it.
        arguments[place..].rotate_left(1);
    }
    let arguments = usage::without_empty(&command, arguments);
    match command
        .try_get_matches_from_mut(&arguments)
        .and_then(|mut m| Cli::from_arg_matches_mut(&mut m))
    {
        Ok(Cli { command: None, .. }) => Ok(Parsed::Hint(Cli::command().render_help().to_string())),
        Ok(cli) => Ok(Parsed::Run(Box::new(cli))),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => of_group(&command, &arguments),
            kind if is_help(kind) => Ok(Parsed::Show(
                help(&arguments).unwrap_or_else(|| error.to_string()),
            )),
            ErrorKind::DisplayVersion => Ok(Parsed::Show(format!("{VERSION}\n"))),
            _ => Err(Failure::Usage(usage::describe(&command, &arguments, &error))),
        },
    }
}

/// What completes a command line. It says nothing but what it finds.
fn completion_of(words: Vec<String>) -> Result<Cli, Failure> {
    let parsed = Cli::try_parse_from(["crane"]).map_err(|error| Failure::usage(error.to_string()));
    let mut cli = parsed?;
    cli.globals.quiet = true;
    cli.command = Some(Command::completion_of(words));
    Ok(cli)
}

/// The whole command line, as completions and manuals want it.
pub(crate) fn definition() -> clap::Command {
    Cli::command()
}

/// What a command says that only groups others, without one of them. Scripts see the same as of the Go tool.
fn of_group(command: &clap::Command, arguments: &[OsString]) -> Result<Parsed, Failure> {
    let usage = help(arguments).unwrap_or_default();
    match usage::named(command, arguments) {
        "auth" | "edit" => Ok(Parsed::Hint(usage)),
        "index" => Err(Failure::usage(
            "accepts 1 arg(s), received 0\nRun 'crane index --help' for usage.",
        )),
        _ => Ok(Parsed::Show(usage)),
    }
}

fn is_help(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}

/// The help that is asked for, with switches shown as they are mostly used: without values.
fn help(arguments: &[OsString]) -> Option<String> {
    let asked = Cli::command().try_get_matches_from(arguments).err()?;
    is_help(asked.kind()).then(|| asked.to_string())
}

/// Lets every switch take a value after an equals sign (`--insecure=false`), as scripts write it that
/// were made for the Go tool.
fn switches_with_values(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| match arg.get_action() {
            ArgAction::SetTrue => switch_with_value(arg, "false"),
            // On by default: `--flatten=false` is what it is there for.
            ArgAction::SetFalse => switch_with_value(arg, "true"),
            _ => arg,
        })
        .mut_subcommands(switches_with_values)
}

fn switch_with_value(arg: Arg, default: &'static str) -> Arg {
    arg.action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .default_value(default)
        .hide_default_value(true)
        .value_name("BOOL")
        .value_parser(ValueParser::new(
            StringValueParser::new().try_map(|text| to_bool(&text)),
        ))
}

/// The spellings that Go's flag packages take for a boolean.
fn to_bool(text: &str) -> Result<bool, &'static str> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("must be true or false"),
    }
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
