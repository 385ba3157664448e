//! `crane index list`.

use std::path::Path;

use wharf::layout::Layout;
use wharf::v1::{IndexExt as _, PlatformSpec};
use wharf_crane::Error;

use super::{index, is_path};
use crate::context::{Context, place};
use crate::failure::Failure;

/// List the manifests of an index
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The index, or a directory that holds an OCI layout
    index: String,
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
        let content = place(what)?.read(&context.client()?).await?;
        index(content, what)?
    };
    let children = listed.children().await.map_err(Error::from)?;
    context.out.queue(row("Digest", "MediaType", "Platform")).await?;
    for child in children {
        let platform = child.platform().as_ref();
        let platform = platform.map_or("-".to_owned(), |platform| {
            PlatformSpec::from(platform).to_string()
        });
        let digest = child.digest().to_string();
        context
            .out
            .queue(row(&digest, child.media_type().as_ref(), &platform))
            .await?;
    }
    context.out.flush().await
}

fn row(digest: &str, media_type: &str, platform: &str) -> String {
    format!("{digest:<72}{media_type:<58}{platform}")
}
