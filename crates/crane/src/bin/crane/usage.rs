//! What is wrong with a command line, in the words that users of crane know.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::ops::Range;

use clap::builder::ValueRange;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

/// Flags of the Go tool that name a place.
const MAY_BE_EMPTY: [&str; 13] = [
    "address",
    "base",
    "cache_path",
    "image-refs",
    "manifest",
    "new_base",
    "new_tag",
    "old_base",
    "output",
    "remote",
    "repo",
    "tag",
    "tarball",
];

/// Says what is wrong with `arguments`, for which `command` gave `error`.
pub(crate) fn describe(command: &Command, arguments: &[OsString], error: &clap::Error) -> String {
    let walk = Walk::new(command, arguments);
    let named = strings(error, ContextKind::InvalidArg);
    let first = named.first().map_or("", String::as_str);
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let word = strings(error, ContextKind::InvalidSubcommand).join(" ");
            unknown_command(&walk, &word, &strings(error, ContextKind::SuggestedSubcommand))
        }
        ErrorKind::UnknownArgument if !first.starts_with('-') => wrong_count(&walk),
        ErrorKind::UnknownArgument => unknown_flag(first, arguments),
        ErrorKind::TooManyValues | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            wrong_count(&walk)
        }
        ErrorKind::MissingRequiredArgument => missing(&walk, &named),
        ErrorKind::ArgumentConflict => {
            let mut all: Vec<&str> = named.iter().map(|name| flag_name(name)).collect();
            let prior = strings(error, ContextKind::PriorArg);
            all.extend(prior.iter().map(|name| flag_name(name)));
            let group = all.join(" ");
            all.sort_unstable();
            format!(
                "if any flags in the group [{group}] are set none of the others can be; [{}] were all set",
                all.join(" ")
            )
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let value = strings(error, ContextKind::InvalidValue).join(" ");
            invalid_value(&walk, first, &value, error)
        }
        _ => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            line.strip_prefix("error: ").unwrap_or(line).to_owned()
        }
    }
}

/// The command that `arguments` name, by its own name.
pub(crate) fn named<'a>(command: &'a Command, arguments: &[OsString]) -> &'a str {
    Walk::new(command, arguments).leaf().get_name()
}

/// Leaves out flags that have nothing in them, as scripts write them (`--output "$FILE"`): the Go tool takes them for
/// flags that are not given.
pub(crate) fn without_empty(command: &Command, mut arguments: Vec<OsString>) -> Vec<OsString> {
    for place in Walk::new(command, &arguments).empty.into_iter().rev() {
        arguments.drain(place);
    }
    arguments
}

fn unknown_command(walk: &Walk<'_>, word: &str, suggestions: &[String]) -> String {
    let path = walk.path();
    let mut text = format!("unknown command {word:?} for {path:?}");
    if !suggestions.is_empty() {
        text.push_str("\n\nDid you mean this?");
        for suggestion in suggestions {
            let _ = write!(text, "\n\t{suggestion}");
        }
        text.push('\n');
    }
    let _ = write!(text, "\nRun '{path} --help' for usage.");
    text
}

fn unknown_flag(flag: &str, arguments: &[OsString]) -> String {
    if flag.starts_with("--") {
        return format!("unknown flag: {flag}");
    }
    let letter = flag.trim_start_matches('-');
    let typed = arguments.iter().filter_map(|argument| argument.to_str());
    let group = typed
        .into_iter()
        .find(|a| a.starts_with('-') && !a.starts_with("--") && a.contains(letter));
    format!("unknown shorthand flag: '{letter}' in {}", group.unwrap_or(flag))
}

fn missing(walk: &Walk<'_>, named: &[String]) -> String {
    let mut flags: Vec<&str> = named
        .iter()
        .filter(|name| name.starts_with('-'))
        .map(|name| flag_name(name))
        .collect();
    if flags.len() < named.len() || flags.is_empty() {
        return wrong_count(walk);
    }
    flags.sort_unstable();
    let quoted: Vec<String> = flags.iter().map(|flag| format!("{flag:?}")).collect();
    format!("required flag(s) {} not set", quoted.join(", "))
}

fn invalid_value(walk: &Walk<'_>, named: &str, value: &str, error: &clap::Error) -> String {
    let flag = flag_name(named);
    if value.is_empty() && error.kind() == ErrorKind::InvalidValue {
        return match flag.starts_with('<') {
            true => format!("{flag} is empty"),
            false => format!("flag needs an argument: --{flag}"),
        };
    }
    let cause = match std::error::Error::source(error) {
        Some(cause) => cause.to_string(),
        None => {
            let valid = strings(error, ContextKind::ValidValue);
            format!("must be one of {}", valid.join(", "))
        }
    };
    let short = walk
        .leaf()
        .get_arguments()
        .find(|arg| arg.get_long() == Some(flag))
        .and_then(Arg::get_short);
    let short = short.map(|letter| format!("-{letter}, ")).unwrap_or_default();
    if flag.starts_with('<') {
        return format!("invalid argument {value:?} for {flag}: {cause}");
    }
    format!("invalid argument {value:?} for \"{short}--{flag}\" flag: {cause}")
}

