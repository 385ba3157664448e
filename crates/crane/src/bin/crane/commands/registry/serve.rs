//! `crane registry serve`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wharf::registry::server::Server;
use wharf::registry::{DirectoryStore, MemoryStore, Registry, Store};

use crate::context::Context;
use crate::env;
use crate::failure::Failure;
use crate::signals::Signals;

/// Serve a registry until SIGINT or SIGTERM comes
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to listen [default: 127.0.0.1, port $PORT or any free one]
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
    /// Keep everything in this directory, made when it does not exist [default: in memory]
    #[arg(long, value_name = "DIR")]
    disk: Option<PathBuf>,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<(), Failure> {
    // From before anybody can know that the server is there.
    let mut signals = Signals::listen()?;
    let store: Arc<dyn Store> = match &args.disk {
        Some(directory) => Arc::new(open(directory).await?),
        None => Arc::new(MemoryStore::new()),
    };
    let registry = Registry::builder().store(store).build();
    let address = address(args.address);
    let failed = |error| Failure::local(format!("listen tcp {address}"), error);
    let server = Server::bind(registry, &address).await.map_err(failed)?;
    context.log(format_args!("serving on port {}", server.addr().port()));
    signals.next().await;
    context.log("shutting down...");
    server.shutdown().await;
    Ok(())
}

async fn open(directory: &Path) -> Result<DirectoryStore, Failure> {
    let failed = |error| Failure::Registry {
        directory: directory.to_owned(),
        source: error,
    };
    DirectoryStore::open(directory).await.map_err(failed)
}

/// Where to listen: on this machine only, unless told otherwise.
fn address(given: Option<String>) -> String {
    match given {
        // As the Go tool has it, no host means every one.
        Some(address) if address.starts_with(':') => format!("0.0.0.0{address}"),
        Some(address) => address,
        None => format!("127.0.0.1:{}", env::port().as_deref().unwrap_or("0")),
    }
}
