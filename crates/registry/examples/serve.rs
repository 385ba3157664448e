//! A registry on a directory: `cargo run -p wharf-registry --features server --example serve -- DIR [ADDRESS]`.

#![expect(clippy::print_stdout, reason = "an example tells its reader what it does")]

use std::sync::Arc;

use wharf_registry::server::Server;
use wharf_registry::{BoxError, DirectoryStore, Registry};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().ok_or("name the directory to serve")?;
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());

    let store = DirectoryStore::open(&dir).await?;
    let registry = Registry::builder().store(Arc::new(store)).build();
    let mut server = Server::bind(registry, address).await?;
    println!("serving {dir} at http://{}/v2/", server.host());
    server.wait().await;
    Ok(())
}
