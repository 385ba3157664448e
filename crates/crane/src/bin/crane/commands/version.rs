//! `crane version`.

use crate::cli::VERSION;
use crate::context::Context;
use crate::failure::Failure;

/// Print the version
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    match args.json {
        true => {
            context
                .out
                .json(&serde_json::json!({"name": "crane", "version": VERSION}))
                .await
        }
        false => context.out.line(VERSION).await,
    }
}
