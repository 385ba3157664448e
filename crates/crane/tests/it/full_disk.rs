//! A registry on a disk that is full, and then is not.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use wharf::v1::sha256;
use wharf_testkit::{is_installed, pass_over};

use crate::fixture::image;
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;
use crate::serve::{ServedCrane, ask};

/// Makes `$1` a file system of 8 MiB in which 2 MiB are free, for this process and those it becomes.
const SMALL_DISK: &str = "mount -t tmpfs -o size=8m none \"$1\" && head -c 6m /dev/zero >\"$1/filler\"";

/// A command line in namespaces of its own, where whoever runs the tests may mount.
fn within(script: &str, disk: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args([
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        script,
        env!("CARGO_BIN_EXE_crane"),
    ]);
    command.arg(disk).stdin(Stdio::null());
    command
}

/// All files below a directory.
fn files(dir: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut pending = vec![dir.to_owned()];
    while let Some(dir) = pending.pop() {
        for entry in std::fs::read_dir(&dir).expect("readable") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                pending.push(path);
            } else {
                found.insert(path);
            }
        }
    }
    found
}

#[test]
fn a_full_disk_is_said_leaves_nothing_and_is_recovered_from() {
    let sandbox = Sandbox::new();
    let disk = sandbox.path("disk");
    std::fs::create_dir(&disk).expect("directory");
    if !is_installed("unshare") {
        return;
    }
    let tried = within(SMALL_DISK, &disk).output().expect("unshare starts");
    if !tried.status.success() {
        return pass_over("unshare", &String::from_utf8_lossy(&tried.stderr));
    }
    let script = format!("{SMALL_DISK} && exec \"$0\" registry serve --disk \"$1/store\"");
    let served = ServedCrane::spawn(within(&script, &disk));
    let host = served.host();
    // The same directory, as the server sees it.
    let inside =
        PathBuf::from(format!("/proc/{}/root", served.id())).join(disk.strip_prefix("/").expect("absolute"));
    let store = inside.join("store");

    let registry = TestRegistry::start();
    registry.put_image("app:v1", &image());
    let app = format!("{host}/app:v1");
    sandbox.stdout(&["copy", &registry.at("app:v1"), &app]);
    let before = files(&store);

    // A blob in one request, which ends as one.
    let blob = vec![7; 4 << 20];
    let digest = sha256(&blob);
    let post = format!("/v2/app/blobs/uploads/?digest={digest}");
    let (status, answer) = ask(host, "POST", &post, &blob);
    assert_eq!(status, 507, "{answer}");
    let envelope = r#"{"errors":[{"code":"INTERNAL_ERROR","message":"no space left"}]}"#;
    assert!(answer.ends_with(envelope), "{answer}");
    assert_eq!(files(&store), before);

    // In an upload, which can go on when there is room.
    let (status, answer) = ask(host, "POST", "/v2/app/blobs/uploads/", b"");
    assert_eq!(status, 202, "{answer}");
    let location = answer
        .lines()
        .find_map(|line| line.strip_prefix("location: "))
        .expect("a location");
    let (status, answer) = ask(host, "PATCH", location, &blob);
    assert_eq!(status, 507, "{answer}");
    let (status, answer) = ask(host, "GET", location, b"");
    assert_eq!(status, 204, "{answer}");
    let came = answer
        .lines()
        .find_map(|line| line.strip_prefix("range: 0-"))
        .and_then(|last| last.parse::<usize>().ok())
        .expect("a range")
        + 1;
    assert!(came < blob.len());

    // What is left for manifests is less than one of them needs.
    let manifest = vec![b'x'; 3 << 20];
    let (status, answer) = ask(host, "PUT", "/v2/app/manifests/large", &manifest);
    assert_eq!(status, 507, "{answer}");
    let (status, answer) = ask(host, "GET", "/v2/app/manifests/large", b"");
    assert_eq!(status, 404, "{answer}");

    // What was there is there, and can be read and taken away.
    assert_eq!(
        sandbox.stdout(&["validate", "--remote", &app]),
        format!("PASS: {app}\n")
    );

    std::fs::remove_file(inside.join("filler")).expect("removed");
    let (status, answer) = ask(host, "PATCH", location, &blob[came..]);
    assert_eq!(status, 202, "{answer}");
    let (status, answer) = ask(host, "PUT", &format!("{location}?digest={digest}"), b"");
    assert_eq!(status, 201, "{answer}");
    let (status, answer) = ask(host, "PUT", "/v2/app/manifests/large", &manifest);
    assert_eq!(status, 201, "{answer}");
    let (status, answer) = ask(host, "HEAD", &format!("/v2/app/blobs/{digest}"), b"");
    assert_eq!(status, 200, "{answer}");

    let said = served.end();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    for line in lines {
        let want = "the store failed error=no space left in the store: No space left on device (os error 28)";
        assert!(line.contains(want), "{line}");
    }
}
