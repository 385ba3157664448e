//! `crane auth logout`.

use wharf::authn::ConfigEditor;
use wharf_crane::Error;

use crate::context::Context;
use crate::failure::Failure;

/// Log out of a registry
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The registry
    server: String,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let registry = context.registry(&args.server)?;
    let editor = ConfigEditor::from_env().map_err(Error::from)?;
    editor.erase(&registry).await.map_err(Error::from)?;
    context.log(format_args!("logged out via {}", editor.path().display()));
    Ok(())
}
