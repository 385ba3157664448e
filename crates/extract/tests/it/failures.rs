//! Images that are damaged or hostile.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt as _;
use wharf_extract::{Error, ExtractOptions, extract};
use wharf_v1::oci_spec::image::{Descriptor, MediaType};
use wharf_v1::partial::{BlobLayer, BlobSource, StaticLayer};
use wharf_v1::{ByteStream, Config, Image, Layer, Manifest, sha256};

use crate::layers::{Stack, Tar, run, stack};

/// Runs an image that must fail, and makes sure that what came out does not look whole.
async fn fail(image: Stack, options: &ExtractOptions) -> wharf_v1::Error {
    let (tar, end) = run(image, options).await;
    let whole = tar.len() >= 1024 && tar[tar.len() - 1024..].iter().all(|byte| *byte == 0);
    assert!(!whole, "an end mark before the error");
    end.expect_err("it must fail")
}

fn own(error: &wharf_v1::Error) -> &Error {
    error.source_ref().expect("an error of this crate")
}

#[tokio::test]
async fn names_that_lead_out() {
    for name in [
        "../x/evil",
        "..\\..\\x\\evil",
        "\\x\\evil",
        "C:\\x\\evil",
        "C:/x/evil",
        "C:..\\evil",
    ] {
        let image = stack([Tar::new().file("a", "1").file(name, "2")]);
        let error = fail(image, &ExtractOptions::new()).await;
        assert!(
            matches!(own(&error), Error::UnsafePath { path } if path == name),
            "{error}"
        );
        assert_eq!(error.to_string(), format!("unsafe tar path {name:?}"));
    }
}

#[derive(Debug)]
struct Lying(Vec<u8>);

impl BlobSource for Lying {
    fn open(
        &self,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<ByteStream, wharf_v1::Error>> + Send + '_>> {
        Box::pin(async { Ok(ByteStream::from_bytes(self.0.clone())) })
    }
}

#[tokio::test]
async fn bytes_that_are_not_the_promised_ones() {
    let bytes = Tar::new().file("a", "1").bytes();
    let promise = Descriptor::new(MediaType::ImageLayer, bytes.len() as u64, sha256("other"));
    let lying: Arc<dyn Layer> = Arc::new(BlobLayer::new(promise, Lying(bytes)));
    let good = Tar::new().file("b", "2").layer();
    for layers in [vec![Arc::clone(&lying), Arc::clone(&good)], vec![good, lying]] {
        let error = fail(Stack(layers), &ExtractOptions::new()).await;
        assert!(matches!(own(&error), Error::Read { .. }), "{error}");
        let cause = own(&error).source().expect("a cause").to_string();
        assert!(cause.contains("checksum"), "{cause}");
    }
}

#[tokio::test]
async fn archives_that_are_damaged() {
    let whole = Tar::new().file("a", &"x".repeat(2000)).unfinished();
    let mut flipped = whole.clone();
    flipped[3] ^= 1;
    let huge = Tar::new()
        .entry(b'x', "h", "", 0, &[b'1'; (1 << 20) + 1])
        .unfinished();
    let binary = Tar::new()
        .entry(b'x', "h", "", 0, b"12 path=a\0b\n")
        .file("a", "")
        .unfinished();
    let cases = [
        ("cut off", whole[..1000].to_vec()),
        ("cut off in a header", whole[..100].to_vec()),
        ("a wrong checksum", flipped),
        ("no archive", b"hello".repeat(200)),
        ("an enormous record", huge),
        ("a zero in a name", binary),
    ];
    for (what, bytes) in cases {
        let layer = StaticLayer::new(bytes, MediaType::ImageLayer);
        let error = fail(Stack(vec![Arc::new(layer)]), &ExtractOptions::new()).await;
        assert!(
            matches!(own(&error), Error::NotTar { position: 0, .. }),
            "{what}: {error}"
        );
    }
}

