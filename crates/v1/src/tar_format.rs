//! What all who read tar archives have to agree on.
//!
//! Where readers differ, an archive can show one thing to whoever checks it and another to whoever unpacks it.

/// Whether content follows the header of an entry of this type, so that its size counts. Nothing follows links,
/// devices, directories and pipes, whatever their size says; of types that nobody knows it does. Go's
/// `archive/tar` has it so.
#[must_use]
pub fn has_content(type_flag: u8) -> bool {
    !matches!(type_flag, b'1'..=b'6')
}

/// The first of the [records](https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_92_13_03)
/// of an extended header, its key and its value, and what follows it; `None` when it is malformed. Values are any
/// bytes, line feeds among them: the length of each record counts.
///
/// ```
/// use wharf_v1::tar_format::pax_record;
///
/// let records = b"9 path=a\n11 size=42\n";
/// assert_eq!(pax_record(records), Some((&b"path"[..], &b"a"[..], &b"11 size=42\n"[..])));
/// assert_eq!(pax_record(b"8 path=a\n"), None);
/// ```
#[must_use]
pub fn pax_record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = records.iter().take(20).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&records[..blank]).ok()?.parse().ok()?;
    let (record, rest) = records.split_at_checked(length)?;
    let record = record.get(blank + 1..)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    let (key, value) = (&record[..equals], &record[equals + 1..]);
    (!key.is_empty()).then_some((key, value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_with_content() {
        for (flag, want) in [
            (b'0', true),
            (0, true),
            (b'1', false),
            (b'2', false),
            (b'3', false),
            (b'4', false),
            (b'5', false),
            (b'6', false),
            (b'7', true),
            (b'S', true),
            (b'x', true),
            (b'Z', true),
        ] {
            assert_eq!(has_content(flag), want, "{}", flag.escape_ascii());
        }
    }

    #[test]
    fn records() {
        #[track_caller]
        fn check(records: &[u8], want: Option<(&str, &str, &str)>) {
            let want = want.map(|(key, value, rest)| (key.as_bytes(), value.as_bytes(), rest.as_bytes()));
            assert_eq!(pax_record(records), want, "{}", records.escape_ascii());
        }
        check(b"9 path=a\nrest", Some(("path", "a", "rest")));
        check(b"11 a.b=x\ny\n", Some(("a.b", "x\ny", "")));
        check(b"8 k=v=w\n", Some(("k", "v=w", "")));
        check(b"5 k=\n", Some(("k", "", "")));
        for malformed in [
            "",
            "x",
            "5",
            "5 a=b",
            "6 a=b",
            "5 ab\n",
            "-1 a=b\n",
            "0 a=b\n",
            "99999999999999999999 a=b\n",
            "18446744073709551615 a=b\n",
            "2 \n",
            "4 =\n",
            "9 path=a",
            "99 path=a\n",
            "x path=a\n",
            "6 abc\n",
        ] {
            check(malformed.as_bytes(), None);
        }
    }
}
