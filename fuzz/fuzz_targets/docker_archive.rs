//! Archives of `docker save`: whatever the bytes, reading ends; what an image is made of keeps its promises.
#![no_main]

mod archive;

use archive::{LIMIT, block_on};
use libfuzzer_sys::fuzz_target;
use wharf_tarball::{Archive, ReadOptions};
use wharf_v1::Image as _;

fuzz_target!(|input: &[u8]| {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("archive.tar");
    archive::write(&path, input);
    block_on(async {
        let options = ReadOptions::new().with_unpacked_limit(LIMIT);
        let Ok(archive) = Archive::open_with(&path, &options).await else {
            return;
        };
        let Ok(images) = archive.images().await else {
            return;
        };
        assert_eq!(images.len(), archive.repo_tags().len());
        for image in images {
            let manifest = image.manifest().await.expect("made by us");
            let layers = image.layers().await.expect("made by us");
            assert_eq!(manifest.view().expect("made by us").layers().len(), layers.len());
            for layer in layers {
                let _ = layer.uncompressed().await.expect("opens").collect(LIMIT).await;
            }
        }
    });
});
