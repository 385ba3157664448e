//! `crane sync`.

use std::path::PathBuf;

use serde::Serialize;
use wharf::name::Registry;
use wharf_crane::{SyncItem, SyncOptions, SyncOutcome, SyncRule, SyncRules, sync};

use crate::context::Context;
use crate::failure::{Failure, chain};
use crate::printer;
use crate::sides::{DestinationArgs, Scope, SourceArgs};

/// Copy repositories by rules from a file
///
/// The file is YAML: a list `sync` of rules, each with source (a repository, or REGISTRY/PATTERN for all that match), target (a repository, or for a pattern REGISTRY or REGISTRY/PREFIX), and if need be tags (include and exclude, lists
/// of patterns), platforms, referrers, digest-tags and keep. A tag that is the same at both ends is left alone; tags are
/// never deleted. Prints a line for each tag: what became of it, and its name.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file with the rules
    rules: PathBuf,
    /// Only say what would be copied
    #[arg(long)]
    dry_run: bool,
    /// Go on after a failure
    #[arg(short, long)]
    keep_going: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    destination: DestinationArgs,
}

/// An item as `--json` prints it.
#[derive(Serialize)]
struct Item<'a> {
    #[serde(flatten)]
    item: &'a SyncItem,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// What of the registries a rule is about, where from and where to.
fn scopes(rule: &SyncRule) -> (Scope, Scope) {
    let scope = |(registry, path): (&Registry, Option<&str>)| Scope {
        registry: registry.clone(),
        path: path.map(str::to_owned),
    };
    (
        scope(rule.repositories.source()),
        scope(rule.repositories.target()),
    )
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let rules = SyncRules::load(&args.rules).await?;
    let options = SyncOptions::default()
        .with_dry_run(args.dry_run)
        .with_keep_going(args.keep_going);
    let tell_failure = |item: &SyncItem| {
        if let Some(error) = &item.error {
            printer::log(format_args!("failed to copy {}: {}", item.source, chain(error)));
        }
    };
    let (sources, targets) = rules.rules.iter().map(scopes).unzip();
    let sides = [(sources, args.source.0), (targets, args.destination.0)];
    let client = context.client_of_sides(None, sides)?;
    let report = sync(&client, &rules, &options, tell_failure).await;
    if args.json {
        let item = |item| Item {
            item,
            error: item.error.as_ref().map(|error| chain(error)),
        };
        context
            .out
            .json(&report.items.iter().map(item).collect::<Vec<_>>())
            .await?;
    } else {
        for item in &report.items {
            let outcome = match item.outcome {
                SyncOutcome::Copied => "copied",
                SyncOutcome::WouldCopy => "would copy",
                SyncOutcome::Same => "same",
                SyncOutcome::Kept => "kept",
                _ => "failed",
            };
            context
                .out
                .queue(format!("{outcome} {} {}", item.source, item.target))
                .await?;
        }
        context.out.flush().await?;
    }
    match report.count(SyncOutcome::Failed) {
        0 => Ok(()),
        failed => Err(Failure::usage(format!(
            "{failed} of {} failed",
            report.items.len()
        ))),
    }
}
