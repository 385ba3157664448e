//! What operations cost, in requests and in round trips that wait for each other.
//!
//! The registries are open, and the client has met them before it counts. `N` is the number of layers of an image, `P`
//! that of the children of an index.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::Instant;
use wharf_remote::{Client, CopyOptions};
use wharf_v1::partial::{AssembledImage, AssembledIndex};
use wharf_v1::{Image as _, Layer};

use crate::kit::{Kit, reference, repository};

const N: usize = 6;
const P: usize = 3;

/// Bytes in a layer: too many to be sent with the first request.
const LAYER: usize = 20_000;

fn image() -> AssembledImage {
    wharf_v1::random::image(1, N, LAYER)
}

fn index() -> AssembledIndex {
    wharf_v1::random::index(1, P, N, LAYER)
}

/// An operation, what it should cost at most (requests and round trips), and what Go's crane was measured to take.
struct Row(&'static str, &'static str, &'static str);

/// Runs `prepare` with a client of its own, then `run` with one that knows nothing but what it learns, and compares the
/// requests to both registries and the round trips of the latter.
#[expect(clippy::print_stdout, reason = "the table is made of what it prints")]
async fn check<Prepare, Run>(
    row: Row,
    prepare: impl FnOnce(Client) -> Prepare,
    run: impl FnOnce(Client) -> Run,
    cost: (usize, u64),
) where
    Prepare: Future<Output = Result<(), wharf_remote::Error>>,
    Run: Future<Output = Result<(), wharf_remote::Error>>,
{
    let kit = Kit::new();
    prepare(kit.client.clone()).await.expect("prepared");
    kit.forget_requests();
    let client = kit.distant_client();
    let began = Instant::now();
    run(client).await.expect("it works");
    let trips = began
        .elapsed()
        .as_millis()
        .div_ceil(Duration::from_secs(1).as_millis());
    let (a, b) = (kit.asked_a(), kit.asked_b());
    let Row(operation, target, go) = row;
    // A line of the table that `cargo xtask budgets` prints.
    println!(
        "budget\t{operation}\t{} / {trips}\t{target}\t{go}",
        a.len() + b.len()
    );
    assert_eq!(
        (a.len() + b.len(), u64::try_from(trips).expect("few")),
        cost,
        "{a:#?} {b:#?}"
    );
}

async fn push(client: Client, to: &str) -> Result<(), wharf_remote::Error> {
    client.write(&reference(to), &image()).await.map(drop)
}

async fn push_index(client: Client, to: &str) -> Result<(), wharf_remote::Error> {
    client.write_index(&reference(to), &index()).await.map(drop)
}

async fn copy(client: Client, from: &str, to: &str) -> Result<(), wharf_remote::Error> {
    client
        .copy(&reference(from), &reference(to), &CopyOptions::default())
        .await
        .map(drop)
}

async fn nothing(_: Client) -> Result<(), wharf_remote::Error> {
    Ok(())
}

async fn read_layer(layer: &Arc<dyn Layer>) -> Result<(), wharf_v1::Error> {
    layer.compressed().await?.collect(1 << 20).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn head_and_get() {
    let prepare = |client| push(client, "a.test/app:v1");
    let head = async |client: Client| client.head(&reference("a.test/app:v1")).await.map(drop);
    check(Row("head", "1 / 1", "2 / 2"), prepare, head, (1, 1)).await;
    let get = async |client: Client| client.get(&reference("a.test/app:v1")).await.map(drop);
    check(Row("get a manifest", "1 / 1", "2 / 2"), prepare, get, (1, 1)).await;
}

#[tokio::test(start_paused = true)]
async fn pull_an_image_from_an_index() {
    let pull = async |client: Client| {
        let image = client.image(&reference("a.test/app:v1"), None).await?;
        let layers = image.layers().await.expect("in the manifest");
        let config = async { image.config().await.map(drop) };
        let layers = try_join_all(layers.iter().map(read_layer));
        futures_util::future::try_join(config, layers)
            .await
            .expect("readable");
        Ok(())
    };
    let prepare = async |client: Client| {
        let index = crate::read::platforms(&["linux/amd64", "linux/arm64"]);
        client
            .write_index(&reference("a.test/app:v1"), &index)
            .await
            .map(drop)
    };
    // One layer each.
    check(
        Row("pull an image of 1 layer from an index", "4 / 3", ""),
        prepare,
        pull,
        (3 + 1, 3),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn push_an_image() {
    let run = |client| push(client, "a.test/app:v1");
    // HEAD of the tag; POST of the config; POST, PUT of each layer; PUT of the manifest.
    check(
        Row("push an image of 6 new layers", "15 / 4", "31 / 11"),
        nothing,
        run,
        (1 + 1 + 2 * N + 1, 4),
    )
    .await;
    check(
        Row("push it again", "1 / 1", "2 / 2"),
        |client| push(client, "a.test/app:v1"),
        run,
        (1, 1),
    )
    .await;
    // The blobs are there.
    check(
        Row("push it under a new tag", "9 / 2", "10 / 5"),
        |client| push(client, "a.test/app:other"),
        run,
        (1 + (N + 1) + 1, 3),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn push_an_image_under_a_second_tag() {
    // What this client pushed itself it need not ask for.
    let run = async |client: Client| push(client, "a.test/app:v2").await;
    let both = async |client: Client| {
        push(client.clone(), "a.test/app:v1").await?;
        run(client).await
    };
    check(
        Row("push an image of 6 layers under two tags", "17 / 6", ""),
        nothing,
        both,
        (1 + 1 + 2 * N + 1 + 2, 4 + 2),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn push_an_index() {
    let run = |client| push_index(client, "a.test/app:v1");
    // HEAD and PUT of the index; of each child HEAD, what an image costs, and PUT.
    check(
        Row("push an index of 3 new images", "46 / 4", "93 / 13"),
        nothing,
        run,
        (1 + P * (1 + 1 + 2 * N + 1) + 1, 1 + 1 + 2 + 1 + 1),
    )
    .await;
    check(
        Row("push it again", "1 / 1", "2 / 2"),
        |client| push_index(client, "a.test/app:v1"),
        run,
        (1, 1),
    )
    .await;
    // The children are there: they are not read.
    check(
        Row("push it under a new tag", "2 / 2", "6 / 4"),
        |client| push_index(client, "a.test/app:other"),
        run,
        (1 + P + 1, 3),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn move_a_tag() {
    let run = async |client: Client| {
        let tag = repository("a.test/app").tag("v2").expect("a tag");
        client.tag(&reference("a.test/app:v1"), &tag).await.map(drop)
    };
    check(
        Row("give a tag", "2 / 2", "4 / 4"),
        |client| push(client, "a.test/app:v1"),
        run,
        (2, 2),
    )
    .await;
    let run = async |client: Client| {
        let image = image();
        let manifest = image.manifest().await.expect("known");
        let raw = manifest.raw().clone();
        client
            .put(&reference("a.test/app:v2"), manifest.media_type().clone(), raw)
            .await
            .map(drop)
    };
    check(
        Row("put a manifest", "1 / 1", "2 / 2"),
        |client| push(client, "a.test/app:v1"),
        run,
        (1, 1),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn delete() {
    let run = async |client: Client| client.delete(&reference("a.test/app:v1")).await;
    check(
        Row("delete", "1 / 1", "2 / 2"),
        |client| push(client, "a.test/app:v1"),
        run,
        (1, 1),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn copy_an_image_within_a_registry() {
    let prepare = |client| push(client, "a.test/app:v1");
    // GET and HEAD together; one mount for each blob; PUT.
    check(
        Row("copy an image within a registry", "10 / 3", "20 / 10"),
        prepare,
        |client| copy(client, "a.test/app:v1", "a.test/mirror:v1"),
        (2 + (N + 1) + 1, 3),
    )
    .await;
    // All blobs are known to be in the repository that they come from.
    check(
        Row("copy an image within a repository", "2 / 2", "12 / 7"),
        prepare,
        |client| copy(client, "a.test/app:v1", "a.test/app:v2"),
        (2, 2),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn copy_an_image_between_registries() {
    let prepare = |client| push(client, "a.test/app:v1");
    let run = |client| copy(client, "a.test/app:v1", "b.test/app:v1");
    // GET and HEAD together; of each blob POST with GET of the source, PUT; PUT.
    check(
        Row("copy an image between registries", "24 / 4", "40 / 15"),
        prepare,
        run,
        (2 + 3 * (N + 1) + 1, 4),
    )
    .await;
    let prepare = async |client: Client| {
        push(client.clone(), "a.test/app:v1").await?;
        push(client, "b.test/app:v1").await
    };
    check(Row("copy it again", "2 / 1", "4 / 4"), prepare, run, (2, 1)).await;
}

#[tokio::test(start_paused = true)]
async fn copy_an_index_between_registries() {
    let run = |client| copy(client, "a.test/app:v1", "b.test/app:v1");
    check(
        Row("copy an index of 3 between registries", "72 / 6", "119 / 23"),
        |client| push_index(client, "a.test/app:v1"),
        run,
        (3 + P * (3 + 3 * (N + 1)), 1 + 1 + 1 + 2 + 1 + 1),
    )
    .await;
    let both = async |client: Client| {
        push_index(client.clone(), "a.test/app:v1").await?;
        push_index(client, "b.test/app:other").await
    };
    // A new tag for what is there: no child is read.
    check(
        Row("copy it under a new tag", "6 / 3", "11 / 9"),
        both,
        run,
        (3 + P, 3),
    )
    .await;
    let both = async |client: Client| {
        push_index(client.clone(), "a.test/app:v1").await?;
        push_index(client, "b.test/app:v1").await
    };
    check(Row("copy it again", "2 / 1", "4 / 4"), both, run, (2, 1)).await;
}

#[tokio::test(start_paused = true)]
async fn copy_an_index_within_a_registry() {
    let run = |client| copy(client, "a.test/app:v1", "a.test/mirror:v1");
    check(
        Row("copy an index of 3 within a registry", "30 / 5", "57 / 16"),
        |client| push_index(client, "a.test/app:v1"),
        run,
        (2 + P + P + P * (N + 1) + P + 1, 6),
    )
    .await;
}

/// Twelve platforms, as images that people publish have them.
#[tokio::test(start_paused = true)]
async fn copy_an_index_of_twelve_platforms_between_registries() {
    const PLATFORMS: usize = 12;
    const LAYERS: usize = 4;
    let index = || wharf_v1::random::index(3, PLATFORMS, LAYERS, 100);
    let prepare = async |client: Client| {
        client
            .write_index(&reference("a.test/app:v1"), &index())
            .await
            .map(drop)
    };
    // GET and HEAD of the index; HEAD and GET of the children; their blobs; PUT of the children, and of the index.
    check(
        Row("copy an index of 12 between registries", "- / 7", ""),
        prepare,
        |client| copy(client, "a.test/app:v1", "b.test/app:v1"),
        (3 + PLATFORMS * (3 + 3 * (LAYERS + 1)), 7),
    )
    .await;
}

/// What is large is not sent before it is known that it is missing.
#[tokio::test(start_paused = true)]
async fn push_large_blobs() {
    let image = || wharf_v1::random::image(5, 2, 200_000);
    let push = async |client: Client, to: &str| client.write(&reference(to), &image()).await.map(drop);
    let run = async |client: Client| push(client, "a.test/app:v1").await;
    // POST, HEAD, PUT of each layer; POST of the config.
    check(
        Row("push 2 large layers", "", ""),
        nothing,
        run,
        (1 + 3 * 2 + 1 + 1, 5),
    )
    .await;
    // All are there.
    check(
        Row("push them again, under a new tag", "", ""),
        async |client| push(client, "a.test/app:other").await,
        run,
        (1 + 3 + 1, 3),
    )
    .await;
}
