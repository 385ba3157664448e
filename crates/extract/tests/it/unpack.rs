//! Filesystems in directories.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use wharf_extract::{Error, ExtractOptions, Privileges, SkippedPart, UnpackOptions, Unpacked, unpack};

use crate::layers::{Tar, stack};

async fn into(
    directory: &Path,
    layers: impl IntoIterator<Item = Tar>,
    options: &UnpackOptions,
) -> Result<Unpacked, Error> {
    unpack(Arc::new(stack(layers)), directory, options).await
}

fn t() -> Tar {
    Tar::new()
}

/// A directory to unpack to, beside something that must stay as it is.
struct Place {
    outside: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let outside = tempfile::tempdir().expect("temp dir");
        fs::write(outside.path().join("sentinel"), "untouched").expect("write");
        fs::set_permissions(outside.path().join("sentinel"), fs::Permissions::from_mode(0o600))
            .expect("chmod");
        Self { outside }
    }

    fn root(&self) -> std::path::PathBuf {
        self.outside.path().join("root")
    }

    #[track_caller]
    fn check(&self) {
        let mut names: Vec<_> = fs::read_dir(self.outside.path())
            .expect("readable")
            .map(|entry| entry.expect("readable").file_name())
            .collect();
        names.sort();
        names.retain(|name| name != "root");
        assert_eq!(names, ["sentinel"]);
        let sentinel = self.outside.path().join("sentinel");
        assert_eq!(fs::read_to_string(&sentinel).expect("readable"), "untouched");
        let metadata = fs::metadata(&sentinel).expect("there");
        assert_eq!((metadata.mode() & 0o7777, metadata.nlink()), (0o600, 1));
    }
}

#[tokio::test]
async fn a_filesystem() {
    let place = Place::new();
    let layers = [
        t().dir("d", 0o755)
            .file("d/old", "1")
            .file("d/kept", "2")
            .file("gone", "3"),
        t().mark(".wh.gone")
            .dir("d", 0o555)
            .file("d/new", "4")
            .link("d/link", "d/kept")
            .symlink("s", "/etc/x")
            .entry(b'6', "pipe", "", 0o640, b"")
            .entry(b'0', "setuid", "", 0o4755, b"x")
            .entry(b'3', "null", "", 0o666, b""),
    ];
    let unpacked = into(&place.root(), layers, &UnpackOptions::new())
        .await
        .expect("a good image");
    let at = |name: &str| place.root().join(name);
    assert_eq!(fs::read_to_string(at("d/kept")).expect("there"), "2");
    assert_eq!(fs::read_to_string(at("d/new")).expect("there"), "4");
    assert!(!at("gone").exists());
    assert_eq!(fs::read_link(at("s")).expect("there"), Path::new("/etc/x"));
    let metadata = |name: &str| fs::symlink_metadata(at(name)).expect("there");
    assert_eq!(metadata("d/link").ino(), metadata("d/kept").ino());
    assert_eq!(
        metadata("d").mode() & 0o7777,
        0o555,
        "set when everything was in it"
    );
    assert_eq!(metadata("pipe").mode() & 0o7777, 0o640);
    assert_eq!(metadata("setuid").mode() & 0o7777, 0o755);
    for name in ["d", "d/new", "s", "pipe"] {
        assert_eq!(metadata(name).mtime(), 0, "{name}");
    }
    let what: Vec<_> = unpacked.skipped.iter().map(|skipped| &skipped.what).collect();
    assert_eq!(what, [&SkippedPart::SetId, &SkippedPart::Device]);
    assert_eq!(
        (unpacked.skipped_count, unpacked.entries, unpacked.bytes),
        (2, 8, 4)
    );
    place.check();
    // So that the directory can be removed by those who are not root.
    fs::set_permissions(at("d"), fs::Permissions::from_mode(0o755)).expect("chmod");
}

#[tokio::test]
async fn extended_attributes() {
    let place = Place::new();
    let records = b"25 SCHILY.xattr.user.k=v\n33 SCHILY.xattr.trusted.secret=v\n";
    let layer = t().entry(b'x', "h", "", 0, records).file("a", "1");
    let unpacked = into(&place.root(), [layer], &UnpackOptions::new())
        .await
        .expect("a good image");
    let skipped: Vec<_> = unpacked.skipped.into_iter().map(|skipped| skipped.what).collect();
    assert!(
        skipped.contains(&SkippedPart::Attribute("trusted.secret".into())),
        "{skipped:?}"
    );
    let mut value = [0; 8];
    match rustix::fs::getxattr(place.root().join("a"), "user.k", &mut value) {
        Ok(1) => assert_eq!(value[0], b'v'),
        // The filesystem has none; then that was said.
        other => assert!(
            skipped.contains(&SkippedPart::Attribute("user.k".into())),
            "{other:?}"
        ),
    }
}