#[tokio::test]
async fn links_to_nothing() {
    for layers in [
        vec![Tar::new().link("b", "a")],
        vec![
            Tar::new().file("a", "1"),
            Tar::new().mark(".wh.a"),
            Tar::new().link("b", "a"),
        ],
        vec![Tar::new().link("a", "a")],
    ] {
        let error = fail(stack(layers), &ExtractOptions::new()).await;
        assert!(
            matches!(own(&error), Error::DanglingLink { target, .. } if target == "a"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn links_to_directories() {
    for layers in [
        vec![Tar::new().dir("a", 0o755).link("b", "a")],
        vec![Tar::new().dir("a", 0o755), Tar::new().link("b", "a")],
        vec![Tar::new().file("a/x", "1"), Tar::new().link("b", "a")],
        vec![Tar::new().file("a/x", "1").link("b", "a")],
    ] {
        let error = fail(stack(layers), &ExtractOptions::new()).await;
        assert!(
            matches!(own(&error), Error::DirectoryLink { path, target } if path == "b" && target == "a"),
            "{error}"
        );
        assert_eq!(error.to_string(), r#"hard link "b" to "a", which is a directory"#);
    }
}

/// An entry may be of few bytes and lie enormously deep.
#[tokio::test]
async fn directories_that_no_entry_describes_count() {
    let mut tar = Tar::new();
    for first in b'a'..=b'd' {
        let path = format!("{}/{}", first as char, "x/".repeat(400_000));
        let record = format!(" path={path}\n");
        let record = format!("{}{record}", record.len() + 6);
        tar = tar
            .entry(b'x', "h", "", 0, record.as_bytes())
            .entry(b'5', "d", "", 0o755, b"");
    }
    let options = ExtractOptions::new().with_max_entries(1000);
    let error = fail(stack([tar]), &options).await;
    assert!(
        matches!(own(&error), Error::TooManyEntries { limit: 1000 }),
        "{error}"
    );
}

#[tokio::test]
async fn limits() {
    let layer = |name: &str| Tar::new().file(name, &"x".repeat(2000));
    let image = || stack([layer("a"), layer("b")]);
    let error = fail(image(), &ExtractOptions::new().with_max_entries(1)).await;
    assert!(
        matches!(own(&error), Error::TooManyEntries { limit: 1 }),
        "{error}"
    );
    let error = fail(image(), &ExtractOptions::new().with_max_bytes(3999)).await;
    assert!(matches!(own(&error), Error::TooLarge { limit: 3999 }), "{error}");
    run(
        image(),
        &ExtractOptions::new().with_max_bytes(4000).with_max_entries(2),
    )
    .await
    .1
    .expect("just enough");
}

/// A sparse file of enormous size costs nothing to store.
#[tokio::test]
async fn holes_count() {
    let records = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n37 GNU.sparse.realsize=1000000000000\n";
    let tar = Tar::new()
        .entry(b'x', "h", "", 0, records)
        .entry(b'0', "a", "", 0o644, &{
            let mut map = b"0\n".to_vec();
            map.resize(512, 0);
            map
        });
    let (_, end) = run(stack([tar]), &ExtractOptions::new().with_max_bytes(1 << 20)).await;
    let error = end.expect_err("it must fail");
    assert!(matches!(own(&error), Error::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn a_layer_that_swells() {
    let mut stream = ByteStream::from_bytes(vec![0; 1 << 20]);
    let zeros = stream.next().await.expect("bytes").expect("in memory");
    let mut encoder = Vec::new();
    // Frames of a megabyte of zeros, 30 of them: more than what is free.
    let frame = zstd_frame(&zeros);
    for _ in 0..30 {
        encoder.extend(&frame);
    }
    let layer = StaticLayer::new(encoder, MediaType::ImageLayerZstd);
    let image = Stack(vec![Arc::new(layer)]);
    // Zeros are the end of an archive; the layer is read to its end all the same.
    let error = fail(image, &ExtractOptions::new().with_max_ratio(10)).await;
    let Error::Read { position: 0, source } = own(&error) else {
        panic!("{error}")
    };
    assert!(
        matches!(**source, wharf_v1::Error::Swells { ratio: 10 }),
        "{source}"
    );
}

/// A frame of raw blocks of one repeated byte.
fn zstd_frame(zeros: &[u8]) -> Vec<u8> {
    // Magic, single segment with an eight-byte size, then blocks of 128 KiB of type RLE.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xe0];
    frame.extend((zeros.len() as u64).to_le_bytes());
    let blocks = zeros.len() / (128 << 10);
    for n in 0..blocks {
        let last = u32::from(n + 1 == blocks);
        let header = last | 1 << 1 | (128 << 10) << 3;
        frame.extend(&header.to_le_bytes()[..3]);
        frame.push(0);
    }
    frame
}

#[tokio::test]
async fn dropping_the_stream_early_is_no_error() {
    let image = stack([Tar::new().file("a", &"x".repeat(1 << 20))]);
    let mut stream = extract(Arc::new(image), &ExtractOptions::new());
    stream.next().await.expect("bytes").expect("a good image");
    drop(stream);
}

/// Registries may allow few connections, so a layer is closed before the next is opened.
#[tokio::test]
async fn one_layer_at_a_time() {
    /// How many streams are open now, and were at most.
    #[derive(Debug, Default)]
    struct Open {
        now: AtomicUsize,
        most: AtomicUsize,
    }
    struct Held(Arc<Open>);
    impl Drop for Held {
        fn drop(&mut self) {
            self.0.now.fetch_sub(1, Ordering::SeqCst);
        }
    }
    #[derive(Debug)]
    struct Counted(Vec<u8>, Arc<Open>);
    impl BlobSource for Counted {
        fn open(
            &self,
        ) -> std::pin::Pin<Box<dyn Future<Output = Result<ByteStream, wharf_v1::Error>> + Send + '_>>
        {
            let now = self.1.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.1.most.fetch_max(now, Ordering::SeqCst);
            let held = Held(Arc::clone(&self.1));
            let chunks: Vec<_> = self
                .0
                .chunks(1000)
                .map(|chunk| Ok(chunk.to_vec().into()))
                .collect();
            let stream = futures_util::stream::iter(chunks).inspect(move |_| {
                let _held = &held;
            });
            Box::pin(async { Ok(ByteStream::new(stream)) })
        }
    }
    let large = "x".repeat(3 << 20);
    let mut whole = Vec::new();
    for (ahead, most) in [(0, 1), (1, 2), (5, 5)] {
        let open = Arc::new(Open::default());
        let layers = [
            Tar::new().file("a", "1"),
            // What a link needs is read again.
            Tar::new().file("large", &large).file("b", "2").link("c", "b"),
            Tar::new().file("b", &large),
            Tar::new().file("d", "4"),
            Tar::new().mark(".wh.a"),
        ];
        let layers = layers.into_iter().map(|tar| -> Arc<dyn Layer> {
            let bytes = tar.bytes();
            let promise = Descriptor::new(MediaType::ImageLayer, bytes.len() as u64, sha256(&bytes));
            Arc::new(BlobLayer::new(promise, Counted(bytes, Arc::clone(&open))))
        });
        let image = Stack(layers.collect());
        let (tar, end) = run(image, &ExtractOptions::new().with_layers_ahead(ahead)).await;
        end.expect("a good image");
        let seen = open.most.load(Ordering::SeqCst);
        assert!((1..=most).contains(&seen), "{ahead} ahead: {seen} were open");
        whole.push(tar);
    }
    assert!(whole.iter().all(|tar| *tar == whole[0]));
}

#[tokio::test]
async fn an_image_that_does_not_know_its_layers() {
    #[derive(Debug)]
    struct Lost;
    type Boxed<'a, T> = std::pin::Pin<Box<dyn Future<Output = Result<T, wharf_v1::Error>> + Send + 'a>>;
    impl Image for Lost {
        fn media_type(&self) -> MediaType {
            MediaType::ImageManifest
        }
        fn descriptor(&self) -> Boxed<'_, Descriptor> {
            Box::pin(async { Err(wharf_v1::Error::NotComputed) })
        }
        fn manifest(&self) -> Boxed<'_, Manifest> {
            Box::pin(async { Err(wharf_v1::Error::NotComputed) })
        }
        fn config(&self) -> Boxed<'_, Config> {
            Box::pin(async { Err(wharf_v1::Error::NotComputed) })
        }
        fn layers(&self) -> Boxed<'_, Vec<Arc<dyn Layer>>> {
            Box::pin(async { Err(wharf_v1::Error::Consumed) })
        }
    }
    let mut stream = extract(Arc::new(Lost), &ExtractOptions::new());
    let error = stream.next().await.expect("an end").expect_err("no layers");
    assert_eq!(error.to_string(), "retrieving image layers");
    assert!(
        matches!(own(&error), Error::Layers { source } if matches!(**source, wharf_v1::Error::Consumed)),
        "{error:?}"
    );
    assert!(stream.next().await.is_none());
}
