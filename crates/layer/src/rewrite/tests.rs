use proptest::prelude::*;

use super::*;
use crate::header::{extended, record, regular_file, seal, ustar};

const TIME: u64 = 1_000_000_000;

fn rewrite<'a>(edits: Edits, pieces: impl Iterator<Item = &'a [u8]>) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    let mut rewriter = Rewriter::new(edits);
    for piece in pieces {
        rewriter.push(piece, &mut out)?;
    }
    rewriter.finish(&mut out)?;
    Ok(out)
}

fn timed(tar: &[u8]) -> Result<Vec<u8>, Error> {
    let edits = Edits {
        mtime: Some(TIME),
        windows: false,
    };
    rewrite(edits, std::iter::once(tar))
}

fn for_windows(tar: &[u8]) -> Result<Vec<u8>, Error> {
    let edits = Edits {
        mtime: None,
        windows: true,
    };
    rewrite(edits, std::iter::once(tar))
}

fn padded(mut content: Vec<u8>) -> Vec<u8> {
    let padding = padding(content.len() as u64);
    content.resize(content.len() + padding, 0);
    content
}

fn file(name: &str, content: &[u8]) -> Vec<u8> {
    let mut tar = regular_file(name, 0o644, content.len() as u64);
    tar.extend(padded(content.to_vec()));
    tar
}

/// A sparse file in GNU's old format, whose map needs two more blocks.
fn old_sparse() -> Vec<u8> {
    let mut head = ustar("", "sparse", b'S', 0o644, 512);
    head[257..265].copy_from_slice(b"ustar  \0");
    head[345..357].copy_from_slice(b"00000000007\0");
    // One piece of 512 bytes at 0, then empty ones.
    head[386..398].copy_from_slice(b"00000000000\0");
    head[398..410].copy_from_slice(b"00000001000\0");
    head[482] = 1;
    head[483..495].copy_from_slice(b"00000001000\0");
    seal(&mut head);
    let mut tar = head.to_vec();
    let mut map = [0; BLOCK];
    map[504] = 1;
    tar.extend(map);
    tar.extend([0; BLOCK]);
    tar.extend([b'c'; 512]);
    tar
}

fn end() -> [u8; 2 * BLOCK] {
    [0; 2 * BLOCK]
}

#[test]
fn sparse_files_of_the_old_format_stay_whole() {
    let mut tar = old_sparse();
    tar.extend(file("after", b"1"));
    tar.extend(end());
    let new = timed(&tar).expect("valid");
    assert_eq!(new.len(), tar.len());
    assert_eq!(new[BLOCK..4 * BLOCK], tar[BLOCK..4 * BLOCK]);
    assert_eq!(&new[136..148], b"07346545000\0");
    assert_eq!(
        &new[345..357],
        b"07346545000\0",
        "the time of access, which it had"
    );
    assert_eq!(&new[357..369], [0; 12], "the time of change, which it had not");
    let mut archive = tar::Archive::new(&new[..]);
    let mut seen = Vec::new();
    for entry in archive.entries().expect("fresh") {
        let entry = entry.expect("valid");
        seen.push((
            entry.path_bytes().into_owned(),
            entry.header().mtime().expect("mtime"),
        ));
    }
    assert_eq!(seen, [(b"sparse".to_vec(), TIME), (b"after".to_vec(), TIME)]);
}

#[test]
fn times_in_records_follow_and_other_records_stay() {
    let mut records = Vec::new();
    for (key, value) in [
        ("LIBARCHIVE.creationtime", "3.5"),
        ("SCHILY.xattr.user.k", "v\nw"),
        ("atime", "1.5"),
        ("mtime", "5.5"),
    ] {
        record(&mut records, key.as_bytes(), value.as_bytes());
    }
    let mut tar = extended("x", &records);
    tar.extend(file("x", b"body"));
    let mut only_time = Vec::new();
    record(&mut only_time, b"mtime", b"7.25");
    tar.extend(extended("y", &only_time));
    tar.extend(file("y", b""));
    tar.extend(end());
    let new = timed(&tar).expect("valid");
    let text = String::from_utf8_lossy(&new);
    assert!(text.contains(" LIBARCHIVE.creationtime=1000000000\n"));
    assert!(text.contains(" SCHILY.xattr.user.k=v\nw\n"));
    assert!(text.contains(" atime=1000000000\n"));
    assert!(!text.contains("mtime"));
    // The second extension had nothing else to say.
    assert_eq!(new.len(), tar.len() - 2 * BLOCK);
}

#[test]
fn what_follows_the_end_goes_and_a_missing_end_comes() {
    let whole = [&file("a", b"1")[..], &end()].concat();
    let want = timed(&whole).expect("valid");
    assert_eq!(want.len(), whole.len());
    assert_eq!(
        timed(&[&whole[..], &[0; 10240], b"more"].concat()).expect("valid"),
        want
    );
    assert_eq!(timed(&file("a", b"1")).expect("valid"), want);
    assert_eq!(
        timed(&[&file("a", b"1")[..], &[0; BLOCK]].concat()).expect("valid"),
        want
    );
    assert_eq!(timed(b"").expect("valid"), end());
}

#[test]
fn entries_without_content_have_no_size() {
    let mut link = ustar("", "link", b'2', 0o777, 5000);
    link[157..161].copy_from_slice(b"else");
    seal(&mut link);
    let tar = [&link[..], &file("after", b"1"), &end()].concat();
    let new = timed(&tar).expect("valid");
    assert_eq!(&new[124..136], b"00000000000\0");
    assert_eq!(&new[BLOCK..BLOCK + 5], b"after");
}

