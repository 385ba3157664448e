//! The headers of tar entries that we write ourselves.
//!
//! They are those that Go's `archive/tar` writes, byte for byte, so that a layer or archive has the
//! same digest whichever tool made it: ustar where the values fit, else a PAX record before it.
//!
//! [Format](https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_92_13_06)

/// Bytes in a tar block. Content is padded to whole blocks, and an archive ends with two zero blocks.
pub const BLOCK: usize = 512;

const NAME: std::ops::Range<usize> = 0..100;
const CHECKSUM: std::ops::Range<usize> = 148..156;
const PREFIX: std::ops::Range<usize> = 345..500;

/// Largest size that eleven octal digits hold.
const SIZE_MAX: u64 = 0o777_7777_7777;

/// The blocks that begin an entry for a regular file: owner 0, time 0, no names of users.
///
/// The content follows, padded with [`padding`] zero bytes.
#[must_use]
pub fn regular_file(name: &str, mode: u32, size: u64) -> Vec<u8> {
    let split = split(name);
    let mut records = Vec::new();
    if split.is_none() {
        record(&mut records, b"path", name.as_bytes());
    }
    if size > SIZE_MAX {
        record(&mut records, b"size", size.to_string().as_bytes());
    }
    let mut out = extended(name, &records);
    let fitting = if size > SIZE_MAX { 0 } else { size };
    match split {
        Some((prefix, name)) => out.extend(ustar(prefix, name, b'0', mode, fitting)),
        None => out.extend(ustar("", &truncated(name), b'0', mode, fitting)),
    }
    out
}

/// The blocks of a PAX header with these records, for the entry of this name. Nothing without records.
pub(crate) fn extended(name: &str, records: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    if !records.is_empty() {
        let (directory, base) = name.rsplit_once('/').unwrap_or(("", name));
        let separator = if directory.is_empty() { "" } else { "/" };
        let pax_name = format!("{directory}{separator}PaxHeaders.0/{base}");
        let pax_name = truncated(&pax_name);
        out.extend(ustar(
            "",
            pax_name.trim_end_matches('/'),
            b'x',
            0,
            records.len() as u64,
        ));
        out.extend(records);
        out.resize(out.len() + padding(records.len() as u64), 0);
    }
    out
}

/// How many zero bytes follow content of `size` bytes.
#[must_use]
pub fn padding(size: u64) -> usize {
    // Less than a block.
    (size.wrapping_neg() % BLOCK as u64) as usize
}

/// Prefix and name for the two fields of a ustar header; `None` when the name does not fit them.
fn split(name: &str) -> Option<(&str, &str)> {
    if !name.is_ascii() || name.contains('\0') {
        return None;
    }
    if name.len() <= NAME.len() {
        return Some(("", name));
    }
    let head = &name[..name.len().min(PREFIX.len() + 1)];
    let head = if head.len() == name.len() {
        head.strip_suffix('/').unwrap_or(head)
    } else {
        head
    };
    let (prefix, _) = head.rsplit_once('/')?;
    let rest = &name[prefix.len() + 1..];
    (!prefix.is_empty() && !rest.is_empty() && rest.len() <= NAME.len()).then_some((prefix, rest))
}

/// What of a name goes into the header when a record has it whole.
pub(crate) fn truncated(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii)
        .filter(|c| *c != '\0')
        .take(NAME.len())
        .collect()
}

/// `"LENGTH KEY=VALUE\n"`, where the length counts itself.
pub(crate) fn record(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while length != rest + digits(length) {
        length = rest + digits(length);
    }
    out.extend(length.to_string().as_bytes());
    for part in [&b" "[..], key, b"=", value, b"\n"] {
        out.extend(part);
    }
}

fn digits(n: usize) -> usize {
    n.checked_ilog10().map_or(1, |log| log as usize + 1)
}

