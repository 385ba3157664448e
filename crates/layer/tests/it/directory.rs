//! Layers of directories.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use wharf_layer::{Error, LayerBuilder, SpooledLayer};

use crate::support::{check_truth, unpacked};

const TIME: SystemTime = SystemTime::UNIX_EPOCH;

/// Files, directories and links, made in the given order.
fn make_tree(root: &Path, order: &[usize]) {
    let long = "long/".repeat(40);
    let make: [&dyn Fn(); 5] = [
        &|| fs::write(root.join("b"), "bee").expect("write"),
        &|| {
            fs::create_dir_all(root.join("a/empty")).expect("directory");
            fs::write(root.join("a/z"), "zed").expect("write");
        },
        &|| fs::write(root.join("a.txt"), vec![7; 70_000]).expect("write"),
        &|| {
            fs::create_dir_all(root.join(&long)).expect("directory");
            fs::write(root.join(&long).join("deep"), "deep").expect("write");
        },
        &|| fs::create_dir_all(root.join("c")).expect("directory"),
    ];
    for step in order {
        make[*step]();
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("../b", root.join("c/link")).expect("link");
        fs::hard_link(root.join("b"), root.join("c/same")).expect("link");
    }
}

async fn pack(root: &Path) -> SpooledLayer {
    let layer = LayerBuilder::from_directory(root)
        .mtime(TIME)
        .build()
        .await
        .expect("layer");
    check_truth(&layer).await;
    layer
}

#[tokio::test]
async fn the_same_tree_has_the_same_digest() {
    let (one, two) = (
        tempfile::tempdir().expect("temp dir"),
        tempfile::tempdir().expect("temp dir"),
    );
    make_tree(one.path(), &[0, 1, 2, 3, 4]);
    make_tree(two.path(), &[4, 3, 2, 1, 0]);
    let (first, second) = (pack(one.path()).await, pack(two.path()).await);
    assert_eq!(first.as_diff_id(), second.as_diff_id());
    assert_eq!(first.as_descriptor(), second.as_descriptor());
    fs::write(two.path().join("b"), "bea").expect("write");
    assert_ne!(pack(two.path()).await.as_diff_id(), first.as_diff_id());
}

#[cfg(unix)]
#[tokio::test]
async fn entries_are_sorted_and_links_stay_links() {
    let dir = tempfile::tempdir().expect("temp dir");
    make_tree(dir.path(), &[0, 1, 2, 4]);
    let tar = unpacked(&pack(dir.path()).await).await;
    let mut archive = tar::Archive::new(&tar[..]);
    let mut seen = Vec::new();
    for entry in archive.entries().expect("fresh") {
        let mut entry = entry.expect("valid");
        let mut content = String::new();
        if entry.size() < 100 {
            entry.read_to_string(&mut content).expect("readable");
        }
        let header = entry.header();
        assert_eq!((header.uid().expect("uid"), header.gid().expect("gid")), (0, 0));
        assert_eq!(header.mtime().expect("mtime"), 0);
        let link = entry
            .link_name()
            .expect("valid")
            .map(|target| target.display().to_string());
        let name = entry.path().expect("valid").display().to_string();
        seen.push((name, link.unwrap_or(content)));
    }
    let seen: Vec<_> = seen
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("a", ""),
            ("a/empty", ""),
            ("a/z", "zed"),
            ("a.txt", ""),
            ("b", "bee"),
            ("c", ""),
            ("c/link", "../b"),
            ("c/same", "b"),
        ]
    );
}

#[tokio::test]
async fn times_are_the_files_own_unless_set() {
    let dir = tempfile::tempdir().expect("temp dir");
    fs::write(dir.path().join("f"), "").expect("write");
    let file = fs::File::options()
        .write(true)
        .open(dir.path().join("f"))
        .expect("open");
    file.set_modified(TIME + Duration::from_secs(12_345))
        .expect("set");
    let mut mtimes = Vec::new();
    let builders = [
        LayerBuilder::from_directory(dir.path()),
        LayerBuilder::from_directory(dir.path()).mtime(TIME + Duration::from_millis(7900)),
        LayerBuilder::from_directory(dir.path()).mtime(TIME - Duration::from_secs(1)),
    ];
    for builder in builders {
        let tar = unpacked(&builder.build().await.expect("layer")).await;
        let mut archive = tar::Archive::new(&tar[..]);
        let entry = archive
            .entries()
            .expect("fresh")
            .next()
            .expect("one")
            .expect("valid");
        mtimes.push(entry.header().mtime().expect("mtime"));
    }
    assert_eq!(mtimes, [12_345, 7, 0]);
}

#[cfg(unix)]
#[tokio::test]
async fn owners_are_nobodys_the_files_or_set() {
    use std::os::unix::fs::MetadataExt as _;

    let dir = tempfile::tempdir().expect("temp dir");
    fs::write(dir.path().join("f"), "").expect("write");
    let own = fs::metadata(dir.path().join("f")).expect("there");
    let from = || LayerBuilder::from_directory(dir.path());
    for (builder, want) in [
        (from(), (0, 0)),
        (from().owner(1000, 3_000_000), (1000, 3_000_000)),
        (
            from().owner(1, 2).keep_owners(),
            (own.uid().into(), own.gid().into()),
        ),
    ] {
        let tar = unpacked(&builder.build().await.expect("layer")).await;
        let mut archive = tar::Archive::new(&tar[..]);
        let mut entries = archive.entries().expect("fresh");
        let header = entries.next().expect("one").expect("valid").header().clone();
        assert_eq!((header.uid().expect("uid"), header.gid().expect("gid")), want);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn sockets_are_left_out() {
    let dir = tempfile::tempdir().expect("temp dir");
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).expect("bind");
    let empty = LayerBuilder::from_files::<String, String>([])
        .build()
        .await
        .expect("layer");
    assert_eq!(pack(dir.path()).await.as_diff_id(), empty.as_diff_id());
}

#[tokio::test]
async fn what_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().expect("temp dir");
    let missing = dir.path().join("missing");
    let error = LayerBuilder::from_directory(&missing)
        .build()
        .await
        .expect_err("missing");
    assert!(
        matches!(&error, Error::Io { path, .. } if *path == missing),
        "{error:?}"
    );
}