fn wrong_count(walk: &Walk<'_>) -> String {
    count(&walk.path(), walk.leaf(), &walk.positionals)
}

/// Says how `got` differs from what `command`, known as `path`, takes.
fn count(path: &str, command: &Command, got: &[String]) -> String {
    let (mut least, mut most) = (0usize, 0usize);
    for arg in command.get_positionals() {
        let range = arg.get_num_args().unwrap_or(ValueRange::SINGLE);
        least += if arg.is_required_set() {
            range.min_values()
        } else {
            0
        };
        most = most.saturating_add(range.max_values());
    }
    let received = got.len();
    if most == 0 {
        return format!(
            "unknown command {:?} for {path:?}",
            got.first().map_or("", String::as_str)
        );
    }
    if least == most {
        return format!("accepts {least} arg(s), received {received}");
    }
    if received < least {
        return format!("requires at least {least} arg(s), only received {received}");
    }
    format!("accepts at most {most} arg(s), received {received}")
}

/// `--new_tag <REF>` → `new_tag`.
fn flag_name(named: &str) -> &str {
    let flag = named.split([' ', '=', '[']).next().unwrap_or(named);
    flag.trim_start_matches('-')
}

fn strings(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        Some(ContextValue::StyledStrs(texts)) => texts.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

/// A look over arguments that did not parse: which command was meant, and what stood beside flags.
struct Walk<'a> {
    commands: Vec<&'a Command>,
    positionals: Vec<String>,
    /// Where flags stand that have an empty value and need none.
    empty: Vec<Range<usize>>,
}

impl<'a> Walk<'a> {
    fn new(root: &'a Command, arguments: &[OsString]) -> Self {
        let mut walk = Self {
            commands: vec![root],
            positionals: Vec::new(),
            empty: Vec::new(),
        };
        let mut rest = arguments.iter().enumerate().skip(1);
        let mut flags_ended = false;
        while let Some((place, argument)) = rest.next() {
            let text = argument.to_string_lossy();
            if flags_ended {
                walk.positionals.push(text.into_owned());
            } else if text == "-" || !text.starts_with('-') {
                walk.word(&text);
            } else if text == "--" {
                flags_ended = true;
            } else if let Some(arg) = walk.wants_next(argument) {
                let value = rest.next();
                if value.is_some_and(|(_, value)| value.is_empty()) && may_be_empty(arg) {
                    walk.empty.push(place..place + 2);
                }
            } else if let Some(flag) = text.strip_suffix('=')
                && walk.wants_next(OsStr::new(flag)).is_some_and(may_be_empty)
            {
                walk.empty.push(place..place + 1);
            }
        }
        walk
    }

    fn leaf(&self) -> &'a Command {
        self.commands.last().expect("the root command is always there")
    }

    fn path(&self) -> String {
        let names: Vec<&str> = self.commands.iter().map(|command| command.get_name()).collect();
        names.join(" ")
    }

    fn word(&mut self, text: &str) {
        let subcommand = self
            .leaf()
            .find_subcommand(text)
            .filter(|_| self.positionals.is_empty());
        match subcommand {
            // `crane help pull` is about `crane pull`.
            Some(command) if command.get_name() == "help" => {}
            Some(command) => self.commands.push(command),
            None => self.positionals.push(text.to_owned()),
        }
    }

    /// The flag that takes the next argument as its value, if this one does.
    fn wants_next(&self, flag: &OsStr) -> Option<&'a Arg> {
        let flag = flag.to_string_lossy();
        let with_values = || {
            let arguments = self.leaf().get_arguments().filter(|arg| !arg.is_positional());
            arguments.filter(|arg| arg.get_action().takes_values() && !arg.is_require_equals_set())
        };
        if let Some(long) = flag.strip_prefix("--") {
            return with_values().find(|arg| arg.get_long() == Some(long));
        }
        // In a group such as `-vf`, the first letter that takes a value takes the rest, if there is one.
        let mut letters = flag.chars().skip(1);
        let first = letters.find_map(|letter| with_values().find(|arg| arg.get_short() == Some(letter)));
        first.filter(|_| letters.next().is_none())
    }
}

/// Whether a flag with nothing in it is one that is not given. Not so for what must not be left out by mistake, such as
/// who is let in and what is kept.
fn may_be_empty(arg: &Arg) -> bool {
    arg.get_long().is_some_and(|long| MAY_BE_EMPTY.contains(&long))
}
