//! Extended headers of PAX.
//!
//! [Format](https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_92_13_03)

use std::collections::BTreeMap;

use wharf_v1::tar_format::pax_record;

use super::header::{Header, Time};
use super::reader::Damage;

/// What all records with keys that begin so say is about the form of a sparse file.
pub(crate) const SPARSE: &[u8] = b"GNU.sparse.";
/// The map of a sparse file, of the forms 0.0 (several records, joined here) and 0.1.
pub(crate) const SPARSE_MAP: &[u8] = b"GNU.sparse.map";

const SPARSE_OFFSET: &[u8] = b"GNU.sparse.offset";
const SPARSE_BYTES: &[u8] = b"GNU.sparse.numbytes";

/// Records by their keys. Values may be any bytes, line ends too: the length of each record counts.
pub(crate) fn parse(mut data: &[u8]) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Damage> {
    let mut records = BTreeMap::new();
    let mut map: Vec<u8> = Vec::new();
    // Some writers fill up with zeros.
    while data.first().is_some_and(|byte| *byte != 0) {
        let (key, value, rest) = pax_record(data).ok_or(Damage::Records)?;
        data = rest;
        if key == SPARSE_OFFSET || key == SPARSE_BYTES {
            if !map.is_empty() {
                map.push(b',');
            }
            map.extend(value);
            continue;
        }
        records.insert(key.to_vec(), value.to_vec());
    }
    if !map.is_empty() {
        records.insert(SPARSE_MAP.to_vec(), map);
    }
    Ok(records)
}

/// Lays the records over what the header itself says. An empty value takes away what was said.
pub(crate) fn apply(header: &mut Header) -> Result<(), Damage> {
    for (key, value) in &header.records {
        let number = || -> Result<u64, Damage> {
            let text = std::str::from_utf8(value).map_err(|_| Damage::Records)?;
            text.parse().map_err(|_| Damage::Records)
        };
        let time = || Time::parse(value).ok_or(Damage::Records);
        if value.is_empty() {
            continue;
        }
        match &key[..] {
            b"path" => header.name.clone_from(value),
            b"linkpath" => header.link.clone_from(value),
            b"uname" => header.user.clone_from(value),
            b"gname" => header.group.clone_from(value),
            b"uid" => header.uid = number()?,
            b"gid" => header.gid = number()?,
            b"size" => header.size = number()?,
            b"mtime" => header.mtime = time()?,
            b"atime" => header.atime = Some(time()?),
            b"ctime" => header.ctime = Some(time()?),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(data: &[u8], want: Option<&[(&str, &str)]>) {
        let want = want.map(|records| {
            let owned = |(key, value): &(&str, &str)| (key.as_bytes().to_vec(), value.as_bytes().to_vec());
            records.iter().map(owned).collect::<BTreeMap<_, _>>()
        });
        assert_eq!(parse(data).ok(), want, "{}", data.escape_ascii());
    }

    #[test]
    fn records() {
        check(b"", Some(&[]));
        check(b"\0\0\0", Some(&[]));
        check(b"9 path=a\n", Some(&[("path", "a")]));
        check(b"9 path=a\n9 path=b\n", Some(&[("path", "b")]));
        check(b"11 a.b=x\ny\n8 k=v=w\n", Some(&[("a.b", "x\ny"), ("k", "v=w")]));
        check(b"4 =\n", None);
        check(b"9 path=a", None);
        check(b"8 path=a\n", None);
        check(b"99 path=a\n", None);
        check(b"x path=a\n", None);
        check(b"0 \n", None);
        check(b"18446744073709551615 a=b\n", None);
        check(b"6 abc\n", None);
        check(
            b"23 GNU.sparse.offset=1\n25 GNU.sparse.numbytes=2\n",
            Some(&[("GNU.sparse.map", "1,2")]),
        );
    }
}
