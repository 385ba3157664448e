//! A tour: an image of real files goes from a directory to a registry, to another one, and back to disk.
//!
//! `cargo run --release --example quickstart [DIRECTORY]`
//!
//! Both registries are embedded and listen on the loopback interface, with their content in a temporary
//! directory; nothing else is needed, and nothing is left. Without an argument the sources of this
//! workspace are packed.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use wharf::layer::LayerBuilder;
use wharf::layout::Layout;
use wharf::mutate::{Addendum, append_layers, edit_config};
use wharf::name::Reference;
use wharf::registry::server::Server;
use wharf::registry::{DirectoryStore, Registry};
use wharf::remote::Client;
use wharf::v1::oci_spec::image::Digest;
use wharf::v1::{ByteStream, Hasher, Image as _, ImageExt as _, Layer as _, empty, parse_digest, sha256};
use wharf_crane::{CopyOptions, PullFormat, PullOptions};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let directory = std::env::args_os()
        .nth(1)
        .map_or_else(|| PathBuf::from(sources), PathBuf::from);
    let directory = directory.canonicalize()?;
    let room = tempfile::tempdir()?;
    let here = Embedded::start(&room.path().join("here")).await?;
    let there = Embedded::start(&room.path().join("there")).await?;
    let client = Client::new()?;

    let step = Step::begin("pack", &[]);
    let layer = LayerBuilder::from_directory(&directory)
        .spool_in(room.path())
        .build()
        .await?;
    let packed = layer.as_descriptor().size();
    step.end(&format!("{} into one layer", directory.display()), packed);
    let image = append_layers(Arc::new(empty::oci_image()), [Addendum::new(Arc::new(layer))]);
    let image = edit_config(Arc::new(image), |config| {
        config.set_author(Some("the quickstart of wharf".to_owned()));
    });
    let digest = image.digest().await?;

    let app = here.reference("quickstart:v1")?;
    let step = Step::begin("push", &[&here]);
    client.write(&app, &image).await?;
    step.end(app.as_ref(), packed);

    let step = Step::begin("list", &[&here]);
    let tags = wharf_crane::tags(&client, app.repository()).collect_all().await?;
    step.end(&format!("tags of {}: {}", app.repository(), tags.join(", ")), 0);

    let sibling = here.reference("team/quickstart:v1")?;
    let step = Step::begin("copy", &[&here]);
    wharf_crane::copy(
        &client,
        &app.clone().into(),
        &sibling.clone().into(),
        &CopyOptions::default(),
    )
    .await?;
    step.end(&format!("to {sibling}, blobs mounted"), 0);

    let mirror = there.reference("mirror/quickstart:v1")?;
    let step = Step::begin("copy", &[&here, &there]);
    wharf_crane::copy(
        &client,
        &app.clone().into(),
        &mirror.clone().into(),
        &CopyOptions::default(),
    )
    .await?;
    step.end(&format!("to {mirror}, another registry"), packed);

    let layout = room.path().join("layout");
    let step = Step::begin("pull", &[&there]);
    let options = PullOptions::default().with_format(PullFormat::Oci);
    wharf_crane::pull(&client, &[mirror.into()], &layout, &options).await?;
    step.end("into an OCI image layout", packed);

    let step = Step::begin("verify", &[]);
    let (checked, bytes) = verify(&layout, &digest).await?;
    step.end(
        &format!("{checked} digests, of what is stored and of what is in it"),
        bytes,
    );

    say(&format!("\nThe image is {digest} in all four places."));
    here.server.shutdown().await;
    there.server.shutdown().await;
    Ok(())
}

/// Hashes all that the one image of a layout consists of, and says how many digests and bytes that was.
async fn verify(layout: &Path, digest: &Digest) -> Result<(usize, u64)> {
    let images = Layout::open(layout).await?.images().await?;
    let [image] = &images[..] else {
        return Err("the layout does not list one image".into());
    };
    let (manifest, config) = (image.manifest().await?, image.config().await?);
    expect(digest, &sha256(manifest.raw()))?;
    expect(manifest.view()?.config().digest(), &sha256(config.raw()))?;

    let (mut checked, mut bytes) = (2, manifest.size() + config.size());
    let diff_ids = config.view()?.rootfs().diff_ids();
    for (layer, diff_id) in image.layers().await?.iter().zip(diff_ids) {
        let stored = (
            layer.compressed().await?,
            layer.descriptor().await?.digest().clone(),
        );
        let content = (layer.uncompressed().await?, parse_digest(diff_id)?);
        for (stream, want) in [stored, content] {
            let (got, read) = hash(stream).await?;
            expect(&want, &got)?;
            checked += 1;
            bytes += read;
        }
    }
    Ok((checked, bytes))
}

async fn hash(mut stream: ByteStream) -> Result<(Digest, u64)> {
    let (mut hasher, mut read) = (Hasher::sha256(), 0);
    while let Some(chunk) = stream.try_next().await? {
        hasher.update(&chunk);
        read += chunk.len() as u64;
    }
    Ok((hasher.finish(), read))
}

fn expect(want: &Digest, got: &Digest) -> Result<()> {
    if want == got {
        Ok(())
    } else {
        Err(format!("found {got} where {want} should be").into())
    }
}

/// A registry in this process.
struct Embedded {
    registry: Registry,
    server: Server,
}

impl Embedded {
    async fn start(directory: &Path) -> Result<Self> {
        let store = DirectoryStore::open(directory).await?;
        let registry = Registry::builder().store(Arc::new(store)).record().build();
        let server = Server::bind(registry.clone(), "127.0.0.1:0").await?;
        Ok(Self { registry, server })
    }

    fn reference(&self, name: &str) -> Result<Reference> {
        Ok(format!("{}/{name}", self.server.host()).parse()?)
    }
}

/// One step of the tour, from its begin to its line in the account.
struct Step<'a> {
    name: &'static str,
    registries: Vec<(&'a Registry, usize)>,
    start: Instant,
}

impl<'a> Step<'a> {
    fn begin(name: &'static str, registries: &[&'a Embedded]) -> Self {
        let registries = registries
            .iter()
            .map(|one| (&one.registry, one.registry.log().len()))
            .collect();
        Self {
            name,
            registries,
            start: Instant::now(),
        }
    }

    fn end(self, what: &str, bytes: u64) {
        let time = self.start.elapsed();
        let requests: usize = self
            .registries
            .iter()
            .map(|(registry, before)| registry.log().len() - before)
            .sum();
        let mut account = format!("{:<7} {what}\n        {}", self.name, shown(time));
        match requests {
            0 => {}
            1 => account += ", 1 request",
            _ => account += &format!(", {requests} requests"),
        }
        if bytes > 0 {
            let speed = bytes as f64 / time.as_secs_f64();
            account += &format!(", {} at {}/s", size(bytes as f64), size(speed));
        }
        say(&account);
    }
}

fn shown(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn size(bytes: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB"];
    let (mut value, mut unit) = (bytes, 0);
    while value >= 1024.0 && unit + 1 < units.len() {
        (value, unit) = (value / 1024.0, unit + 1);
    }
    format!("{value:.1} {}", units[unit])
}

#[expect(clippy::print_stdout, reason = "an example tells what it did")]
fn say(line: &str) {
    println!("{line}");
}
