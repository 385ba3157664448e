//! OCI layouts in a tar file: whatever the bytes, reading ends; nothing comes out that is not its digest's.
#![no_main]

mod archive;

use archive::{LIMIT, block_on};
use libfuzzer_sys::fuzz_target;
use wharf_layout::{FindExt as _, LayoutArchive};
use wharf_v1::{Child, Image as _, Matcher};

fuzz_target!(|input: &[u8]| {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("archive.tar");
    archive::write(&path, input);
    block_on(async {
        let Ok(archive) = LayoutArchive::open_with(&path, LIMIT).await else {
            return;
        };
        let _ = archive.verify().await;
        let Ok(visits) = archive.index().find(&Matcher::any()).await else {
            return;
        };
        for visit in visits {
            match visit.open().await {
                Ok(Child::Image(image)) => {
                    let Ok(layers) = image.layers().await else {
                        continue;
                    };
                    for layer in layers {
                        let Ok(bytes) = layer.compressed().await else {
                            continue;
                        };
                        if let Ok(bytes) = bytes.collect(LIMIT).await {
                            let descriptor = layer.descriptor().await.expect("known");
                            assert_eq!(descriptor.size(), bytes.len() as u64);
                            if descriptor.digest().algorithm().as_ref() == "sha256" {
                                assert_eq!(*descriptor.digest(), wharf_v1::sha256(&bytes));
                            }
                        }
                    }
                }
                Ok(Child::Blob(blob)) => {
                    if let Ok(bytes) = blob.compressed().await {
                        let _ = bytes.collect(LIMIT).await;
                    }
                }
                _ => {}
            }
        }
    });
});
