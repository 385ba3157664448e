//! What a second reader, Python's `tarfile`, makes of the archives that come out.

use std::io::Write as _;
use std::process::{Command, Stdio};

use wharf_testkit::{is_installed, run};
use wharf_v1::sha256;

use crate::layers::{Tar, merged};

/// Prints a line for each entry: type, name, target, size, digest, mode, owner, time, records.
const SCRIPT: &str = r#"
import hashlib, os, sys, tarfile
with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
    for entry in archive:
        content = archive.extractfile(entry).read() if entry.isreg() else b""
        records = sorted((k, v) for k, v in entry.pax_headers.items() if k.startswith("SCHILY"))
        print(entry.type.decode(), entry.name, entry.linkname, len(content), hashlib.sha256(content).hexdigest(),
              oct(entry.mode), entry.uid, entry.uname, float(entry.mtime), entry.devmajor, entry.devminor, records)
"#;

fn python(tar: &[u8]) -> String {
    let mut child = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it is installed");
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(tar)
        .expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "python3 cannot read the archive");
    String::from_utf8(output.stdout).expect("text")
}

/// Makes a tar with Python of files that need every form of header.
const MAKE: &str = r#"
import io, sys, tarfile
form = {"gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}[sys.argv[1]]
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=form) as archive:
    def add(name, content=b"", **fields):
        info = tarfile.TarInfo(name)
        info.size = len(content)
        info.mtime = 1700000000
        for key, value in fields.items():
            setattr(info, key, value)
        archive.addfile(info, io.BytesIO(content))
    deep = "/".join(["directory"] * 30)
    add(deep + "/file", b"long name")
    add("ümlaut", b"unicode")
    add("link", type=tarfile.SYMTYPE, linkname="t" * 200)
    add("hard", type=tarfile.LNKTYPE, linkname=deep + "/file")
    add("owner", b"x", uid=3000000, gid=4000000, uname="somebody", gname="group")
    add("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666)
    add("pipe", type=tarfile.FIFOTYPE)
    add("setuid", b"x", mode=0o4755)
    if sys.argv[1] == "pax":
        add("xattr", b"y", mtime=5.25, pax_headers={"SCHILY.xattr.user.k": "v\nw=1", "comment": "kept"})
"#;

#[tokio::test]
async fn every_form_of_header_is_read_alike() {
    if !is_installed("python3") {
        return;
    }
    for form in ["gnu", "pax"] {
        let made = run(Command::new("python3").args(["-c", MAKE, form])).stdout;
        let out = merged([Tar::new().raw(&made)]).await;
        let (before, after) = (python(&made), python(&out));
        assert_eq!(after, before, "{form}");
        assert_eq!(before.lines().count(), if form == "gnu" { 8 } else { 9 });
    }
}

/// GNU tar makes the sparse file; its content comes out with holes filled.
#[tokio::test]
async fn sparse_files_come_out_whole() {
    if !is_installed("tar") {
        return;
    }
    let has_python = is_installed("python3");
    let dir = tempfile::tempdir().expect("temp dir");
    let mut content = vec![0u8; 3 << 20];
    content[(1 << 20)..(1 << 20) + 5].copy_from_slice(b"hello");
    content[(2 << 20)..(2 << 20) + 5].copy_from_slice(b"world");
    let file = std::fs::File::create(dir.path().join("sparse")).expect("create");
    file.set_len(3 << 20).expect("sparse");
    for at in [1 << 20, 2 << 20] {
        std::os::unix::fs::FileExt::write_all_at(&file, &content[at..at + 5], at as u64).expect("write");
    }
    std::fs::write(dir.path().join("dense"), b"after").expect("write");
    for form in [
        &["--format=gnu"][..],
        &["--format=pax", "--sparse-version=0.0"],
        &["--format=pax", "--sparse-version=0.1"],
        &["--format=pax", "--sparse-version=1.0"],
    ] {
        let mut command = Command::new("tar");
        command
            .args(["-cS", "--hole-detection=raw"])
            .args(form)
            .arg("-C")
            .arg(dir.path());
        let made = run(command.args(["sparse", "dense"])).stdout;
        assert!(made.len() < 1 << 20, "{form:?}: it is not sparse");
        let out = merged([Tar::new().raw(&made)]).await;
        let mut archive = tar::Archive::new(&out[..]);
        let mut got = Vec::new();
        for entry in archive.entries().expect("fresh") {
            let mut entry = entry.expect("valid");
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut content).expect("whole");
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            got.push((name, sha256(&content)));
        }
        let want = [
            ("sparse".to_owned(), sha256(&content)),
            ("dense".to_owned(), sha256("after")),
        ];
        assert_eq!(got, want, "{form:?}");
        assert!(!has_python || python(&out).lines().count() == 2, "{form:?}");
    }
}
