//! `crane copy`.

use std::num::NonZeroUsize;
use std::path::Path;

use serde::Serialize;
use wharf::name::Tag;
use wharf::remote::CopyReport;
use wharf_crane::{
    CopiedTags, CopyOptions, CopySummary, Entry, Existing, Place, Stored, copy, copy_reported,
    copy_repository, copy_repository_to_layout, plan_copy,
};

use crate::context::Context;
use crate::failure::{Failure, chain};
use crate::sides::{DestinationArgs, Scope, SourceArgs};
use crate::text::{Page, size};

/// Copy an image from one place to another, its digest unchanged
///
/// Places are references, OCI layouts (oci:DIR or oci:DIR:NAME), such layouts as a file (oci-archive:FILE), and what docker save writes (docker-archive:FILE). With several platforms (--platform A,B) an index of just them is made.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to copy
    src: String,
    /// Where it goes
    dst: String,
    /// Copy all tags: SRC is a repository, and DST another, or oci:DIR
    #[arg(short, long)]
    all_tags: bool,
    /// Leave tags alone that exist at the destination
    #[arg(short, long)]
    no_clobber: bool,
    /// Also copy what refers to it: signatures, SBOMs, attestations
    #[arg(long)]
    referrers: bool,
    /// Also copy tags that are named after its digest (sha256-….sig)
    #[arg(long)]
    digest_tags: bool,
    /// With --platform, keep the index as it is, without what it lists for other platforms
    #[arg(long)]
    sparse: bool,
    /// Only say what would be copied, from registry to registry
    #[arg(long, conflicts_with = "all_tags")]
    dry_run: bool,
    /// With --all-tags, go on after a tag that cannot be copied
    #[arg(short, long, requires = "all_tags")]
    keep_going: bool,
    /// Blobs that move at a time, and with --all-tags tags [default: 8 blobs, 4 tags]
    #[arg(short, long, value_name = "N", value_parser = jobs, allow_negative_numbers = true)]
    jobs: Option<NonZeroUsize>,
    /// Print what was stored, and what was moved for it, as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    destination: DestinationArgs,
}

/// What became of tags, as `--json` prints it.
#[derive(Serialize)]
struct Tags<'a> {
    copied: Vec<&'a str>,
    kept: Vec<&'a str>,
    failed: Vec<Failed<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<CopySummary>,
}

#[derive(Serialize)]
struct Failed<'a> {
    tag: &'a str,
    error: String,
}

impl<'a> From<&'a CopiedTags> for Tags<'a> {
    fn from(tags: &'a CopiedTags) -> Self {
        // Copies end in any order.
        let sorted = |tags: &'a [Tag]| {
            let mut names: Vec<&str> = tags.iter().map(Tag::tag).collect();
            names.sort_unstable();
            names
        };
        let failed = tags.failed.iter().map(|(tag, error)| Failed {
            tag: tag.tag(),
            error: chain(error),
        });
        Self {
            copied: sorted(&tags.copied),
            kept: sorted(&tags.kept),
            failed: failed.collect(),
            report: None,
        }
    }
}

