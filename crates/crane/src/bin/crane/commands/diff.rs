//! `crane diff`.

use wharf_crane::{DiffOptions, DocumentChange, ImageDiff, Side, diff};

use crate::context::Context;
use crate::failure::Failure;
use crate::text::{Page, size};

/// Show what two images differ in: configs, layers, files
///
/// Lines begin with - for what only the first image has, + for what only the second has, and ~ for what both have, but
/// not the same.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The first image: a reference, or oci:DIR, oci-archive:FILE, docker-archive:FILE, with or without :NAME
    left: String,
    /// The second image
    right: String,
    /// Compare files too, for which all layers are read
    #[arg(long)]
    files: bool,
    /// Exit with 1 if there is a difference
    #[arg(long)]
    exit_code: bool,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let (left, right) = (context.place(&args.left)?, context.place(&args.right)?);
    let options = DiffOptions::default()
        .with_platform(context.platform())
        .with_files(args.files);
    let found = diff(&context.client()?, &left, &right, &options).await?;
    if args.json {
        context.out.json(&found).await?;
    } else {
        context.out.bytes(page(&found).as_bytes()).await?;
    }
    match args.exit_code && !found.is_empty() {
        true => Err(Failure::Reported),
        false => Ok(()),
    }
}

fn page(diff: &ImageDiff) -> String {
    let mut page = Page::default();
    for change in &diff.documents {
        let DocumentChange {
            place, left, right, ..
        } = change;
        match (left, right) {
            (Some(left), Some(right)) => page.line(0, &format!("~ {place}: {left} -> {right}")),
            (Some(left), None) => page.line(0, &format!("- {place}: {left}")),
            (None, Some(right)) => page.line(0, &format!("+ {place}: {right}")),
            (None, None) => {}
        }
    }
    for layer in &diff.layers {
        let (sign, position) = (sign(layer.side), layer.position);
        page.line(
            0,
            &format!("{sign} layer {position} {} {}", layer.digest, size(layer.size)),
        );
    }
    for file in diff.files.iter().flatten() {
        let mut line = format!("{} {}", sign(file.side), file.path);
        if !file.what.is_empty() {
            line.push_str(&format!(" ({})", file.what.join(", ")));
        }
        page.line(0, &line);
    }
    page.into_text()
}

fn sign(side: Side) -> char {
    match side {
        Side::Removed => '-',
        Side::Added => '+',
        _ => '~',
    }
}
