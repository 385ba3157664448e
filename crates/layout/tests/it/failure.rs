//! What is left when an append does not come to its end.

use std::fs;
use std::pin::pin;
use std::sync::Arc;

use futures_util::future::select;
use wharf_layout::{AppendOptions, Error, Layout};

use crate::support::{Behaviour, TestLayer, files, image};

const BROKEN: [Behaviour; 4] = [
    Behaviour::Breaks,
    Behaviour::Lies,
    Behaviour::Short,
    Behaviour::Long,
];

#[tokio::test]
async fn a_new_directory_is_removed_again() {
    for behaviour in BROKEN {
        let dir = tempfile::tempdir().expect("temp dir");
        let layout = Layout::create(dir.path().join("a/b/layout"))
            .await
            .expect("create");
        let layers = [
            TestLayer::new("good", Behaviour::Good),
            TestLayer::new("broken", behaviour),
        ];
        let error = layout
            .append_image(&image(&layers), &AppendOptions::new())
            .await
            .expect_err("broken");
        assert!(
            matches!(&error, Error::Store { digest, .. } if digest == layers[1].real_descriptor().digest()),
            "{behaviour:?}: {error:?}"
        );
        assert_eq!(
            fs::read_dir(dir.path()).expect("readable").count(),
            0,
            "{behaviour:?}"
        );

        // The same value can be used again.
        layout
            .append_image(&image(&layers[..1]), &AppendOptions::new())
            .await
            .expect("good");
        assert_eq!(layout.images().await.expect("images").len(), 1);
        assert_eq!(files(layout.path()).len(), 5);
    }
}

#[tokio::test]
async fn a_directory_that_was_there_stays() {
    let dir = tempfile::tempdir().expect("temp dir");
    fs::write(dir.path().join("mine"), "").expect("write");
    let layout = Layout::create(dir.path()).await.expect("create");
    let image = image(&[TestLayer::new("broken", Behaviour::Breaks)]);
    layout
        .append_image(&image, &AppendOptions::new())
        .await
        .expect_err("broken");
    assert_eq!(files(dir.path()), ["mine"]);
}

#[tokio::test]
async fn a_layout_that_was_there_lists_what_it_did() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path()).await.expect("create");
    layout
        .append_image(&image(&[]), &AppendOptions::new())
        .await
        .expect("append");
    let before = fs::read(dir.path().join("index.json")).expect("read");
    let had = files(dir.path());
    for layout in [layout, Layout::open(dir.path()).await.expect("open")] {
        for behaviour in BROKEN {
            let image = image(&[TestLayer::new("broken", behaviour)]);
            layout
                .append_image(&image, &AppendOptions::new())
                .await
                .expect_err("broken");
            assert_eq!(fs::read(dir.path().join("index.json")).expect("read"), before);
            assert_eq!(files(dir.path()), had, "{behaviour:?}");
        }
    }
}

#[tokio::test]
async fn a_cancelled_append_leaves_nothing() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path().join("layout")).await.expect("create");
    let hanging = TestLayer::new("hangs", Behaviour::Hangs);
    let image = image(&[TestLayer::new("good", Behaviour::Good), Arc::clone(&hanging)]);
    let options = AppendOptions::new();
    let mut append = Box::pin(layout.append_image(&image, &options));
    while hanging.opened() == 0 {
        // Driven until the layer is being read; it never ends by itself.
        select(&mut append, pin!(tokio::task::yield_now())).await;
    }
    drop(append);
    // The abandoned writer ends on its own thread, and as the last one takes the directory away.
    while dir.path().read_dir().expect("readable").count() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_failed_stream_layer_leaves_nothing() {
    let dir = tempfile::tempdir().expect("temp dir");
    let layout = Layout::create(dir.path().join("layout")).await.expect("create");
    let layers = [
        TestLayer::new("streamed", Behaviour::Streamed),
        TestLayer::new("broken", Behaviour::Breaks),
    ];
    layout
        .append_image(&image(&layers), &AppendOptions::new())
        .await
        .expect_err("broken");
    assert!(!layout.path().exists());
}

#[cfg(unix)]
#[tokio::test]
async fn what_cannot_be_written_is_said_and_undone() {
    let dir = tempfile::tempdir().expect("temp dir");
    fs::write(dir.path().join("file"), "").expect("write");
    let error = Layout::create(dir.path().join("file/layout"))
        .await
        .expect_err("not a directory");
    assert!(matches!(error, Error::Io { .. }), "{error:?}");

    // A file where the blobs should go.
    let root = dir.path().join("layout");
    fs::create_dir(&root).expect("directory");
    fs::write(root.join("blobs"), "").expect("write");
    let error = Layout::create(&root).await.expect_err("no directory");
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    assert_eq!(
        files(&root),
        ["blobs"],
        "what others put there is not ours to remove"
    );
}
