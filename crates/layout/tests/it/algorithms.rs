//! Blobs whose digests are not sha256.

use wharf_layout::{ArchiveBuilder, CollectMode, Error, Layout, LayoutArchive};
use wharf_v1::oci_spec::image::{Descriptor, Digest, DigestAlgorithm, MediaType};
use wharf_v1::validate::{self, ValidateOptions};
use wharf_v1::{ByteStream, Error as ContentError, Hasher, IndexExt as _, conformance, random};

fn digest(algorithm: &DigestAlgorithm, bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(algorithm).expect("supported");
    hasher.update(bytes);
    hasher.finish()
}

/// Puts an image whose digests are all of one algorithm.
async fn put_image(layout: &Layout, algorithm: &DigestAlgorithm) -> Vec<Descriptor> {
    let mut put: Vec<Descriptor> = Vec::new();
    for step in 0..3 {
        let (media_type, bytes) = match step {
            0 => {
                let layer = wharf_v1::Layer::compressed(&random::layer(1, 100)).await;
                let bytes = layer.expect("opens").collect(1 << 20).await.expect("good");
                (MediaType::ImageLayer, bytes.to_vec())
            }
            1 => {
                let config = format!(
                    r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":["{}"]}}}}"#,
                    put[0].digest()
                );
                (MediaType::ImageConfig, config.into_bytes())
            }
            _ => {
                let json = |at: usize| wharf_v1::DescriptorExt::to_canonical_json(&put[at]);
                let manifest = format!(
                    r#"{{"schemaVersion":2,"config":{},"layers":[{}]}}"#,
                    json(1),
                    json(0)
                );
                (MediaType::ImageManifest, manifest.into_bytes())
            }
        };
        let descriptor = Descriptor::new(media_type, bytes.len() as u64, digest(algorithm, &bytes));
        layout
            .put_blob(&descriptor, ByteStream::from_bytes(bytes))
            .await
            .expect("put");
        put.push(descriptor);
    }
    layout.append_descriptor(put[2].clone()).await.expect("listed");
    put
}

#[tokio::test]
async fn images_of_other_algorithms_are_kept() {
    for algorithm in [DigestAlgorithm::Sha512, DigestAlgorithm::Sha384] {
        let dir = tempfile::tempdir().expect("temp dir");
        let layout = Layout::create(dir.path().join("layout")).await.expect("create");
        let put = put_image(&layout, &algorithm).await;
        for descriptor in &put {
            let path = layout.path().join("blobs").join(algorithm.to_string());
            assert!(path.join(descriptor.digest().digest()).is_file());
        }
        let image = layout.images().await.expect("images").remove(0);
        conformance::image(image).await;
        assert!(layout.verify().await.expect("verify").is_good());
        let collected = layout
            .collect_garbage(CollectMode::Remove)
            .await
            .expect("collect");
        assert!(collected.blobs.is_empty() && collected.missing.is_empty());

        let archive = dir.path().join("archive.tar");
        let index = layout.index().await.expect("index");
        let options = ValidateOptions::default();
        let report = validate::index(&*index, &options).await;
        assert!(report.is_valid(), "{report}");
        ArchiveBuilder::from_index(index)
            .write_file(&archive)
            .await
            .expect("written");
        let archive = LayoutArchive::open(&archive).await.expect("open");
        assert!(archive.verify().await.expect("verify").is_good());
        let children = archive.index().children().await.expect("entries");
        assert_eq!(children[0].digest(), put[2].digest());

        // Damage is found by the blob's own algorithm.
        let path = layout.path().join("blobs").join(algorithm.to_string());
        let path = path.join(put[0].digest().digest());
        let mut bytes = std::fs::read(&path).expect("read");
        bytes[600] ^= 1;
        std::fs::write(&path, bytes).expect("write");
        assert_eq!(layout.verify().await.expect("verify").damaged.len(), 1);
        let report = validate::index(&*layout.index().await.expect("index"), &options).await;
        assert!(!report.is_valid());
    }
}

#[tokio::test]
async fn bytes_are_held_to_digests_of_other_algorithms() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    let other = digest(&DigestAlgorithm::Sha512, b"other");
    let descriptor = Descriptor::new(MediaType::ImageLayer, 4, other.clone());
    let error = layout
        .put_blob(&descriptor, ByteStream::from_bytes("blob"))
        .await
        .expect_err("other bytes");
    let Error::Store { digest, source } = error else {
        panic!("{error:?}");
    };
    assert_eq!(digest, other);
    assert!(
        matches!(*source, ContentError::DigestMismatch { .. }),
        "{source:?}"
    );
    assert!(!layout.has_blob(&other).await.expect("looked"));
}
