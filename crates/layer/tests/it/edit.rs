//! Layers made of layers.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use oci_spec::image::MediaType;
use wharf_layer::header::{padding, regular_file};
use wharf_layer::{Compression, Error, Family, LayerBuilder, SpooledLayer};
use wharf_v1::{ByteStream, Codec, Layer, conformance, sha256};

use crate::support::{check_truth, gzipped, stored, stream, unpacked, zstandard};

const DOCKER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/// The archive that the digests below are of: `a`, mode 0644, with the content `1`.
fn archive() -> Vec<u8> {
    let mut tar = regular_file("a", 0o644, 1);
    tar.push(b'1');
    tar.resize(tar.len() + padding(1) + 1024, 0);
    tar
}

async fn layer(content: impl Into<bytes::Bytes>, media_type: &str) -> Arc<SpooledLayer> {
    let builder = LayerBuilder::from_stream(stream(content)).compression(Compression::None);
    Arc::new(
        builder
            .media_type(media_type.into())
            .build()
            .await
            .expect("layer"),
    )
}

#[tokio::test]
async fn edited_layers_have_the_digests_of_other_tools() {
    let source = layer(gzipped(&archive()), DOCKER_GZIP).await;
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let from = || LayerBuilder::from_layer(Arc::clone(&source) as Arc<dyn Layer>);
    for (builder, size, diff_id) in [
        (
            from(),
            2048,
            "8921b80ee7024c66a2b13513814564ae73d21084d84889efe1cd025060a6f5a5",
        ),
        (
            from().mtime(at(0)),
            2048,
            "8921b80ee7024c66a2b13513814564ae73d21084d84889efe1cd025060a6f5a5",
        ),
        (
            from().mtime(at(1_000_000_000)),
            2048,
            "85a7744baad6717902b1d28ece755d81211342c1f99deb885d0b5dffe6133e68",
        ),
        (
            from().for_windows(),
            4096,
            "84bfaf0fb4228abaca07a61462b420339d533dca0086332a7e33374f935cb6c0",
        ),
    ] {
        let made = builder.build().await.expect("layer");
        assert_eq!(made.as_diff_id().to_string(), format!("sha256:{diff_id}"));
        assert_eq!(unpacked(&made).await.len(), size);
        assert_eq!(made.media_type().to_string(), DOCKER_GZIP);
        check_truth(&made).await;
        conformance::layer(made).await;
    }
}

#[tokio::test]
async fn every_codec_becomes_every_other() {
    let tar = archive();
    for content in [tar.clone(), gzipped(&tar), zstandard(&tar)] {
        let old_codec = Codec::detect(&content);
        let source = layer(content.clone(), "application/vnd.oci.image.layer.v1.tar").await;
        let kept = LayerBuilder::from_layer(Arc::clone(&source) as Arc<dyn Layer>);
        let kept = kept.build().await.expect("layer");
        assert_eq!(stored(&kept).await, content);
        assert_eq!(
            kept.media_type(),
            Family::Oci.layer(old_codec),
            "what it is, not what it said"
        );
        for compression in [Compression::None, Compression::gzip(), Compression::zstd()] {
            let builder = LayerBuilder::from_layer(Arc::clone(&source) as Arc<dyn Layer>);
            let new = builder.recompress(compression).build().await.expect("layer");
            assert_eq!(*new.as_diff_id(), sha256(&tar));
            assert_eq!(Codec::detect(&stored(&new).await), compression.codec());
            assert_eq!(new.media_type(), Family::Oci.layer(compression.codec()));
            check_truth(&new).await;
        }
    }
}

#[tokio::test]
async fn media_types_of_no_family_and_those_that_are_set_stay() {
    let source = layer(archive(), "application/x").await;
    let from =
        || LayerBuilder::from_layer(Arc::clone(&source) as Arc<dyn Layer>).recompress(Compression::gzip());
    let media_type = |made: SpooledLayer| made.media_type();
    let made = [
        media_type(from().build().await.expect("layer")),
        media_type(from().family(Family::Docker).build().await.expect("layer")),
        media_type(
            from()
                .media_type(MediaType::ImageConfig)
                .build()
                .await
                .expect("layer"),
        ),
    ];
    assert_eq!(
        made,
        ["application/x".into(), DOCKER_GZIP.into(), MediaType::ImageConfig]
    );
}