/// Nothing that an image has writes, links or changes anything outside.
#[tokio::test]
async fn what_leads_out_stays_in() {
    let out = || t().symlink("out", "/proc/self/cwd").symlink("up", "sub/..");
    let layers: Vec<Vec<Tar>> = vec![
        vec![t().link("evil", "../sentinel")],
        vec![t().link("evil", "/sentinel")],
        vec![t().symlink("evil", "../sentinel").file("evil", "written")],
        vec![t().symlink("evil", "../sentinel"), t().file("evil", "written")],
        vec![t().symlink("up", ".."), t().file("up/sentinel", "written")],
        vec![out().file("out/sentinel", "written")],
        vec![out(), t().file("out/sentinel", "written")],
        vec![
            t().symlink("a", "/")
                .symlink("b", "a/tmp")
                .file("b/evil", "written"),
        ],
        vec![t().symlink("a", "/").link("b", "a/sentinel")],
        vec![
            t().symlink("s", "/sentinel")
                .link("l", "s")
                .entry(b'0', "l", "", 0o777, b"written"),
        ],
        vec![t().file("../sentinel", "written")],
        vec![t().file("/../../sentinel", "written")],
        vec![t().dir("..", 0o777)],
        vec![t().symlink(".", "..").file("sentinel", "written")],
    ];
    for layers in layers {
        let place = Place::new();
        // Some are refused, some are harmless.
        let _ = into(&place.root(), layers, &UnpackOptions::new()).await;
        place.check();
    }
}

#[tokio::test]
async fn links_that_were_there_are_not_followed() {
    let place = Place::new();
    fs::create_dir(place.root()).expect("create");
    symlink("..", place.root().join("up")).expect("symlink");
    symlink("../sentinel", place.root().join("file")).expect("symlink");
    let through = [t().file("up/sentinel", "written")];
    let error = into(&place.root(), through, &UnpackOptions::new())
        .await
        .expect_err("it is in the way");
    assert!(
        matches!(&error, Error::Obstructed { path } if path == Path::new("up")),
        "{error}"
    );
    let unpacked = into(
        &place.root(),
        [t().file("file", "own").dir("up", 0o777)],
        &UnpackOptions::new(),
    )
    .await;
    unpacked.expect("replaced");
    assert_eq!(
        fs::read_to_string(place.root().join("file")).expect("there"),
        "own"
    );
    assert!(
        fs::symlink_metadata(place.root().join("up"))
            .expect("there")
            .is_dir()
    );
    place.check();
}

#[tokio::test]
async fn what_was_there() {
    let place = Place::new();
    fs::create_dir_all(place.root().join("d/full")).expect("create");
    fs::create_dir_all(place.root().join("empty")).expect("create");
    fs::write(place.root().join("d/full/own"), "kept").expect("write");
    fs::write(place.root().join("file"), "old").expect("write");
    let layers = || {
        [t().dir("d", 0o700)
            .dir("d/full", 0o755)
            .file("file", "new")
            .file("empty", "now a file")]
    };
    into(&place.root(), layers(), &UnpackOptions::new())
        .await
        .expect("nothing is in the way");
    // And again, over itself.
    into(&place.root(), layers(), &UnpackOptions::new())
        .await
        .expect("nothing is in the way");
    let text = |name: &str| fs::read_to_string(place.root().join(name)).expect("there");
    assert_eq!(
        [text("d/full/own"), text("file"), text("empty")],
        ["kept", "new", "now a file"]
    );
    let error = into(&place.root(), [t().file("d/full", "x")], &UnpackOptions::new()).await;
    assert!(matches!(error, Err(Error::Obstructed { .. })), "{error:?}");
    assert_eq!(text("d/full/own"), "kept");
}

#[tokio::test]
async fn limits_hold() {
    let place = Place::new();
    let options = UnpackOptions::new().with_extract(ExtractOptions::new().with_max_bytes(3000));
    let error = into(
        &place.root(),
        [t().file("a", &"x".repeat(1000)).file("b", &"x".repeat(1000))],
        &options,
    )
    .await;
    assert!(
        matches!(error, Err(Error::TooLarge { .. } | Error::Read { .. })),
        "{error:?}"
    );
}

fn part() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a",
        "b",
        "..",
        ".",
        "",
        "sentinel",
        "root",
        ".wh.a",
        ".wh..wh..opq",
        "\\",
        "C:",
    ])
}

fn name() -> impl Strategy<Value = String> {
    prop::collection::vec(part(), 1..5).prop_map(|parts| parts.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]
    #[test]
    fn whatever_an_image_has_stays_in(
        layers in prop::collection::vec(
            prop::collection::vec((prop::sample::select(b"0012225167".to_vec()), name(), name()), 0..8), 1..4),
    ) {
        let place = Place::new();
        let pack = |entries: &Vec<(u8, String, String)>| {
            entries.iter().fold(t(), |tar, (kind, name, target)| {
                let content: &[u8] = if *kind == b'0' { b"written" } else { b"" };
                tar.entry(*kind, name, target, 0o6777, content)
            })
        };
        let layers: Vec<Tar> = layers.iter().map(pack).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        // Some are refused, some are harmless.
        let _ = runtime.block_on(into(&place.root(), layers, &UnpackOptions::new()));
        place.check();
    }
}

/// Needs a privileged process; says so where it has none.
#[tokio::test]
async fn owners_and_devices_for_the_privileged() {
    let place = Place::new();
    let layer = t()
        .entry(b'3', "null", "", 0o666, b"")
        .entry(b'0', "setuid", "", 0o4755, b"x");
    let options = UnpackOptions::new().with_privileges(Privileges::All);
    match into(&place.root(), [layer], &options).await {
        Ok(unpacked) => {
            let metadata = |name: &str| fs::metadata(place.root().join(name)).expect("there");
            assert_eq!(metadata("setuid").mode() & 0o7777, 0o4755);
            assert_eq!((metadata("setuid").uid(), metadata("setuid").gid()), (0, 0));
            assert_eq!(metadata("null").mode() & 0o170_000, 0o020_000);
            assert_eq!(unpacked.skipped_count, 0);
        }
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::PermissionDenied => {
            eprintln!("skipped: this process is not privileged");
        }
        Err(error) => panic!("{error}"),
    }
}