pub(crate) fn ustar(prefix: &str, name: &str, kind: u8, mode: u32, size: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    put(&mut block, 0, name.as_bytes());
    put(&mut block, 100, format!("{mode:07o}").as_bytes());
    put(&mut block, 108, b"0000000");
    put(&mut block, 116, b"0000000");
    put(&mut block, 124, format!("{size:011o}").as_bytes());
    put(&mut block, 136, b"00000000000");
    block[156] = kind;
    put(&mut block, 257, b"ustar\x0000");
    if kind != b'x' {
        // Go leaves the numbers of devices out of these headers.
        put(&mut block, 329, b"0000000");
        put(&mut block, 337, b"0000000");
    }
    put(&mut block, PREFIX.start, prefix.as_bytes());
    seal(&mut block);
    block
}

/// Sets the checksum.
pub(crate) fn seal(block: &mut [u8; BLOCK]) {
    let sum = checksum(block);
    put(block, CHECKSUM.start, format!("{sum:06o}\0 ").as_bytes());
}

/// The sum of a header's bytes, with spaces in the place of the checksum.
pub(crate) fn checksum(block: &[u8; BLOCK]) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    sum(&block[..CHECKSUM.start]) + sum(&b" ".repeat(CHECKSUM.len())) + sum(&block[CHECKSUM.end..])
}

fn put(block: &mut [u8; BLOCK], at: usize, value: &[u8]) {
    block[at..at + value.len()].copy_from_slice(value);
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn read_back(name: &str, content: &[u8]) -> (Vec<u8>, u64, Vec<u8>) {
        let mut tar = regular_file(name, 0o644, content.len() as u64);
        tar.extend(content);
        tar.resize(tar.len() + padding(content.len() as u64) + 2 * BLOCK, 0);
        let mut archive = tar::Archive::new(&tar[..]);
        let mut entry = archive
            .entries()
            .expect("fresh")
            .next()
            .expect("an entry")
            .expect("valid");
        let mut read = Vec::new();
        entry.read_to_end(&mut read).expect("readable");
        (entry.path_bytes().into_owned(), entry.size(), read)
    }

    #[test]
    fn long_names_use_the_prefix_and_longer_ones_a_record() {
        let fits = format!("{}/{}", "d".repeat(155), "f".repeat(100));
        assert_eq!(regular_file(&fits, 0o644, 0).len(), BLOCK);
        let too_long = format!("{}/{}", "d".repeat(156), "f".repeat(100));
        assert_eq!(regular_file(&too_long, 0o644, 0).len(), 3 * BLOCK);
        let no_slash = "f".repeat(101);
        assert_eq!(regular_file(&no_slash, 0o644, 0).len(), 3 * BLOCK);
        assert_eq!(regular_file("ü", 0o644, 0).len(), 3 * BLOCK);
        for name in [&fits, &too_long, &no_slash, "ü"] {
            assert_eq!(
                read_back(name, b"abc"),
                (name.as_bytes().to_vec(), 3, b"abc".to_vec())
            );
        }
    }

    #[test]
    fn sizes_beyond_octal_use_a_record() {
        assert_eq!(regular_file("f", 0o644, SIZE_MAX).len(), BLOCK);
        let huge = regular_file("f", 0o644, SIZE_MAX + 1);
        assert_eq!(huge.len(), 3 * BLOCK);
        assert!(huge[BLOCK..].starts_with(b"19 size=8589934592\n"));
        let mut archive = tar::Archive::new(&huge[..]);
        let entry = archive
            .entries()
            .expect("fresh")
            .next()
            .expect("an entry")
            .expect("valid");
        assert_eq!(entry.size(), SIZE_MAX + 1);
    }

    #[test]
    fn padding_fills_the_block() {
        for (size, want) in [(0, 0), (1, 511), (511, 1), (512, 0), (513, 511)] {
            assert_eq!(padding(size), want, "{size}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_back(
            name in "[a-zé/]{1,20}(/[a-z]{0,90}){0,4}",
            content in prop::collection::vec(any::<u8>(), 0..1200),
        ) {
            let (read_name, size, read) = read_back(&name, &content);
            prop_assert_eq!(read_name, name.as_bytes());
            prop_assert_eq!(size, content.len() as u64);
            prop_assert_eq!(read, content);
        }
    }
}
