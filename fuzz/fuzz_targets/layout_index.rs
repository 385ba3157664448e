//! The `index.json` of a layout: whatever the bytes, an edit fails or loses nothing, and what was not asked for stays.
#![no_main]

mod archive;

use archive::block_on;
use libfuzzer_sys::fuzz_target;
use oci_spec::image::{Descriptor, MediaType};
use wharf_layout::{CollectMode, FindExt as _, Layout};
use wharf_v1::{IndexExt as _, Matcher};

fuzz_target!(|input: &[u8]| {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("index.json");
    std::fs::write(&path, input).expect("written");
    block_on(async {
        let layout = Layout::open(dir.path()).await.expect("there is an index.json");
        let Ok(index) = layout.index().await else { return };
        let _ = index.find(&Matcher::any()).await;
        let before = index.children().await;
        let entry = Descriptor::new(MediaType::ImageManifest, 7, wharf_v1::sha256("fuzz"));
        let appended = layout.append_descriptor(entry.clone()).await;
        assert_eq!(appended.is_ok(), before.is_ok(), "{appended:?} {before:?}");
        let Ok(before) = before else {
            assert_eq!(
                std::fs::read(&path).expect("there"),
                input,
                "what is damaged is left alone"
            );
            return;
        };
        let after = layout
            .index()
            .await
            .expect("written")
            .children()
            .await
            .expect("written by us");
        assert!(after.contains(&entry));
        assert!(
            before
                .iter()
                .all(|old| after.contains(old) || old.digest() == entry.digest())
        );
        let _ = layout
            .collect_garbage(CollectMode::DryRun)
            .await
            .expect("nothing is there to be damaged");
        layout.remove(&Matcher::any()).await.expect("removed");
        let none = layout
            .index()
            .await
            .expect("written")
            .children()
            .await
            .expect("written by us");
        assert_eq!(none, []);
    });
});