fn jobs(text: &str) -> Result<NonZeroUsize, &'static str> {
    text.parse().map_err(|_| "must be a number above 0")
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let mut options = CopyOptions::default().with_platforms(context.platforms());
    options = options
        .with_referrers(args.referrers)
        .with_digest_tags(args.digest_tags)
        .with_sparse(args.sparse)
        .with_keep_going(args.keep_going);
    if args.sparse && options.platforms.is_empty() {
        return Err(Failure::usage(
            "--sparse needs --platform, with the platforms to copy",
        ));
    }
    if args.no_clobber {
        options = options.with_existing(Existing::Keep);
    }
    if let Some(jobs) = args.jobs {
        options = options.with_jobs(jobs);
    }
    if args.all_tags {
        return all_tags(args, &options, context).await;
    }
    let (src, dst) = (context.place(&args.src)?, context.place(&args.dst)?);
    let of = |place: &Place| {
        let reference = place.reference().into_iter();
        reference
            .map(|reference| Scope::from(reference.repository()))
            .collect()
    };
    let sides = [(of(&src), args.source.0), (of(&dst), args.destination.0)];
    let client = context.client_of_sides(args.jobs, sides)?;
    if args.dry_run {
        let (Some(from), Some(to)) = (src.reference(), dst.reference()) else {
            return Err(Failure::usage(
                "--dry-run is for copies from registry to registry",
            ));
        };
        let planned = plan_copy(&client, from, to, &options).await?;
        return match args.json {
            true => context.out.json(&stored(&dst, &planned)).await,
            false => context.out.bytes(page(&planned).as_bytes()).await,
        };
    }
    context.log(format_args!("Copying from {} to {}", args.src, args.dst));
    let stored = match (src.reference(), dst.reference()) {
        (Some(from), Some(to)) => stored(&dst, &copy_reported(&client, from, to, &options).await?),
        _ => Stored::at(&dst, &copy(&client, &src, &dst, &options).await?),
    };
    match args.json {
        true => context.out.json(&stored).await,
        false => Ok(()),
    }
}

fn stored(dst: &Place, report: &CopyReport) -> Stored {
    Stored::at(dst, &report.descriptor).with_report(CopySummary::from(report))
}

/// What would be copied, for people.
fn page(report: &CopyReport) -> String {
    let mut page = Page::default();
    page.field(0, "Digest", report.descriptor.digest().as_ref());
    for (name, amount) in [
        ("Manifests", report.manifests),
        ("To send", report.moved),
        ("To mount", report.mounted),
        ("There", report.present),
        ("Left out", report.skipped),
    ] {
        page.field(0, name, &format!("{}, {}", amount.count, size(amount.bytes)));
    }
    page.into_text()
}

async fn all_tags(args: Args, options: &CopyOptions, context: &mut Context) -> Result<(), Failure> {
    let src = context.repository(&args.src)?;
    let local = context.local(Path::new(&args.dst))?;
    let (tags, layout) = match local {
        Some(Place::Layout {
            path,
            entry: Entry::Only,
        }) => {
            let sides = [
                (vec![Scope::from(&src)], args.source.0),
                (Vec::new(), args.destination.0),
            ];
            let client = context.client_of_sides(args.jobs, sides)?;
            let copied = copy_repository_to_layout(&client, &src, &path, options).await?;
            (copied, Some(args.dst))
        }
        Some(place) => {
            return Err(Failure::usage(format!(
                "{place} is no place for all tags: use oci:DIR"
            )));
        }
        None => {
            let dst = context.repository(&args.dst)?;
            let sides = [
                (vec![Scope::from(&src)], args.source.0),
                (vec![Scope::from(&dst)], args.destination.0),
            ];
            let client = context.client_of_sides(args.jobs, sides)?;
            (copy_repository(&client, &src, &dst, options).await?, None)
        }
    };
    let shown = |tag: &Tag| match &layout {
        Some(layout) => format!("{layout}:{}", tag.tag()),
        None => tag.to_string(),
    };
    for tag in &tags.kept {
        context.log(format_args!("Skipping {} due to no-clobber", shown(tag)));
    }
    for (tag, error) in &tags.failed {
        context.log(format_args!("failed to copy to {}: {}", shown(tag), chain(error)));
    }
    if args.json {
        let mut shown = Tags::from(&tags);
        shown.report = layout.is_none().then_some(tags.report);
        context.out.json(&shown).await?;
    }
    let (copied, kept, failed) = (tags.copied.len(), tags.kept.len(), tags.failed.len());
    context.log(format_args!(
        "copied {copied} tags, kept {kept}, failed to copy {failed}"
    ));
    match failed {
        0 => Ok(()),
        _ => Err(Failure::usage(format!(
            "{failed} of {} tags failed",
            copied + failed
        ))),
    }
}
