//! Pushes and pulls, against one server and then the other.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::is_there;
use super::super::measure::{Cost, median};
use super::super::server::{Program, Server};
use super::Settings;
use super::client::{Client, Payload};
use super::content::{self, Blob};
use crate::command::Failure;

/// Bytes of a small blob.
const SMALL: u64 = 10 << 10;

/// Connections over which blobs are moved; a client of a registry has some.
const CONNECTIONS: usize = 4;

/// Runs all pairs and prints a table.
pub(super) fn run(work: &Path, crane: &Path, settings: &Settings) -> Result<(), Failure> {
    let mut programs = vec![Program::Ours];
    if is_there(Program::Debians.name()) {
        programs.push(Program::Debians);
    } else {
        println!("docker-registry is not on PATH: only our own registry is measured");
    }
    println!("making blobs …");
    let failed = |error: io::Error| Failure::Check(format!("{}: {error}", work.display()));
    let large = content::make(&work.join("large"), &[settings.large << 20], 1).map_err(failed)?;
    let small = content::make(&work.join("small"), &vec![SMALL; settings.small], 2).map_err(failed)?;
    println!(
        "\n| job | program | server CPU s | wall s | peak MiB | CPU ratio | wall ratio | memory ratio |\n|---|---|---|---|---|---|---|---|"
    );
    for (what, blobs) in [
        (format!("one blob of {} MiB", settings.large), &large),
        (format!("{} blobs of 10 KiB", settings.small), &small),
    ] {
        // Per program, the costs of pushing and those of pulling.
        let mut costs = vec![[Vec::new(), Vec::new()]; programs.len()];
        for round in 0..=settings.rounds {
            for (program, costs) in programs.iter().zip(&mut costs) {
                let folder = work.join("store");
                let _ = fs::remove_dir_all(&folder);
                let push = once(*program, crane, &folder, blobs, push)?;
                // Another process, so that its memory is that of pulling.
                let pull = once(*program, crane, &folder, blobs, pull)?;
                // The first round is for caches.
                if round > 0 {
                    costs[0].push(push);
                    costs[1].push(pull);
                }
                let _ = fs::remove_dir_all(&folder);
            }
        }
        for (at, job) in ["push", "pull"].into_iter().enumerate() {
            let medians: Vec<Cost> = costs.iter().map(|costs| median(&costs[at])).collect();
            for (program, cost) in programs.iter().zip(&medians) {
                let ratio = |ours: f64, theirs: f64| match program {
                    Program::Ours => String::new(),
                    Program::Debians => format!("{:.2}", ours / theirs.max(0.01)),
                };
                println!(
                    "| {job} {what} | {} | {:.2} | {:.2} | {:.0} | {} | {} | {} |",
                    program.name(),
                    cost.cpu,
                    cost.wall,
                    cost.peak,
                    ratio(medians[0].cpu, cost.cpu),
                    ratio(medians[0].wall, cost.wall),
                    ratio(medians[0].peak, cost.peak),
                );
            }
        }
    }
    println!("\nratios are ours to the peer's");
    Ok(())
}

/// Moves all blobs once, over some connections, and says what the server took.
fn once(
    program: Program,
    crane: &Path,
    folder: &Path,
    blobs: &[Blob],
    job: fn(&mut Client, &Blob) -> io::Result<u16>,
) -> Result<Cost, Failure> {
    let server = Server::start(program, crane, folder)?;
    let next = AtomicUsize::new(0);
    let work = || -> io::Result<()> {
        let mut client = Client::new(&server.host);
        while let Some(blob) = blobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            match job(&mut client, blob)? {
                200 | 201 => {}
                status => return Err(io::Error::other(format!("status {status}"))),
            }
        }
        Ok(())
    };
    let done: io::Result<()> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS.min(blobs.len()))
            .map(|_| scope.spawn(work))
            .collect();
        let panicked = |_| Err(io::Error::other("a client panicked"));
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(panicked))
    });
    done.map_err(|error| Failure::Check(format!("{}: {error}", program.name())))?;
    server.cost()
}

fn push(client: &mut Client, blob: &Blob) -> io::Result<u16> {
    let payload = Payload::File(&blob.path);
    client
        .push("bench", &blob.digest, payload)
        .map(|reply| reply.status)
}

fn pull(client: &mut Client, blob: &Blob) -> io::Result<u16> {
    let path = format!("/v2/bench/blobs/{}", blob.digest);
    client
        .ask("GET", &path, Payload::Bytes(b""))
        .map(|reply| reply.status)
}
