//! The command line crane: parses arguments, runs one job of `wharf-crane`, prints what it gave.

mod bars;
mod cli;
mod commands;
mod context;
mod env;
mod failure;
mod headers;
mod json;
mod log;
mod mirrors;
mod pairs;
mod printer;
mod progress;
mod sides;
mod signals;
mod stdin;
mod text;
mod usage;
mod warnings;

use std::process::ExitCode;

use crate::cli::Parsed;
use crate::failure::Failure;

/// Threads that run the network and the hashing. More of them only cost memory: a job is bound by the
/// network, by one hash for each blob in flight, or by the disk.
const MAX_WORKERS: usize = 4;

/// Threads for file I/O and (de)compression, made when needed.
const MAX_BLOCKING: usize = 32;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            printer::failure(&failure);
            failure.exit_code()
        }
    }
}

fn run() -> Result<(), Failure> {
    let cli = match cli::parse(std::env::args_os())? {
        Parsed::Run(cli) => cli,
        Parsed::Show(text) => return printer::text(&text),
        Parsed::Hint(text) => {
            printer::hint(&text);
            return Ok(());
        }
    };
    printer::init(cli.globals.quiet, cli.globals.verbose);
    log::init(cli.globals.verbose);
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get().min(MAX_WORKERS));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .max_blocking_threads(MAX_BLOCKING)
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?;
    let result = runtime.block_on(commands::run(*cli));
    // A thread may still sit in a write to a pipe that nobody reads; the process ends without it.
    runtime.shutdown_background();
    result
}