/// Edits are for all that layers are made of, and it makes no difference how the content comes.
#[tokio::test]
async fn every_source_can_be_edited() {
    let dir = tempfile::tempdir().expect("temp dir");
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    std::fs::write(dir.path().join("a"), "1").expect("write");
    let path = dir.path().join("a.tar");
    let source = layer(archive(), "application/vnd.oci.image.layer.v1.tar").await;
    let edit = |builder: LayerBuilder| builder.mtime(time).for_windows().build();
    let want = edit(LayerBuilder::from_layer(source)).await.expect("layer");
    for content in [archive(), gzipped(&archive()), zstandard(&archive())] {
        std::fs::write(&path, &content).expect("write");
        let file = edit(LayerBuilder::from_tar_file(&path)).await.expect("layer");
        let read = edit(LayerBuilder::from_stream(stream(content)))
            .await
            .expect("layer");
        assert_eq!(file.as_diff_id(), want.as_diff_id());
        assert_eq!(read.as_descriptor(), file.as_descriptor());
        check_truth(&file).await;
    }
    std::fs::remove_file(path).expect("remove");
    for builder in [
        LayerBuilder::from_directory(dir.path()),
        LayerBuilder::from_files([("a", "1")]),
    ] {
        let tar = unpacked(&edit(builder).await.expect("layer")).await;
        let mut archive = tar::Archive::new(&tar[..]);
        let entries = archive.entries().expect("fresh").map(|entry| {
            let entry = entry.expect("valid");
            let mtime = entry.header().mtime().expect("mtime");
            (entry.path().expect("valid").display().to_string(), mtime)
        });
        let names = ["Files", "Hives", "Files/a"];
        let want: Vec<_> = names.map(|name| (name.to_owned(), 1_000_000_000)).into();
        assert_eq!(entries.collect::<Vec<_>>(), want);
    }
}

/// Its content is not what its descriptor says.
#[derive(Debug)]
struct Liar(Arc<SpooledLayer>);

impl Layer for Liar {
    fn media_type(&self) -> MediaType {
        self.0.media_type()
    }

    fn descriptor(
        &self,
    ) -> futures_core::future::BoxFuture<'_, Result<oci_spec::image::Descriptor, wharf_v1::Error>> {
        self.0.descriptor()
    }

    fn diff_id(
        &self,
    ) -> futures_core::future::BoxFuture<'_, Result<oci_spec::image::Digest, wharf_v1::Error>> {
        self.0.diff_id()
    }

    fn compressed(&self) -> futures_core::future::BoxFuture<'_, Result<ByteStream, wharf_v1::Error>> {
        let other = [&archive()[..], &[0; 512]].concat();
        Box::pin(async { stream(other).verified(self.0.as_descriptor()) })
    }

    fn uncompressed(&self) -> futures_core::future::BoxFuture<'_, Result<ByteStream, wharf_v1::Error>> {
        self.compressed()
    }
}

#[tokio::test]
async fn a_source_that_fails_its_checks_makes_no_layer() {
    // The surplus comes after the end of the archive, where no reader of archives would look.
    let source = layer(archive(), "application/vnd.oci.image.layer.v1.tar").await;
    for builder in [
        LayerBuilder::mtime(from_liar(&source), SystemTime::UNIX_EPOCH),
        from_liar(&source),
    ] {
        let error = builder.build().await.expect_err("lies");
        let Error::Read { source } = error else {
            panic!("{error:?}")
        };
        assert!(source.to_string().contains("size"), "{source}");
    }
}

fn from_liar(source: &Arc<SpooledLayer>) -> LayerBuilder {
    LayerBuilder::from_layer(Arc::new(Liar(Arc::clone(source))))
}

#[tokio::test]
async fn what_is_no_tar_cannot_be_edited() {
    let builder = LayerBuilder::from_stream(stream("no tar")).allow_any_content();
    let error = builder
        .mtime(SystemTime::UNIX_EPOCH)
        .build()
        .await
        .expect_err("no tar");
    assert!(matches!(error, Error::NotTar { .. }), "{error:?}");
}
