use proptest::prelude::*;
use tar::Builder;

use super::*;

fn header(kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header
}

fn append(builder: &mut Builder<Vec<u8>>, name: &str, content: &[u8]) {
    let mut header = header(EntryType::Regular, content.len() as u64);
    builder
        .append_data(&mut header, name, content)
        .expect("in memory");
}

/// An archive of empty files with these names.
fn of(names: &[&str]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for name in names {
        append(&mut builder, name, b"");
    }
    builder.into_inner().expect("in memory")
}

fn raw(name: &[u8], kind: EntryType, size: u64) -> Vec<u8> {
    let mut header = header(kind, size);
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_cksum();
    header.as_bytes().to_vec()
}

fn padded(content: &[u8]) -> Vec<u8> {
    let mut padded = content.to_vec();
    padded.resize(content.len().div_ceil(BLOCK) * BLOCK, 0);
    padded
}

#[track_caller]
fn check(archive: &[u8], want: &[&str]) {
    let flaws = scan(&mut &archive[..], 100).expect("in memory");
    let flaws: Vec<_> = flaws.iter().map(ToString::to_string).collect();
    assert_eq!(flaws, want);
}

#[test]
fn whole_archives() {
    check(b"", &[]);
    check(&[0; 1024], &[]);
    check(&of(&["a", "b", "dir/a"]), &[]);
    let mut builder = Builder::new(Vec::new());
    let long = "abcdefghij/".repeat(30);
    for i in 0..3 {
        append(&mut builder, &format!("{long}{i}"), &[b'x'; 1000]);
    }
    check(&builder.into_inner().expect("in memory"), &[]);
}

#[test]
fn names_that_are_there_twice() {
    check(&of(&["a", "b", "a"]), &["a"]);
    check(
        &[
            raw(b"a", EntryType::Regular, 0),
            raw(b"./a", EntryType::Regular, 0),
        ]
        .concat(),
        &["./a"],
    );
    check(
        &[
            raw(b"/a", EntryType::Regular, 0),
            raw(b"a/", EntryType::Directory, 0),
        ]
        .concat(),
        &["a/"],
    );
    check(
        &[
            raw(b"b/../a", EntryType::Regular, 0),
            raw(b"a", EntryType::Regular, 0),
        ]
        .concat(),
        &["a"],
    );
    let long = "abcdefghij/".repeat(30);
    let (first, second) = (format!("{long}1"), format!("{long}2"));
    check(&of(&[&first, &second, &first]), &[&first]);
}

#[test]
fn extended_headers_count() {
    let pax = |record: &str| {
        [
            raw(b"pax", EntryType::XHeader, record.len() as u64),
            padded(record.as_bytes()),
        ]
        .concat()
    };
    let (path, size) = (pax("10 path=a\n"), pax("11 size=600\n").clone());
    let file = raw(b"other", EntryType::Regular, 0);
    let again = raw(b"a", EntryType::Regular, 0);
    check(&[&path[..], &file, &again].concat(), &["a"]);
    // 12 bytes: "12 size=600\n"; a size in the extended header counts before the one in the header.
    let size_record = pax("12 size=600\n");
    check(
        &[&size_record[..], &file, &padded(&[b'x'; 600]), &again].concat(),
        &[],
    );
    check(&[&size_record[..], &file].concat(), &["it ends within an entry"]);
    assert_eq!(size.len(), 2 * BLOCK);
}

#[test]
fn links_have_no_content() {
    let link = raw(b"link", EntryType::Link, 600);
    check(&[link, raw(b"a", EntryType::Regular, 0)].concat(), &[]);
}

#[test]
fn damage() {
    check(b"no tar", &["it ends within a header"]);
    check(&[b'x'; 600], &["header 0: not one of a tar archive"]);
    let mut archive = of(&["a"]);
    archive[0] = b'b';
    check(&archive, &["header 0: not one of a tar archive"]);
    check(&raw(b"a", EntryType::Regular, 600), &["it ends within an entry"]);
    let mut short = raw(b"a", EntryType::Regular, 600);
    short.extend([0; 600]);
    check(&short, &["it ends within an entry"]);
}

/// A long name must not take all memory.
#[test]
fn hostile_metadata() {
    for kind in [
        EntryType::GNULongName,
        EntryType::XHeader,
        EntryType::XGlobalHeader,
    ] {
        check(
            &raw(b"x", kind, 7_000_000_000),
            &["entry 0: 7000000000 bytes of metadata"],
        );
    }
}

#[test]
fn limits() {
    let names: Vec<_> = (0..101).map(|i| format!("file{i}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    check(&of(&names[..100]), &[]);
    check(&of(&names), &["more than 100 entries"]);
    let flaws = scan(&mut &of(&["a"; 300])[..], 1000).expect("in memory");
    assert_eq!(flaws.len(), DUPLICATES);
}

/// Maps of sparse files go on in blocks of their own.
#[test]
fn sparse_files() {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::GNUSparse);
    header.set_size(600);
    header.as_gnu_mut().expect("made so").isextended[0] = 1;
    header.set_cksum();
    let mut map = vec![0; BLOCK];
    map[504] = 1;
    let content = padded(&[b'x'; 600]);
    let last = raw(b"a", EntryType::Regular, 0);
    let whole = [header.as_bytes(), &map[..], &[0; BLOCK], &content, &last].concat();
    check(&whole, &[]);
    check(&whole[..BLOCK * 2], &["it ends within the map of a sparse file"]);
}

proptest! {
    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        scan(&mut &bytes[..], 10).expect("in memory");
    }

    #[test]
    fn damaged_archives_do_not_panic(at in 0..4096_usize, with: u8) {
        let mut archive = of(&["a", &"long/".repeat(40), "c"]);
        let at = at % archive.len();
        archive[at] = with;
        scan(&mut &archive[..], 10).expect("in memory");
    }

    #[test]
    fn what_tar_writes_is_whole(contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2000), 0..8)) {
        let mut builder = Builder::new(Vec::new());
        for (i, content) in contents.iter().enumerate() {
            append(&mut builder, &format!("{}{i}", "d/".repeat(i * 20)), content);
        }
        check(&builder.into_inner().expect("in memory"), &[]);
    }
}

/// Which of several names an entry has, as other readers see it.
#[test]
fn the_name_that_counts() {
    #[track_caller]
    fn named(before: &[(EntryType, &[u8])], want: &str) {
        let mut archive = raw(want.as_bytes(), EntryType::Regular, 0);
        for (kind, content) in before {
            archive.extend(raw(b"h", *kind, content.len() as u64));
            archive.extend(padded(content));
        }
        archive.extend(raw(b"header", EntryType::Regular, 0));
        check(&archive, &[want]);
    }
    let (pax, long) = (EntryType::XHeader, EntryType::GNULongName);
    named(&[], "header");
    named(&[(pax, b"9 path=p\n")], "p");
    named(&[(pax, b"9 path=p\n9 path=q\n")], "q");
    named(&[(pax, b"9 path=p\n8 path=\n")], "p");
    named(&[(pax, b"9 path=p\n"), (pax, b"9 path=q\n")], "q");
    named(&[(pax, b"9 path=p\n"), (pax, b"6 a=b\n")], "header");
    named(&[(long, b"long\0"), (pax, b"9 path=p\n")], "long");
    named(&[(pax, b"9 path=p\n"), (long, b"long\0")], "long");
    named(
        &[(pax, b"21 GNU.sparse.name=s\n9 path=p\n"), (long, b"long\0")],
        "s",
    );
}
