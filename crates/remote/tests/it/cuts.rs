//! Connections that are cut anywhere, in both directions, during every operation.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use wharf_name::{Reference, Repository};
use wharf_registry::Registry;
use wharf_registry::server::Server;
use wharf_remote::{Client, CopyOptions, Error};
use wharf_transport::retry::RetryOptions;
use wharf_v1::media_type::Family;
use wharf_v1::oci_spec::image::MediaType;
use wharf_v1::partial::{AssembledImage, ImageBuilder};
use wharf_v1::{Config, Image as _, ImageExt as _, Layer};

use crate::kit::{reference, repository};

/// To the registry, or from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

/// Where the first connection is cut: after so many bytes in one direction.
type Cut = Option<(Direction, u64)>;

/// What stands between a client and a registry, and counts the bytes of the first connection.
struct Wire {
    address: SocketAddr,
    counted: Arc<Mutex<[u64; 2]>>,
    _task: JoinSet<()>,
}

impl Wire {
    async fn to(registry: SocketAddr, cut: Cut) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("bound");
        let counted = Arc::new(Mutex::new([0, 0]));
        let mut task = JoinSet::new();
        let first = Arc::clone(&counted);
        task.spawn(async move {
            let mut connections = JoinSet::new();
            let mut first = Some((cut, first));
            loop {
                let Ok((client, _)) = listener.accept().await else {
                    return;
                };
                let (cut, counted) = first.take().unwrap_or_default();
                connections.spawn(async move {
                    if let Ok(registry) = TcpStream::connect(registry).await {
                        relay(client, registry, cut, &counted).await;
                    }
                });
            }
        });
        Self {
            address,
            counted,
            _task: task,
        }
    }
}

/// Carries bytes both ways until one side ends or the cut is reached, which ends both.
async fn relay(client: TcpStream, registry: TcpStream, cut: Cut, counted: &Mutex<[u64; 2]>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_registry, mut to_registry) = registry.into_split();
    let limit = |direction| cut.filter(|(at, _)| *at == direction).map(|(_, bytes)| bytes);
    tokio::select! {
        () = carry(&mut from_client, &mut to_registry, limit(Direction::Up), counted, 0) => {}
        () = carry(&mut from_registry, &mut to_client, limit(Direction::Down), counted, 1) => {}
    }
}

async fn carry(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut limit: Option<u64>,
    counted: &Mutex<[u64; 2]>,
    at: usize,
) {
    let mut buffer = [0; 4096];
    loop {
        if limit == Some(0) {
            return;
        }
        let Ok(read @ 1..) = from.read(&mut buffer).await else {
            return;
        };
        let let_through = limit.map_or(read as u64, |limit| limit.min(read as u64));
        let bytes = &buffer[..usize::try_from(let_through).expect("at most a buffer")];
        if to.write_all(bytes).await.is_err() || to.flush().await.is_err() {
            return;
        }
        limit = limit.map(|limit| limit - let_through);
        counted.lock().expect("no panic under it")[at] += let_through;
    }
}

/// A registry with an image at `app:v1`, and an artifact that refers to it, and a client that reaches it by a wire.
struct Case {
    server: Server,
    wire: Wire,
    client: Client,
}

impl Case {
    async fn new(cut: Cut) -> Self {
        let server = Server::bind(Registry::in_memory(), "127.0.0.1:0")
            .await
            .expect("bound");
        let case = Self {
            wire: Wire::to(server.addr(), cut).await,
            client: client(),
            server,
        };
        let direct = client();
        direct
            .write(&case.direct("app:v1"), &image(1))
            .await
            .expect("written");
        let artifact = artifact().await;
        let digest = artifact.digest().await.expect("known");
        let place = case.direct("app").repository().digest(digest).into();
        direct.write(&place, &artifact).await.expect("written");
        case
    }

    /// A reference that is reached by the wire.
    fn wired(&self, text: &str) -> Reference {
        reference(&format!("{}/{text}", self.wire.address))
    }

    fn repository(&self) -> Repository {
        repository(&format!("{}/app", self.wire.address))
    }

    /// The same one, reached without the wire.
    fn direct(&self, text: &str) -> Reference {
        reference(&format!("{}/{text}", self.server.host()))
    }

    /// That a reference names just this image, whole.
    async fn check(&self, text: &str, image: &AssembledImage) {
        let there = client().image(&self.direct(text), None).await.expect("there");
        assert_eq!(
            there.as_descriptor().digest(),
            &image.digest().await.expect("known"),
            "{text}"
        );
        for layer in there.layers().await.expect("known") {
            read(&layer).await.expect("whole");
        }
    }
}

fn client() -> Client {
    let retry = RetryOptions::default()
        .with_attempts(NonZeroU32::new(3).expect("not zero"))
        .with_backoff(Duration::from_millis(1), 1);
    Client::builder()
        .upload_pause(Duration::from_millis(1))
        .configure(|transport| transport.retry(retry))
        .build()
        .expect("a client")
}

