//! `crane tree`.

use std::fmt::Write as _;

use wharf_crane::{NodeKind, TreeNode, tree};

use crate::context::Context;
use crate::failure::{Failure, printable};
use crate::text::size;

/// Show what hangs together: an index, its images, their layers, and what refers to each
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image: a reference, or oci:DIR, oci-archive:FILE, docker-archive:FILE, with or without :NAME
    image: String,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let place = context.place(&args.image)?;
    let root = tree(&context.client()?, &place).await?;
    if args.json {
        return context.out.json(&root).await;
    }
    let mut text = format!(
        "{} ({} in all)\n",
        printable(&place.to_string()),
        size(root.total_size())
    );
    draw(&mut text, "", &root, true);
    context.out.bytes(text.as_bytes()).await
}

fn draw(text: &mut String, before: &str, node: &TreeNode, is_last: bool) {
    let (branch, below) = if is_last {
        ("└── ", "    ")
    } else {
        ("├── ", "│   ")
    };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{before}{branch}{}", describe(node));
    let before = format!("{before}{below}");
    let all = node.children.len() + node.referrers.len();
    for (at, node) in node.children.iter().chain(&node.referrers).enumerate() {
        draw(text, &before, node, at + 1 == all);
    }
}

fn describe(node: &TreeNode) -> String {
    let kind = match node.kind {
        NodeKind::Index => "index",
        NodeKind::Image => "image",
        NodeKind::Artifact => "artifact",
        NodeKind::Config => "config",
        NodeKind::Layer => "layer",
        _ => "blob",
    };
    let mut line = format!("{kind} {} {}", node.digest, size(node.size));
    for extra in [&node.platform, &node.artifact_type, &node.title]
        .into_iter()
        .flatten()
    {
        let _ = write!(line, " {}", printable(extra));
    }
    if node.missing {
        line.push_str(" (not there)");
    }
    if node.repeated {
        line.push_str(" (as above)");
    }
    line
}
