//! `cargo xtask bench registry`: our registry against Debian's `docker-registry`, in pairs.
//!
//! The question: what does a server with its content on disk cost, in processor time, wall time and memory, when one
//! large blob and many small ones are pushed and pulled? The client is the same for both, and does next to nothing:
//! what it sends lies ready, and what it gets it does not look at. Ours puts on disk what it acknowledges before it
//! does so, the peer leaves that to the kernel.
//!
//! `cargo xtask bench registry load` asks another question: does our server answer many clients that push, pull and
//! delete at random, without an error, and in how much memory?

mod client;
mod content;
mod load;
mod pairs;

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::Failure;

/// What the command line says.
pub(super) struct Settings {
    /// The large blob, in MiB.
    large: u64,
    /// How many small blobs there are, of 10 KiB each.
    small: usize,
    /// Rounds that are measured of each pair.
    rounds: usize,
    /// Clients at once that make the load.
    clients: usize,
    /// How long they do it.
    seconds: u64,
    /// The program to measure, if it is not to be built.
    crane: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            large: 1024,
            small: 1000,
            rounds: 3,
            clients: 500,
            seconds: 60,
            crane: None,
        }
    }
}

/// Runs what the arguments after `bench registry` ask for.
pub(super) fn run(root: &Path, arguments: &[String]) -> Result<(), Failure> {
    let (is_load, arguments) = match arguments.split_first() {
        Some((first, rest)) if first == "load" => (true, rest),
        _ => (false, arguments),
    };
    let settings = settings(arguments)?;
    let crane = match &settings.crane {
        Some(crane) => std::path::absolute(crane).map_err(|error| Failure::Check(error.to_string()))?,
        None => super::build(root)?.into(),
    };
    let work = root.join("target/bench-registry");
    let failed = |error: std::io::Error| Failure::Check(format!("{}: {error}", work.display()));
    let _ = fs::remove_dir_all(&work);
    fs::create_dir_all(&work).map_err(failed)?;
    let outcome = if is_load {
        load::run(&work, &crane, &settings)
    } else {
        pairs::run(&work, &crane, &settings)
    };
    let _ = fs::remove_dir_all(&work);
    outcome
}

fn settings(arguments: &[String]) -> Result<Settings, Failure> {
    let usage = "bench registry [load] [--large MIB] [--small COUNT] [--rounds N] [--clients N] [--seconds S] [--crane PROGRAM]";
    let wrong = |what: &str| Failure::Check(format!("{what}; usage: {usage}"));
    let mut settings = Settings::default();
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        let value = rest
            .next()
            .ok_or_else(|| wrong(&format!("{flag} wants a value")))?;
        let number = || {
            value
                .parse::<u64>()
                .map_err(|_| wrong(&format!("{flag} wants a number")))
        };
        let count = || number().map(|number| usize::try_from(number).unwrap_or(usize::MAX));
        match flag.as_str() {
            "--large" => settings.large = number()?,
            "--small" => settings.small = count()?,
            "--rounds" => settings.rounds = count()?,
            "--clients" => settings.clients = count()?,
            "--seconds" => settings.seconds = number()?,
            "--crane" => settings.crane = Some(value.into()),
            _ => return Err(wrong(&format!("no such flag: {flag}"))),
        }
    }
    Ok(settings)
}
