//! What a header says of its entry.

use std::collections::BTreeMap;

/// A header, with what the special entries before it say taken in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Header {
    /// As it stands in the archive.
    pub(crate) name: Vec<u8>,
    /// What a link points to.
    pub(crate) link: Vec<u8>,
    pub(crate) kind: Kind,
    pub(crate) mode: u32,
    pub(crate) uid: u64,
    pub(crate) gid: u64,
    /// Bytes of content; of a sparse file with its holes.
    pub(crate) size: u64,
    pub(crate) mtime: Time,
    pub(crate) atime: Option<Time>,
    pub(crate) ctime: Option<Time>,
    pub(crate) user: Vec<u8>,
    pub(crate) group: Vec<u8>,
    pub(crate) major: u32,
    pub(crate) minor: u32,
    /// The PAX records that came with it, all of them.
    pub(crate) records: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    #[default]
    File,
    Link,
    Symlink,
    Char,
    Block,
    Directory,
    Fifo,
    /// Another type, by its letter. POSIX has such treated as regular files.
    Other(u8),
}

impl Kind {
    pub(crate) fn of(flag: u8) -> Self {
        match flag {
            b'0' | 0 => Self::File,
            b'1' => Self::Link,
            b'2' => Self::Symlink,
            b'3' => Self::Char,
            b'4' => Self::Block,
            b'5' => Self::Directory,
            b'6' => Self::Fifo,
            other => Self::Other(other),
        }
    }

    pub(crate) fn flag(self) -> u8 {
        match self {
            Self::File => b'0',
            Self::Link => b'1',
            Self::Symlink => b'2',
            Self::Char => b'3',
            Self::Block => b'4',
            Self::Directory => b'5',
            Self::Fifo => b'6',
            Self::Other(other) => other,
        }
    }

    /// Whether content follows the header, if its size is not 0.
    pub(crate) fn has_content(self) -> bool {
        matches!(self, Self::File | Self::Other(_))
    }
}

impl Header {
    /// A further name of what is at `target`, of which `self` is the header.
    pub(crate) fn to_link(&self, name: Vec<u8>, target: Vec<u8>) -> Self {
        let mut link = Self {
            name,
            link: target,
            kind: Kind::Link,
            size: 0,
            major: 0,
            minor: 0,
            ..self.clone()
        };
        // They are those of the file, which has them already.
        link.records.clear();
        link
    }
}

/// A time, in seconds since 1970 and nanoseconds after that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Time {
    pub(crate) seconds: i64,
    pub(crate) nanos: u32,
}

impl Time {
    /// A time as PAX writes it: decimal seconds, with a fraction or without.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let seconds: i64 = whole.parse().ok()?;
        if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // Digits beyond the ninth are cut off.
        let nanos: u32 = format!("{fraction:0<9.9}").parse().ok()?;
        if whole.starts_with('-') && nanos > 0 {
            return Some(Self {
                seconds: seconds.checked_sub(1)?,
                nanos: 1_000_000_000 - nanos,
            });
        }
        Some(Self { seconds, nanos })
    }

    /// The inverse of [`parse`](Self::parse).
    pub(crate) fn to_text(self) -> String {
        if self.nanos == 0 {
            return self.seconds.to_string();
        }
        let (sign, seconds, nanos) = if self.seconds < 0 {
            ("-", -(self.seconds + 1), 1_000_000_000 - self.nanos)
        } else {
            ("", self.seconds, self.nanos)
        };
        let text = format!("{sign}{seconds}.{nanos:09}");
        text.trim_end_matches('0').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Option<(i64, u32)>) {
        let time = Time::parse(text.as_bytes());
        assert_eq!(time.map(|time| (time.seconds, time.nanos)), want, "{text}");
        if let Some(time) = time {
            assert_eq!(Time::parse(time.to_text().as_bytes()), Some(time), "{text}");
        }
    }

    #[test]
    fn times() {
        check("5.5", Some((5, 500_000_000)));
        check("5", Some((5, 0)));
        check("5.", Some((5, 0)));
        check("1350244992.023960108", Some((1_350_244_992, 23_960_108)));
        check("1.1234567899", Some((1, 123_456_789)));
        check("-1.25", Some((-2, 750_000_000)));
        check("-0.5", Some((-1, 500_000_000)));
        check("-3", Some((-3, 0)));
        check("", None);
        check("x", None);
        check("1.x", None);
        check("1.-5", None);
        check("99999999999999999999", None);
    }
}
