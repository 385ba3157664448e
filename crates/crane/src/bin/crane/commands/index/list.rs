//! `crane index list`.

use std::path::Path;

use wharf::layout::Layout;
use wharf::v1::IndexExt as _;
use wharf_crane::{DescriptorSummary, Error};

use super::{index, is_path};
use crate::context::Context;
use crate::failure::Failure;

/// List the manifests of an index
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The index, or a directory that holds an OCI layout
    index: String,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let what = &args.index;
    let listed = if is_path(what) {
        let failed = |source| Error::Load {
            path: what.into(),
            kind: "OCI layout",
            source: Box::new(source),
        };
        let layout = Layout::open(Path::new(what)).await.map_err(failed)?;
        layout.index().await.map_err(failed)?
    } else {
        let content = {
            let place = context.place(what)?;
            place.read(&context.client()?).await?
        };
        index(content, what)?
    };
    let children = listed.children().await.map_err(Error::from)?;
    if args.json {
        let all: Vec<DescriptorSummary> = children.iter().map(DescriptorSummary::from).collect();
        return context.out.json(&all).await;
    }
    context.out.queue(row("Digest", "MediaType", "Platform")).await?;
    for child in children {
        let child = DescriptorSummary::from(&child);
        let platform = child.platform.as_deref().unwrap_or("-");
        context
            .out
            .queue(row(&child.digest, &child.media_type, platform))
            .await?;
    }
    context.out.flush().await
}

/// As Go's crane has it, byte for byte.
fn row(digest: &str, media_type: &str, platform: &str) -> String {
    format!("{digest:<70} {media_type:<20} {platform}")
}