#[track_caller]
fn check_refused(tar: &[u8]) {
    assert!(matches!(timed(tar), Err(Error::NotTar { .. })));
}

#[test]
fn malformed_archives_are_refused() {
    let whole = file("a", &[b'c'; 600]);
    for length in [1, 511, 513, 1024, whole.len() - 1] {
        check_refused(&whole[..length]);
    }
    let mut damaged = whole.clone();
    damaged[3] ^= 1;
    check_refused(&damaged);
    let mut records = Vec::new();
    record(&mut records, b"path", b"b");
    let pax = extended("a", &records);
    check_refused(&pax);
    check_refused(&[&pax[..], &end()].concat());
    check_refused(&[&pax.repeat(9)[..], &whole].concat());
    check_refused(&[&extended("a", b"7 ab\n")[..], &whole].concat());
    check_refused(&[&extended("a", b"9 size=x\n")[..], &whole].concat());
    check_refused(&[&extended("a", b"28 size=9223372036854775808\n")[..], &whole].concat());
    check_refused(&[&whole[..], &[0; BLOCK], &whole].concat());
    let mut huge = ustar("", "a", b'x', 0, (1 << 20) + 1);
    seal(&mut huge);
    check_refused(&huge);
}

fn names(tar: &[u8]) -> Vec<(String, Option<String>)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().expect("fresh");
    let name = |entry: tar::Entry<'_, _>| {
        let target = entry.link_name_bytes().map(|target| text(&target));
        (text(&entry.path_bytes()), target)
    };
    entries.map(|entry| name(entry.expect("valid"))).collect()
}

fn link(kind: tar::EntryType, name: &str, target: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(0);
    tar.append_link(&mut header, name, target).expect("in memory");
    let mut tar = tar.into_inner().expect("in memory");
    tar.truncate(tar.len() - 2 * BLOCK);
    tar
}

#[test]
fn windows_names_move_and_hard_links_with_them() {
    let long = "deep/".repeat(30);
    let tar = [
        file("./a", b"1"),
        file("/b/../c", b"2"),
        link(
            tar::EntryType::Link,
            &format!("{long}hard"),
            &format!("{long}target"),
        ),
        link(tar::EntryType::Link, "hard", "./a"),
        link(tar::EntryType::Symlink, "soft", "../a"),
        ustar("", "./", b'5', 0o755, 0).to_vec(),
        ustar("", "old/", 0, 0o755, 0).to_vec(),
        file("ä", b"3"),
        old_sparse(),
        end().to_vec(),
    ];
    let new = for_windows(&tar.concat()).expect("valid");
    let plain = |name: &str| (name.to_owned(), None);
    let linked = |name: &str, target: &str| (name.to_owned(), Some(target.to_owned()));
    assert_eq!(
        names(&new),
        [
            plain("Files"),
            plain("Hives"),
            plain("Files/a"),
            plain("Files/c"),
            linked(&format!("Files/{long}hard"), &format!("Files/{long}target")),
            linked("Files/hard", "Files/a"),
            linked("Files/soft", "../a"),
            plain("Files"),
            plain("Files/old"),
            plain("Files/ä"),
            plain("Files/sparse"),
        ]
    );
    let descriptors = String::from_utf8_lossy(&new)
        .matches("MSWINDOWS.rawsd=AQAAgBQA")
        .count();
    assert_eq!(descriptors, 9);
}

#[test]
fn windows_layers_are_not_converted_twice_and_nothing_leads_out() {
    let once = for_windows(&[&file("a", b"1")[..], &end()].concat()).expect("valid");
    for tar in [&once[..], &file("Files/a", b""), &file("./Files/a", b"")] {
        assert!(matches!(for_windows(tar), Err(Error::ForWindows { .. })));
    }
    for name in ["../a", "a/../../b", "a/..\\..\\..\\b", ".."] {
        let error = for_windows(&file(name, b"")).expect_err("leads out");
        assert!(
            matches!(&error, Error::Escapes { path } if path == name),
            "{error:?}"
        );
    }
    let hard = link(tar::EntryType::Link, "a", "../../b");
    assert!(matches!(for_windows(&hard), Err(Error::Escapes { .. })));
}

proptest! {
    #[test]
    fn pieces_make_no_difference(sizes in prop::collection::vec(0..3000usize, 0..4), piece in 1..1500usize) {
        let mut tar = old_sparse();
        for size in sizes {
            tar.extend(file(&"n".repeat(size % 200 + 1), &vec![b'c'; size]));
        }
        tar.extend(end());
        for windows in [false, true] {
            let edits = Edits { mtime: Some(TIME), windows };
            let whole = rewrite(edits, std::iter::once(&tar[..])).expect("valid");
            prop_assert!(rewrite(edits, tar.chunks(piece)).expect("valid") == whole);
            // Once all has its time, nothing is left to do.
            prop_assert!(timed(&whole).expect("valid") == whole);
        }
    }

    #[test]
    fn damage_never_panics(at in 0..4000usize, with in any::<[u8; 4]>(), reseal in any::<bool>()) {
        let mut records = Vec::new();
        record(&mut records, b"size", b"600");
        let mut tar = [old_sparse(), extended("x", &records), file("x", &[1; 600]), end().to_vec()].concat();
        let at = at.min(tar.len() - 4);
        tar[at..at + 4].copy_from_slice(&with);
        if reseal && let Some(block) = tar[at / BLOCK * BLOCK..].first_chunk_mut() {
            seal(block);
        }
        for windows in [false, true] {
            let edits = Edits { mtime: Some(TIME), windows };
            let _ = rewrite(edits, tar.chunks(700));
        }
    }
}
