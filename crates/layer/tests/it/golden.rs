//! Bytes that other tools rely on.

use wharf_layer::{Compression, LayerBuilder};
use wharf_v1::Layer as _;

use crate::support::{check_truth, stored, tar_of, unpacked};

async fn check(files: &[(&'static str, &'static str)], size: usize, diff_id: &str) {
    let layer = LayerBuilder::from_files(files.iter().copied())
        .build()
        .await
        .expect("layer");
    assert_eq!(
        layer.as_diff_id().to_string(),
        format!("sha256:{diff_id}"),
        "{files:?}"
    );
    assert_eq!(unpacked(&layer).await.len(), size, "{files:?}");
    check_truth(&layer).await;
    let plain = LayerBuilder::from_files(files.iter().copied()).compression(Compression::None);
    let plain = plain.build().await.expect("layer");
    assert_eq!(plain.as_descriptor().digest(), layer.as_diff_id());
    check_truth(&plain).await;
}

#[tokio::test]
async fn layers_of_files_have_the_digests_of_other_tools() {
    check(
        &[],
        1024,
        "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
    )
    .await;
    check(
        &[("/test", "testy")],
        2048,
        "23db89a59ae4a121b898c6ff3ed698fb76f34f02a59edc00b6a554f679297d11",
    )
    .await;
    check(
        &[("/testalt", "footesty"), ("/test", "testy")],
        3072,
        "1063e4d3e68a1de07d605c49885a488d3cb66d7263044b462856ba115daa6f35",
    )
    .await;
    check(
        &[
            ("/1", "1"),
            ("/2", "2"),
            ("/3", "3"),
            ("/4", "4"),
            ("/5", "5"),
            ("/6", "6"),
            ("/7", "7"),
            ("/8", "8"),
            ("/9", "9"),
        ],
        10240,
        "7c313e84d0f5c815213ba85b726a1df71c3c6e038989187d5d2a9b40ee3330f3",
    )
    .await;
    check(
        &[("/binary", "binary contents")],
        2048,
        "07d75453129399a956d98c4ee07b2fb08f82528b5f8090a285ed118dd752858a",
    )
    .await;
    check(
        &[("/test", "testy"), ("/bar", "not useful")],
        3072,
        "f4f5f96b1c6d7bd7591bc167516fd7b80ecb2b632f265a91f718ce8a0dc84fb2",
    )
    .await;
}

#[tokio::test]
async fn gzip_says_nothing_of_when_and_where() {
    let layer = LayerBuilder::from_files([("/test", "testy")])
        .build()
        .await
        .expect("layer");
    let first = stored(&layer).await;
    assert_eq!(first[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff]);
    let again = LayerBuilder::from_files([("/test", "testy")])
        .build()
        .await
        .expect("layer");
    assert_eq!(stored(&again).await, first);
}

#[tokio::test]
async fn media_types_follow_what_is_stored() {
    let tar = tar_of("a", b"1");
    for (compression, want) in [
        (Compression::None, "application/vnd.oci.image.layer.v1.tar"),
        (Compression::gzip(), "application/vnd.oci.image.layer.v1.tar+gzip"),
        (Compression::zstd(), "application/vnd.oci.image.layer.v1.tar+zstd"),
    ] {
        let layer = crate::support::build(&tar, |builder| builder.compression(compression))
            .await
            .expect("layer");
        assert_eq!(layer.media_type().to_string(), want);
        let given = crate::support::build(&tar, |builder| {
            builder.compression(compression).media_type("x/y".into())
        });
        assert_eq!(given.await.expect("layer").media_type().to_string(), "x/y");
    }
}
