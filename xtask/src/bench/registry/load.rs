//! Many clients at once that do anything.

use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::super::image::Random;
use super::super::server::{Program, Server};
use super::Settings;
use super::client::{Client, Payload};
use super::content::{self, Blob};
use crate::command::Failure;

/// Blobs that go around, of 1 KiB to 256 KiB.
const BLOBS: usize = 128;
const REPOSITORIES: u64 = 10;
const TAGS: u64 = 50;
/// Errors that are shown.
const SHOWN: usize = 10;
/// What a client needs of its stack.
const STACK: usize = 256 << 10;

/// A blob with its bytes.
struct Content {
    blob: Blob,
    bytes: Vec<u8>,
}

/// What all clients together did.
#[derive(Default)]
struct Tally {
    operations: [AtomicU64; 3],
    errors: AtomicU64,
    shown: Mutex<Vec<String>>,
}

/// Lets many clients push, pull and delete, and tells what came of it.
pub(super) fn run(work: &Path, crane: &Path, settings: &Settings) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::Check(format!("{}: {error}", work.display()));
    let sizes: Vec<u64> = (0..BLOBS).map(|at| 1024 << (at % 9)).collect();
    let blobs = content::make(&work.join("blobs"), &sizes, 3).map_err(failed)?;
    let contents: Vec<Content> = blobs
        .into_iter()
        .map(|blob| {
            Ok(Content {
                bytes: std::fs::read(&blob.path)?,
                blob,
            })
        })
        .collect::<io::Result<_>>()
        .map_err(failed)?;
    let server = Server::start(Program::Ours, crane, &work.join("store"))?;
    let (tally, over) = (Tally::default(), AtomicBool::new(false));
    let began = Instant::now();
    println!("{} clients for {} s …", settings.clients, settings.seconds);
    std::thread::scope(|scope| -> io::Result<()> {
        let (contents, tally, over, host) = (&contents, &tally, &over, &server.host);
        for seed in 1..=settings.clients {
            let client = move || {
                let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (seed as u64) << 20);
                let mut client = Client::with_buffer(host, 16 << 10);
                while !over.load(Ordering::Relaxed) {
                    operation(&mut client, contents, &mut random, tally);
                }
            };
            let spawned = std::thread::Builder::new()
                .stack_size(STACK)
                .spawn_scoped(scope, client);
            if let Err(error) = spawned {
                over.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        std::thread::sleep(Duration::from_secs(settings.seconds));
        over.store(true, Ordering::Relaxed);
        Ok(())
    })
    .map_err(failed)?;
    let seconds = began.elapsed().as_secs_f64();
    let counts = tally.operations.map(AtomicU64::into_inner);
    let errors = tally.errors.into_inner();
    let cost = server.cost()?;
    let total: u64 = counts.iter().sum();
    println!(
        "{} pushes, {} pulls, {} deletions: {:.0} a second; {errors} errors; server: {:.2} s CPU, {:.0} MiB peak",
        counts[0],
        counts[1],
        counts[2],
        total as f64 / seconds,
        cost.cpu,
        cost.peak
    );
    if errors == 0 {
        return Ok(());
    }
    let shown = tally.shown.into_inner().unwrap_or_default();
    Err(Failure::Check(format!("for example:\n{}", shown.join("\n"))))
}

/// One operation of a client. What another client has deleted meanwhile may be missing.
fn operation(client: &mut Client, contents: &[Content], random: &mut Random, tally: &Tally) {
    let repository = format!("load/r{}", random.next() % REPOSITORIES);
    let manifest = format!("/v2/{repository}/manifests/t{}", random.next() % TAGS);
    let kind = match random.next() % 10 {
        0..4 => 0,
        4..9 => 1,
        _ => 2,
    };
    let mut pick = || {
        let at = usize::try_from(random.next()).unwrap_or_default() % contents.len();
        &contents[at]
    };
    let (one, other) = (pick(), pick());
    let is_tag = random.next().is_multiple_of(2);
    let done = match kind {
        0 => push(client, &repository, &manifest, one, other),
        1 => pull(client, &repository, &manifest, contents),
        _ if is_tag => expect(
            "DELETE",
            client.ask("DELETE", &manifest, Payload::Bytes(b"")),
            &[202, 404],
        ),
        _ => {
            let path = format!("/v2/{repository}/blobs/{}", one.blob.digest);
            expect(
                "DELETE",
                client.ask("DELETE", &path, Payload::Bytes(b"")),
                &[202, 404],
            )
        }
    };
    tally.operations[kind].fetch_add(1, Ordering::Relaxed);
    if let Err(error) = done {
        tally.errors.fetch_add(1, Ordering::Relaxed);
        if let Ok(mut shown) = tally.shown.lock()
            && shown.len() < SHOWN
        {
            shown.push(error);
        }
    }
}

fn push(
    client: &mut Client,
    repository: &str,
    path: &str,
    config: &Content,
    layer: &Content,
) -> Result<(), String> {
    for content in [config, layer] {
        let pushed = client.push(repository, &content.blob.digest, Payload::Bytes(&content.bytes));
        expect("a push", pushed, &[201])?;
    }
    let descriptor = |content: &Content, media_type: &str| {
        format!(
            r#"{{"mediaType":"application/vnd.oci.image.{media_type}","digest":"{}","size":{}}}"#,
            content.blob.digest, content.blob.size
        )
    };
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{},"layers":[{}]}}"#,
        descriptor(config, "config.v1+json"),
        descriptor(layer, "layer.v1.tar")
    );
    // 404 when one of the blobs was deleted since.
    expect(
        "PUT of a manifest",
        client.put_manifest(path, &manifest),
        &[201, 404],
    )
    .map(drop)
}

fn pull(client: &mut Client, repository: &str, path: &str, contents: &[Content]) -> Result<(), String> {
    let reply = client
        .get(path)
        .map_err(|error| format!("GET of a manifest: {error}"))?;
    if reply.status != 200 {
        return expect("GET of a manifest", Ok(reply), &[404]);
    }
    if !reply.digest.starts_with("sha256:") {
        return Err("a manifest without digest".to_owned());
    }
    let manifest = String::from_utf8_lossy(&reply.body).into_owned();
    for content in contents
        .iter()
        .filter(|content| manifest.contains(&content.blob.digest))
    {
        let path = format!("/v2/{repository}/blobs/{}", content.blob.digest);
        let reply = client
            .get(&path)
            .map_err(|error| format!("GET of a blob: {error}"))?;
        if reply.status == 200 && reply.body != content.bytes {
            return Err(format!("{path}: wrong bytes"));
        }
        expect("GET of a blob", Ok(reply), &[200, 404])?;
    }
    Ok(())
}

fn expect(what: &str, reply: io::Result<super::client::Reply>, statuses: &[u16]) -> Result<(), String> {
    match reply {
        Ok(reply) if statuses.contains(&reply.status) => Ok(()),
        Ok(reply) => Err(format!("{what}: status {}", reply.status)),
        Err(error) => Err(format!("{what}: {error}")),
    }
}
