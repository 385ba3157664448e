//! `crane artifact push`.

use wharf_crane::{ArtifactFile, ArtifactOptions, push_artifact};

use crate::context::Context;
use crate::failure::Failure;

/// Store files as an artifact
///
/// Each file becomes a layer with its path as title, each directory a packed one, as with oras. Prints
/// REPOSITORY@DIGEST.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What the artifact is called: a reference, or oci:DIR or oci-archive:FILE, with or without :NAME
    artifact: String,
    /// The files and directories, with what they are: PATH or PATH:MEDIA_TYPE
    #[arg(value_name = "FILE")]
    files: Vec<ArtifactFile>,
    #[command(flatten)]
    manifest: ManifestArgs,
    /// Print what was stored as JSON
    #[arg(long)]
    json: bool,
}

/// What the manifest of an artifact says, for the commands that make one.
#[derive(Debug, clap::Args)]
pub(in crate::commands) struct ManifestArgs {
    /// What the artifact is for
    #[arg(long, value_name = "MEDIA_TYPE")]
    artifact_type: Option<String>,
    /// Annotate the manifest
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = key_value)]
    annotation: Vec<(String, String)>,
    /// The file to use as config, with what it is: PATH or PATH:MEDIA_TYPE
    #[arg(long, value_name = "FILE")]
    config: Option<ArtifactFile>,
}

impl ManifestArgs {
    pub(in crate::commands) fn options(self) -> ArtifactOptions {
        let mut options = ArtifactOptions::default();
        if let Some(artifact_type) = self.artifact_type {
            options = options.with_artifact_type(artifact_type.as_str().into());
        }
        if let Some(config) = self.config {
            options = options.with_config(config);
        }
        for (key, value) in self.annotation {
            options = options.with_annotation(key, value);
        }
        options
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("{text} must be formatted as key=value")),
    }
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let place = context.place(&args.artifact)?;
    let options = args.manifest.options();
    let stored = push_artifact(&context.client()?, &place, &args.files, &options).await?;
    context.out.stored(&stored, args.json).await
}
