//! `crane ls-files`.

use serde::Serialize;
use wharf::extract::{FileEntry, FileKind};
use wharf_crane::{list_files, mode_text};

use crate::context::Context;
use crate::failure::{Failure, printable};

/// List the files of an image, without writing any
///
/// All layers are read. With a path, only what is below it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image: a reference, or oci:DIR, oci-archive:FILE, docker-archive:FILE, with or without :NAME
    image: String,
    /// List only this file, or what is in this directory
    path: Option<String>,
    /// Print kind and permissions, owner, size and time as well
    #[arg(short, long)]
    long: bool,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

/// A file as `--json` prints it.
#[derive(Serialize)]
struct Listed<'a> {
    path: &'a str,
    kind: &'static str,
    size: u64,
    mode: String,
    uid: u64,
    gid: u64,
    mtime: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a str>,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let place = context.place(&args.image)?;
    let files = list_files(&context.client()?, &place, context.platform()).await?;
    let below = args
        .path
        .as_deref()
        .unwrap_or_default()
        .trim_matches('/')
        .to_owned();
    let is_wanted = |path: &str| {
        below.is_empty()
            || path
                .strip_prefix(&below)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let wanted: Vec<&FileEntry> = files.iter().filter(|file| is_wanted(&file.path)).collect();
    if wanted.is_empty() && !below.is_empty() {
        return Err(Failure::usage(format!("{below:?} is not there")));
    }
    if args.json {
        return context
            .out
            .json(&wanted.into_iter().map(listed).collect::<Vec<_>>())
            .await;
    }
    for file in wanted {
        let path = printable(&file.path);
        let target = match (&file.link, file.kind) {
            (Some(link), FileKind::Symlink) => format!(" -> {}", printable(link)),
            (Some(link), _) => format!(" link to {}", printable(link)),
            (None, _) => String::new(),
        };
        match args.long {
            true => {
                let (mode, owner, size) = (mode_text(file), format!("{}/{}", file.uid, file.gid), file.size);
                let time = time(file.mtime);
                context
                    .out
                    .queue(format!("{mode} {owner:<9} {size:>10} {time} {path}{target}"))
                    .await?;
            }
            false => context.out.queue(path).await?,
        }
    }
    context.out.flush().await
}

fn listed(file: &FileEntry) -> Listed<'_> {
    Listed {
        path: &file.path,
        kind: match file.kind {
            FileKind::Directory => "directory",
            FileKind::Symlink => "symlink",
            FileKind::HardLink => "hardlink",
            FileKind::CharDevice => "chardevice",
            FileKind::BlockDevice => "blockdevice",
            FileKind::Fifo => "fifo",
            _ => "file",
        },
        size: file.size,
        mode: format!("{:04o}", file.mode),
        uid: file.uid,
        gid: file.gid,
        mtime: file.mtime,
        link: file.link.as_deref(),
    }
}

/// A time in UTC, or its seconds if it is none of our calendar's.
fn time(seconds: i64) -> String {
    match jiff::Timestamp::from_second(seconds) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => seconds.to_string(),
    }
}