fn image(seed: u64) -> AssembledImage {
    wharf_v1::random::image(seed, 2, 30_000)
}

async fn artifact() -> AssembledImage {
    ImageBuilder::new(Family::Oci)
        .config(Config::new("{}", MediaType::EmptyJSON))
        .artifact_type(MediaType::from("application/example"))
        .subject(image(1).descriptor().await.expect("known"))
        .build()
        .await
        .expect("an artifact")
}

async fn read(layer: &Arc<dyn Layer>) -> Result<Vec<u8>, wharf_v1::Error> {
    Ok(layer.compressed().await?.collect(1 << 20).await?.to_vec())
}

/// An operation, which checks what it was given and that it has done what it says.
type Operation = for<'a> fn(&'a Case) -> BoxFuture<'a, Result<(), Error>>;

const OPERATIONS: [(&str, Operation); 12] = [
    ("head", |case| {
        Box::pin(async {
            let found = case.client.head(&case.wired("app:v1")).await?;
            assert_eq!(*found.digest(), image(1).digest().await.expect("known"));
            Ok(())
        })
    }),
    ("get", |case| {
        Box::pin(async {
            let found = case.client.get(&case.wired("app:v1")).await?;
            assert_eq!(found.raw(), image(1).manifest().await.expect("known").raw());
            Ok(())
        })
    }),
    ("read a blob", |case| {
        Box::pin(async {
            let layer = image(1).layers().await.expect("known").remove(0);
            let digest = layer.descriptor().await.expect("known").digest().clone();
            let stream = case.client.blob(&case.repository().digest(digest)).await?;
            let got = stream.collect(1 << 20).await.expect("resumed");
            assert!(got == read(&layer).await.expect("known"));
            Ok(())
        })
    }),
    ("list tags", |case| {
        Box::pin(async {
            let tags = case.client.tags(&case.repository()).collect_all().await?;
            assert_eq!(tags, ["v1"]);
            Ok(())
        })
    }),
    ("list repositories", |case| {
        Box::pin(async {
            let registry = case.repository().registry().clone();
            assert_eq!(case.client.catalog(&registry).collect_all().await?, ["app"]);
            Ok(())
        })
    }),
    ("list referrers", |case| {
        Box::pin(async {
            let subject = image(1).digest().await.expect("known");
            let found = case
                .client
                .referrers(&case.repository().digest(subject), None)
                .await?;
            assert_eq!(found.len(), 1);
            Ok(())
        })
    }),
    ("ask whether one may push", |case| {
        Box::pin(async { case.client.check_push(&case.repository()).await })
    }),
    ("write an image", |case| {
        Box::pin(async {
            case.client.write(&case.wired("app:v2"), &image(2)).await?;
            case.check("app:v2", &image(2)).await;
            Ok(())
        })
    }),
    ("write an index", |case| {
        Box::pin(async {
            let index = wharf_v1::random::index(3, 2, 1, 20_000);
            case.client.write_index(&case.wired("app:v2"), &index).await?;
            let there = client().index(&case.direct("app:v2")).await.expect("there");
            wharf_v1::conformance::index(there).await;
            Ok(())
        })
    }),
    ("tag", |case| {
        Box::pin(async {
            let tag = case.repository().tag("v2").expect("a tag");
            case.client.tag(&case.wired("app:v1"), &tag).await?;
            case.check("app:v2", &image(1)).await;
            Ok(())
        })
    }),
    ("copy", |case| {
        Box::pin(async {
            let options = CopyOptions::default().with_referrers(true);
            case.client
                .copy(&case.wired("app:v1"), &case.wired("mirror:v1"), &options)
                .await?;
            case.check("mirror:v1", &image(1)).await;
            Ok(())
        })
    }),
    ("delete", |case| {
        Box::pin(async {
            case.client.delete(&case.wired("app:v1")).await?;
            let gone = client().head(&case.direct("app:v1")).await;
            assert!(gone.expect_err("gone").is_not_found());
            Ok(())
        })
    }),
];

/// One connection that is cut, wherever that is, keeps no operation from doing what it says.
#[tokio::test]
async fn no_cut_makes_anything_fail_or_half() {
    for (name, operation) in OPERATIONS {
        let case = Case::new(None).await;
        operation(&case).await.expect(name);
        let [up, down] = *case.wire.counted.lock().expect("no panic under it");
        assert!(up > 0 && down > 0, "{name}");
        for (direction, bytes) in [(Direction::Up, up), (Direction::Down, down)] {
            for after in [0, 1, 40, bytes / 2, bytes.saturating_sub(1)] {
                let case = Case::new(Some((direction, after))).await;
                let outcome = operation(&case).await;
                outcome.unwrap_or_else(|error| {
                    panic!("{name}, cut {direction:?} after {after} of {bytes}: {error:?}")
                });
            }
        }
    }
}
