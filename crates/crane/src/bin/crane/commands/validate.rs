//! `crane validate`.

use std::path::PathBuf;

use wharf::remote::Client;
use wharf::v1::validate::{self, Report, ValidateOptions};
use wharf_crane::{Content, Place};

use crate::context::{Context, place};
use crate::failure::Failure;

/// Check that images are what they say they are
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Check a docker archive
    #[arg(long, value_name = "PATH")]
    tarball: Option<PathBuf>,
    /// Check an image or index in a registry, a layout or an archive
    #[arg(long, value_name = "IMAGE")]
    remote: Option<String>,
    /// Only ask whether layers are there
    #[arg(long)]
    fast: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    if args.tarball.is_none() && args.remote.is_none() {
        return Err(Failure::usage("nothing to validate: give --tarball or --remote"));
    }
    let mut options = ValidateOptions::default();
    options.fast = args.fast;
    let client = context.client()?;
    if let Some(path) = args.tarball {
        let what = path.display().to_string();
        check(
            &Place::DockerArchive { path, tag: None },
            &what,
            &client,
            &options,
            context,
        )
        .await?;
    }
    if let Some(what) = args.remote {
        check(&place(&what)?, &what, &client, &options, context).await?;
    }
    Ok(())
}

async fn check(
    place: &Place,
    what: &str,
    client: &Client,
    options: &ValidateOptions,
    context: &mut Context,
) -> Result<(), Failure> {
    let failed = |error| Failure::Doing {
        action: format!("failed to read image {what}"),
        source: Box::new(error),
    };
    let content = place.read(client).await.map_err(failed)?;
    let content = content
        .for_platforms(&context.platforms())
        .await
        .map_err(failed)?;
    let report = match &content {
        Content::Image(image) => validate::image(image, options).await,
        Content::Index(index) => validate::index(index, options).await,
        other => {
            let error = wharf_crane::Error::NoImage {
                media_type: other.media_type(),
            };
            return Err(failed(error));
        }
    };
    for warning in report.findings().iter().filter(|finding| !is_error(finding)) {
        context.log(warning);
    }
    if report.is_valid() {
        return context.out.line(format!("PASS: {what}")).await;
    }
    let reason = reason(&report);
    context.out.line(format!("FAIL: {what}: {reason}")).await?;
    Err(Failure::Invalid(reason))
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
