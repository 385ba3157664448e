//! `crane validate`.

use std::path::PathBuf;

use serde::Serialize;
use wharf::remote::Client;
use wharf::v1::PlatformSpec;
use wharf::v1::validate::{self, Report, ValidateOptions};
use wharf_crane::{Content, Place};

use crate::context::Context;
use crate::failure::Failure;

/// Check that images are what they say they are
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Check a docker archive
    #[arg(long, value_name = "FILE")]
    tarball: Option<PathBuf>,
    /// Check an image or index in a registry, a layout or an archive
    #[arg(long, value_name = "IMAGE")]
    remote: Option<String>,
    /// Only ask whether layers are there
    #[arg(long)]
    fast: bool,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// What was found of one image, as `--json` prints it.
#[derive(Serialize)]
struct Checked {
    name: String,
    valid: bool,
    findings: Vec<Found>,
}

#[derive(Serialize)]
struct Found {
    severity: &'static str,
    text: String,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    if args.tarball.is_none() && args.remote.is_none() {
        return Err(Failure::usage("nothing to validate: give --tarball or --remote"));
    }
    let mut options = ValidateOptions::default();
    options.fast = args.fast;
    let remote = context.optional_place(args.remote.as_deref())?;
    let client = context.client()?;
    let platforms = context.platforms();
    let mut all = Vec::new();
    if let Some(path) = args.tarball {
        let what = path.display().to_string();
        let archive = Place::DockerArchive { path, tag: None };
        let report = check(&archive, &what, &client, &options, &platforms).await?;
        tell(context, &what, &report, args.json).await?;
        all.push((what, report));
    }
    if let (Some(what), Some(place)) = (args.remote, remote) {
        // With JSON there is one document, so all is checked before anything is told.
        let report = check(&place, &what, &client, &options, &platforms).await?;
        tell(context, &what, &report, args.json).await?;
        all.push((what, report));
    }
    if !args.json {
        return Ok(());
    }
    let checked: Vec<Checked> = all.iter().map(|(what, report)| checked(what, report)).collect();
    context.out.json(&checked).await?;
    match all.iter().find(|(_, report)| !report.is_valid()) {
        Some((_, report)) => Err(Failure::Invalid(reason(report))),
        None => Ok(()),
    }
}

async fn check(
    place: &Place,
    what: &str,
    client: &Client,
    options: &ValidateOptions,
    platforms: &[PlatformSpec],
) -> Result<Report, Failure> {
    let failed = |error| Failure::Doing {
        action: format!("failed to read image {what}"),
        source: Box::new(error),
    };
    let content = place.read(client).await.map_err(failed)?;
    let content = content.for_platforms(platforms).await.map_err(failed)?;
    Ok(match &content {
        Content::Image(image) => validate::image(image, options).await,
        Content::Index(index) => validate::index(index, options).await,
        other => {
            let error = wharf_crane::Error::NoImage {
                media_type: other.media_type(),
            };
            return Err(failed(error));
        }
    })
}

/// Says what was found, in words.
async fn tell(context: &mut Context, what: &str, report: &Report, json: bool) -> Result<(), Failure> {
    if json {
        return Ok(());
    }
    for warning in report.findings().iter().filter(|finding| !is_error(finding)) {
        context.log(warning);
    }
    if report.is_valid() {
        return context.out.line(format!("PASS: {what}")).await;
    }
    let reason = reason(report);
    context.out.line(format!("FAIL: {what}: {reason}")).await?;
    Err(Failure::Invalid(reason))
}

fn checked(what: &str, report: &Report) -> Checked {
    let found = |finding: &validate::Finding| Found {
        severity: if is_error(finding) { "error" } else { "warning" },
        text: finding.to_string(),
    };
    Checked {
        name: what.to_owned(),
        valid: report.is_valid(),
        findings: report.findings().iter().map(found).collect(),
    }
}

fn is_error(finding: &validate::Finding) -> bool {
    finding.severity == validate::Severity::Error
}

/// What is wrong, a line for each finding.
fn reason(report: &Report) -> String {
    let wrong = report.findings().iter().filter(|finding| is_error(finding));
    let lines: Vec<String> = wrong.map(ToString::to_string).collect();
    lines.join("\n")
}
