//! Memory does not depend on the size of blobs.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{Method, Request, Response, StatusCode, header};
use oci_spec::image::{Descriptor, MediaType};
use tower::ServiceExt as _;
use wharf_registry::Registry;
use wharf_remote::{Client, CopyOptions};
use wharf_transport::Body;
use wharf_v1::Hasher;

use crate::kit::{reference, repository};

const CHUNK: usize = 64 << 10;
const CHUNKS: usize = 1024;

/// Bytes that are counted for as long as anybody holds them.
#[derive(Clone, Default)]
struct Memory(Arc<Held>);

#[derive(Default)]
struct Held {
    now: AtomicUsize,
    most: AtomicUsize,
}

struct Chunk(Memory);

impl Memory {
    fn chunk(&self) -> Bytes {
        let now = self.0.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most.fetch_max(now, Ordering::SeqCst);
        Bytes::from_owner(Chunk(self.clone()))
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &[7; CHUNK]
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.0.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Registries that hand out the big blob without having it, and take it without keeping it.
async fn answer(
    registry: Registry,
    memory: Memory,
    big: Descriptor,
    request: Request<Body>,
) -> Response<Body> {
    let is_big = request.uri().to_string().contains(&big.digest().to_string()[7..]);
    let answer = Response::builder();
    let answer = match *request.method() {
        Method::GET if is_big => {
            let chunks = stream::iter(0..CHUNKS).map(move |_| Ok(memory.chunk()));
            let body = Body::one_shot(Box::pin(chunks), Some(big.size()));
            answer.header(header::CONTENT_LENGTH, big.size()).body(body)
        }
        Method::PUT if is_big && request.uri().path().contains("/uploads/") => {
            let mut bytes = request.into_body().into_stream();
            let mut got = 0;
            while let Some(chunk) = bytes.next().await {
                got += chunk.expect("good bytes").len() as u64;
                // Whoever produces gets its turn, as it does between the reads of a socket.
                tokio::task::yield_now().await;
            }
            assert_eq!(got, big.size());
            answer.status(StatusCode::CREATED).body(Body::empty())
        }
        _ => {
            let Ok(response) = registry.oneshot(request).await;
            return response.map(Body::new);
        }
    };
    answer.expect("a response")
}

#[tokio::test]
async fn a_copy_holds_a_few_chunks_of_a_blob_at_a_time() {
    let mut hasher = Hasher::sha256();
    (0..CHUNKS).for_each(|_| hasher.update(&[7; CHUNK]));
    let big = Descriptor::new(MediaType::ImageLayer, (CHUNK * CHUNKS) as u64, hasher.finish());
    let memory = Memory::default();
    // The destination cannot tell that the blob is not there, so manifests are not checked.
    let options =
        wharf_registry::Options::default().with_references(wharf_registry::References::MayBeMissing);
    let a = Registry::builder().options(options.clone()).build();
    let b = Registry::builder().options(options).build();
    let bottom = {
        let (memory, big) = (memory.clone(), big.clone());
        tower::service_fn(move |request: Request<Body>| {
            let registry = if request.uri().host() == Some("a.test") {
                a.clone()
            } else {
                b.clone()
            };
            let (memory, big) = (memory.clone(), big.clone());
            async move { Ok::<_, Infallible>(answer(registry, memory, big, request).await) }
        })
    };
    let client = Client::builder()
        .configure(|transport| transport.bottom(bottom))
        .build()
        .expect("a client");
    let config: Arc<dyn wharf_v1::Layer> =
        Arc::new(wharf_v1::partial::StaticLayer::new("{}", MediaType::ImageConfig));
    let config = client
        .write_layer(&repository("a.test/app"), &config)
        .await
        .expect("written");
    let manifest = serde_json::json!({ "schemaVersion": 2, "config": config, "layers": [big] });
    let from = reference("a.test/app:v1");
    client
        .put(&from, MediaType::ImageManifest, manifest.to_string())
        .await
        .expect("written");

    client
        .copy(&from, &reference("b.test/app:v1"), &CopyOptions::default())
        .await
        .expect("copied");
    assert!(
        memory.0.most.load(Ordering::SeqCst) <= 4,
        "{} chunks at once",
        memory.0.most.load(Ordering::SeqCst)
    );
    assert_eq!(memory.0.now.load(Ordering::SeqCst), 0);
}
