//! `cargo xtask bench`: crane against its peers, in pairs.
//!
//! The question: what do the everyday jobs on a 6-layer image of about 250 MB (600 MB unpacked) cost, in processor time,
//! wall time and memory, and in what ratio to whatever else is on `PATH` that can do them? Each round runs ours and the
//! peer one after the other, so that what else the machine does hits both; the median of the rounds counts.

mod image;
mod job;
mod measure;
mod plot;
mod registry;
mod server;

use std::fs;
use std::path::Path;

use self::job::{Job, jobs};
use self::measure::{Cost, median};
use self::server::{Program, Server};
use crate::command::{self, Failure};

/// Rounds that are measured of each pair, after one that is not.
const ROUNDS: usize = 3;

/// Where the plot goes, below the root.
const PLOT: &str = "docs/bench.svg";

/// What a program took for a job.
pub(crate) struct Result {
    pub(crate) job: &'static str,
    pub(crate) program: &'static str,
    pub(crate) cost: Cost,
}

/// Runs all pairs, prints a table, and draws the plot; or what [`registry`] has, if that is named.
pub(crate) fn run(root: &Path, arguments: &[String]) -> std::result::Result<(), Failure> {
    if let Some((first, rest)) = arguments.split_first()
        && first == "registry"
    {
        return registry::run(root, rest);
    }
    let wanted = |job: &Job| arguments.is_empty() || arguments.iter().any(|name| name == job.name);
    let crane = build(root)?;
    let work = root.join("target/bench");
    let failed = |error: std::io::Error| Failure::Check(format!("{}: {error}", work.display()));
    let _ = fs::remove_dir_all(&work);
    fs::create_dir_all(&work).map_err(failed)?;
    println!("making an image …");
    let layers = image::write_layers(&work).map_err(failed)?;
    let start = |name: &str| {
        Server::start(
            Program::Ours,
            Path::new(&crane),
            &work.join(format!("registry-{name}")),
        )
    };
    let source = start("source")?;
    image::push(&crane, &work, &layers, &source)?;
    let shown = command::output(
        root,
        &[&crane, "tree", &format!("{}/{}", source.host, job::IMAGE)],
    )?;
    println!("{}", shown.lines().next().unwrap_or_default());

    let mut results: Vec<Result> = Vec::new();
    println!(
        "\n| job | program | CPU s | wall s | peak MiB | CPU ratio | wall ratio |\n|---|---|---|---|---|---|---|"
    );
    for job in jobs().into_iter().filter(wanted) {
        let peers: Vec<_> = job
            .peers
            .iter()
            .filter(|(program, _)| is_there(program))
            .collect();
        let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); peers.len() + 1];
        for round in 0..=ROUNDS {
            let ours = std::iter::once((crane.as_str(), &job.ours));
            let theirs = peers.iter().map(|(program, line)| (*program, line));
            for (at, (program, line)) in ours.chain(theirs).enumerate() {
                let place = work.join(format!("{}-{at}-{round}", job.name));
                // Programs remember where they have sent a blob, so the destination is new each time.
                let name = format!("target-{}-{at}-{round}", job.name);
                let target = start(&name)?;
                let line = job::fill(line, program, &source, &target, &place, &work);
                let cost = measure::run(&work, &line)?;
                // The first is for caches and connections.
                if round > 0 {
                    costs[at].push(cost);
                }
                drop(target);
                let _ = fs::remove_dir_all(work.join(format!("registry-{name}")));
                let _ = fs::remove_dir_all(&place);
                let _ = fs::remove_file(&place);
            }
        }
        let programs = std::iter::once("crane").chain(peers.iter().map(|(program, _)| *program));
        let medians: Vec<_> = programs.zip(costs.iter().map(|costs| median(costs))).collect();
        for (program, cost) in &medians {
            let ours = &medians[0].1;
            let ratio = |ours: f64, theirs: f64| match *program {
                "crane" => "".to_owned(),
                _ => format!("{:.2}", ours / theirs.max(0.01)),
            };
            println!(
                "| {} | {program} | {:.2} | {:.2} | {:.0} | {} | {} |",
                job.name,
                cost.cpu,
                cost.wall,
                cost.peak,
                ratio(ours.cpu, cost.cpu),
                ratio(ours.wall, cost.wall),
            );
            results.push(Result {
                job: job.name,
                program,
                cost: *cost,
            });
        }
    }
    drop(source);
    let plot = root.join(PLOT);
    fs::write(&plot, plot::draw(&results))
        .map_err(|error| Failure::Check(format!("{}: {error}", plot.display())))?;
    println!("\nratios are ours to the peer's; drawn in {PLOT}");
    let _ = fs::remove_dir_all(&work);
    Ok(())
}

/// Builds crane for release, and says where it is.
fn build(root: &Path) -> std::result::Result<String, Failure> {
    let line = ["cargo", "build", "--release", "--locked", "-p", "wharf-crane"];
    command::run(root, &line, &[])?;
    let target = crate::workspace::metadata(root)?.target_directory;
    Ok(target.join("release/crane").into_string())
}

fn is_there(program: &str) -> bool {
    let answer = std::process::Command::new(program).arg("--help").output();
    answer.is_ok()
}
