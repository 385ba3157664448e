//! `crane version`.

use crate::cli::VERSION;
use crate::context::Context;
use crate::failure::Failure;

/// Print the version
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(super) async fn run(_: Args, context: &mut Context) -> Result<(), Failure> {
    context.out.line(VERSION).await
}
