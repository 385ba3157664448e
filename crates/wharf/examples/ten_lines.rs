//! Push an image, copy it to another registry, and read it there: the library in ten lines.
//!
//! `cargo run -p wharf --features registry --example ten_lines`

use wharf::name::Reference;
use wharf::registry::{Registry, server::Server};
use wharf::remote::{Client, CopyOptions};
use wharf::v1::{Image as _, random};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example says what it did")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (here, there) = (serve().await?, serve().await?);
    let source: Reference = format!("{}/app:v1", here.host()).parse()?;
    let destination: Reference = format!("{}/mirror/app:v1", there.host()).parse()?;

    let client = Client::new()?;
    client.write(&source, &random::image(1, 3, 1 << 20)).await?;
    let copied = client
        .copy(&source, &destination, &CopyOptions::default())
        .await?;
    let config = client.image(&destination, None).await?.config().await?;

    println!(
        "{destination} is {}, for {}",
        copied.descriptor.digest(),
        config.view()?.os()
    );
    Ok(())
}

/// A registry in this process, so that the example needs nothing else.
async fn serve() -> std::io::Result<Server> {
    Server::bind(Registry::default(), "127.0.0.1:0").await
}
