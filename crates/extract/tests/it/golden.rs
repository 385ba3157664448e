//! Archives whose digests other tools agree on.

use wharf_v1::sha256;

use crate::layers::{Tar, merged, seal};

#[track_caller]
fn check(what: &str, tar: &[u8], size: usize, digest: &str) {
    assert_eq!(tar.len(), size, "{what}");
    assert_eq!(sha256(tar).to_string(), format!("sha256:{digest}"), "{what}");
}

fn one_file() -> Tar {
    Tar::new().file("a", "1")
}

fn pax(records: &[u8]) -> Tar {
    Tar::new().entry(b'x', "PaxHeaders.0/x", "", 0, records)
}

#[tokio::test]
async fn nothing() {
    let digest = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";
    check("no entries", &merged([Tar::new()]).await, 1024, digest);
    check("no layers", &merged([]).await, 1024, digest);
    let gone = [one_file(), Tar::new().mark(".wh.a")];
    check("all gone", &merged(gone).await, 1024, digest);
}

#[tokio::test]
async fn a_plain_file_stays_as_it_is() {
    let digest = "8921b80ee7024c66a2b13513814564ae73d21084d84889efe1cd025060a6f5a5";
    check("source", &one_file().bytes(), 2048, digest);
    check("merged", &merged([one_file()]).await, 2048, digest);
}

#[tokio::test]
async fn a_long_name_of_gnu_becomes_a_record() {
    let name = format!("{}f", "abcdefghij/".repeat(30));
    let zeroed = |name: &str, mode, size| {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(size);
        header
    };
    let mut long = zeroed("././@LongLink", 0, name.len() as u64 + 1);
    long.set_entry_type(tar::EntryType::GNULongName);
    seal(&mut long);
    let mut file = zeroed(&name[..100], 0o644, 0);
    file.set_device_major(0).expect("GNU's");
    file.set_device_minor(0).expect("GNU's");
    file.set_entry_type(tar::EntryType::Regular);
    seal(&mut file);
    let source = || {
        Tar::new()
            .raw(long.as_bytes())
            .raw(name.as_bytes())
            .raw(b"\0")
            .pad()
            .raw(file.as_bytes())
    };
    check(
        "source",
        &source().bytes(),
        2560,
        "d0b082484133b30510a602a32911dc0ff7482bf7b6811a37956130c76b048fd8",
    );
    check(
        "merged",
        &merged([source()]).await,
        2560,
        "bdd718dcb6e5230a810526cf940fae6a1cb48ba47ff72e13d47cbb052ac240c2",
    );
}

#[tokio::test]
async fn records_stay() {
    let source = pax(b"25 SCHILY.xattr.user.k=v\n13 mtime=5.5\n");
    let digest = "aa270b04d95a5a01cb29fb141b20be3e232e594238f7b3b6d049e5e3c573c4cc";
    // The time in the header itself is cut to seconds.
    let file = Tar::new().entry(b'0', "x", "", 0o644, b"").unfinished();
    let mut header = tar::Header::from_byte_slice(&file).clone();
    header.set_mtime(5);
    seal(&mut header);
    let source = source.raw(header.as_bytes()).bytes();
    let layer = || Tar::new().raw(&source[..source.len() - 1024]);
    check("source", &source, 2560, digest);
    check("merged", &merged([layer()]).await, 2560, digest);
}
