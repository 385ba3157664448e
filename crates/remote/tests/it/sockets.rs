//! The same over real connections: what an HTTP library adds on both sides.

use std::sync::Arc;

use http::{Method, StatusCode};
use wharf_name::Reference;
use wharf_registry::Registry;
use wharf_registry::hook::{Fault, Reaction};
use wharf_registry::server::Server;
use wharf_remote::{Client, CopyOptions};
use wharf_v1::Layer;

use crate::kit::{recording, reference, sorted};

const SIZE: usize = 4 << 20;

struct Sockets {
    registry: Registry,
    server: Server,
    client: Client,
}

impl Sockets {
    async fn new() -> Self {
        let registry = recording();
        let server = Server::bind(registry.clone(), "127.0.0.1:0")
            .await
            .expect("bound");
        let client = Client::new().expect("a client");
        Self {
            registry,
            server,
            client,
        }
    }

    fn reference(&self, text: &str) -> Reference {
        reference(&format!("{}/{text}", self.server.host()))
    }
}

#[tokio::test]
async fn an_image_goes_there_and_back() {
    let sockets = Sockets::new().await;
    let (from, to) = (sockets.reference("app:v1"), sockets.reference("mirror:v1"));
    let written = sockets
        .client
        .write(&from, &wharf_v1::random::image(1, 3, SIZE))
        .await
        .expect("written");
    let copied = sockets
        .client
        .copy(&from, &to, &CopyOptions::default())
        .await
        .expect("copied");
    assert_eq!(copied.descriptor.digest(), written.digest());
    let image = sockets.client.image(&to, None).await.expect("there");
    wharf_v1::conformance::image(image).await;

    let other = Sockets::new().await;
    let across = other.reference("app:v1");
    sockets
        .client
        .copy(&from, &across, &CopyOptions::default())
        .await
        .expect("copied");
    let image = other.client.image(&across, None).await.expect("there");
    wharf_v1::conformance::image(image).await;
    other.server.shutdown().await;
    sockets.server.shutdown().await;
}

#[tokio::test]
async fn a_connection_that_is_cut_is_resumed() {
    let sockets = Sockets::new().await;
    let tag = sockets.reference("app:v1");
    let layer: Arc<dyn Layer> = Arc::new(wharf_v1::random::layer(1, SIZE));
    let descriptor = sockets
        .client
        .write_layer(tag.repository(), &layer)
        .await
        .expect("written");
    let blob = tag.repository().digest(descriptor.digest().clone());
    let _ = sockets.registry.log().take();
    sockets.registry.faults().add(
        Fault::on(Method::GET, "/blobs/")
            .times(2)
            .then(Reaction::cut_body(1 << 20)),
    );
    let bytes = sockets
        .client
        .blob(&blob)
        .await
        .expect("there")
        .collect(SIZE as u64 * 2)
        .await
        .expect("good");
    assert_eq!(bytes.len() as u64, descriptor.size());
    let ranges: Vec<_> = sockets
        .registry
        .log()
        .requests()
        .iter()
        .map(|request| request.header("range").is_some())
        .collect();
    assert_eq!(ranges, [false, true, true]);
}

#[tokio::test]
async fn an_upload_that_is_refused_before_it_was_read_says_why() {
    let sockets = Sockets::new().await;
    let tag = sockets.reference("app:v1");
    let layer: Arc<dyn Layer> = Arc::new(wharf_v1::random::layer(1, SIZE));
    sockets
        .registry
        .faults()
        .add(Fault::on(Method::PUT, "/uploads/").then(Reaction::status(StatusCode::FORBIDDEN)));
    let error = sockets
        .client
        .write_layer(tag.repository(), &layer)
        .await
        .expect_err("denied");
    assert!(error.is_denied(), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_was_lost_is_asked_for() {
    let sockets = Sockets::new().await;
    let tag = sockets.reference("app:v1");
    let layer: Arc<dyn Layer> = Arc::new(wharf_v1::random::layer(1, SIZE));
    sockets.registry.faults().add(
        Fault::on(Method::PUT, "/uploads/")
            .times(1)
            .then(Reaction::drop_response()),
    );
    sockets
        .client
        .write_layer(tag.repository(), &layer)
        .await
        .expect("written");
    let lines = sockets.registry.log().lines();
    assert_eq!(
        lines.iter().filter(|line| line.starts_with("PUT")).count(),
        1,
        "{lines:#?}"
    );
}

#[tokio::test]
async fn nobody_there_is_one_clear_error() {
    let sockets = Sockets::new().await;
    let tag = sockets.reference("app:v1");
    sockets.server.shutdown().await;
    let transport =
        |stack: wharf_transport::TransportBuilder| stack.retry(wharf_transport::retry::RetryOptions::never());
    let client = Client::builder().configure(transport).build().expect("a client");
    let error = client.get(&tag).await.expect_err("nobody there");
    assert_eq!(error.to_string(), format!("fetching manifest {tag}"));
    assert_eq!(error.status(), None);
    let error = client
        .write(&tag, &wharf_v1::random::image(1, 1, 10))
        .await
        .expect_err("nobody there");
    assert_eq!(error.to_string(), format!("checking manifest {tag}"));
}

#[tokio::test]
async fn ten_images_at_once() {
    let sockets = Sockets::new().await;
    let pushes = (0..10).map(|seed| {
        let (client, tag) = (sockets.client.clone(), sockets.reference(&format!("app:v{seed}")));
        tokio::spawn(async move {
            client
                .write(&tag, &wharf_v1::random::image(seed, 3, 100_000))
                .await
        })
    });
    for push in futures_util::future::join_all(pushes).await {
        push.expect("no panic").expect("written");
    }
    let tags = sockets.client.tags(sockets.reference("app:v0").repository());
    let tags = sorted(tags.collect_all().await.expect("a list"));
    assert_eq!(tags.len(), 10);
}
