//! `crane copy`.

use std::num::NonZeroUsize;

use serde::Serialize;
use wharf::name::Tag;
use wharf_crane::{CopiedTags, CopyOptions, Existing, Place, Stored, copy, copy_repository};

use crate::context::Context;
use crate::failure::{Failure, chain};
use crate::sides::{DestinationArgs, Scope, SourceArgs};

/// Copy an image from one place to another, its digest unchanged
///
/// Places are references, OCI layouts (oci:DIR or oci:DIR:NAME), such layouts as a file (oci-archive:FILE), and what docker save writes (docker-archive:FILE). With several platforms (--platform A,B) an index of just them is made.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to copy
    src: String,
    /// Where it goes
    dst: String,
    /// Copy all tags: SRC and DST are repositories
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
    /// With --all-tags, go on after a tag that cannot be copied
    #[arg(short, long, requires = "all_tags")]
    keep_going: bool,
    /// Blobs that move at a time, and with --all-tags tags [default: 8 blobs, 4 tags]
    #[arg(short, long, value_name = "N", value_parser = jobs, allow_negative_numbers = true)]
    jobs: Option<NonZeroUsize>,
    /// Print what was stored as JSON
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
        .with_keep_going(args.keep_going);
    if args.no_clobber {
        options = options.with_existing(Existing::Keep);
    }
    if let Some(jobs) = args.jobs {
        options = options.with_jobs(jobs);
    }
    if args.all_tags {
        let (src, dst) = (context.repository(&args.src)?, context.repository(&args.dst)?);
        let sides = [
            (vec![Scope::from(&src)], args.source.0),
            (vec![Scope::from(&dst)], args.destination.0),
        ];
        let client = context.client_of_sides(args.jobs, sides)?;
        let tags = copy_repository(&client, &src, &dst, &options).await?;
        for tag in &tags.kept {
            context.log(format_args!("Skipping {tag} due to no-clobber"));
        }
        for (tag, error) in &tags.failed {
            context.log(format_args!("failed to copy to {tag}: {}", chain(error)));
        }
        if args.json {
            context.out.json(&Tags::from(&tags)).await?;
        }
        let (copied, kept, failed) = (tags.copied.len(), tags.kept.len(), tags.failed.len());
        context.log(format_args!(
            "copied {copied} tags, kept {kept}, failed to copy {failed}"
        ));
        return match failed {
            0 => Ok(()),
            _ => Err(Failure::usage(format!(
                "{failed} of {} tags failed",
                copied + failed
            ))),
        };
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
    context.log(format_args!("Copying from {} to {}", args.src, args.dst));
    let copied = copy(&client, &src, &dst, &options).await?;
    match args.json {
        true => context.out.json(&Stored::at(&dst, &copied)).await,
        false => Ok(()),
    }
}
