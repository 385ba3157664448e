//! `crane push`.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use wharf_crane::{Error, PushScope, Stored, push};

use crate::context::Context;
use crate::failure::Failure;
use crate::stdin::{DASH, spool};

/// Push an image from an OCI layout or a docker archive
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An OCI layout (a directory) or a docker archive (a file), `-` for an archive on standard input, or oci:DIR, oci-archive:FILE, docker-archive:FILE, with or without :NAME
    path: PathBuf,
    /// Where the image goes: a reference, or oci:DIR, oci-archive:FILE, docker-archive:FILE, with or without :NAME
    image: String,
    /// Push all that the layout holds, as one index
    #[arg(long)]
    index: bool,
    /// Also write what was pushed, REPOSITORY@DIGEST, to this file
    #[arg(long, value_name = "FILE")]
    image_refs: Option<PathBuf>,
    /// Print what was stored as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let destination = context.place(&args.image)?;
    let spooled = if args.path.as_os_str() == DASH {
        Some(spool().await?)
    } else {
        None
    };
    let path = spooled.as_ref().map_or(args.path.as_path(), NamedTempFile::path);
    let scope = if args.index {
        PushScope::Everything
    } else {
        PushScope::Single
    };
    let as_given = |error| match error {
        Error::Load { kind, source, .. } => Error::Load {
            path: args.path.clone(),
            kind,
            source,
        },
        error => error,
    };
    let client = context.client()?;
    let pushed = match context.local(&args.path)? {
        Some(_) if args.index => {
            return Err(Failure::usage(
                "--index is for a directory that is named by its path",
            ));
        }
        Some(source) => {
            let content = source.read(&client).await?;
            Stored::at(&destination, &destination.write(&client, &content).await?)
        }
        None => push(&client, path, &destination, scope).await.map_err(as_given)?,
    };
    if let Some(path) = args.image_refs {
        let failed =
            |error| Failure::local(format!("failed to write image refs to {}", path.display()), error);
        write_refs(&path, &pushed.reference).map_err(failed)?;
    }
    context.out.stored(&pushed, args.json).await
}

/// Makes `path` a file that holds `text`, readable by its owner only.
fn write_refs(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}
