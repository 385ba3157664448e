//! The id of an upload.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rand::Rng as _;

/// The id of an upload: a random version 4 UUID, which cannot be guessed and can be a file name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(Arc<str>);

/// A text that is not the id of an upload.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
#[error("not an upload id")]
pub struct InvalidUploadId;

impl UploadId {
    /// A new id.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = [0; 16];
        rand::rng().fill_bytes(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = |range: std::ops::Range<usize>| -> String {
            bytes[range].iter().map(|byte| format!("{byte:02x}")).collect()
        };
        let text = [hex(0..4), hex(4..6), hex(6..8), hex(8..10), hex(10..16)].join("-");
        Self(text.into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UploadId {
    type Err = InvalidUploadId;

    fn from_str(text: &str) -> Result<Self, InvalidUploadId> {
        let dashes = [8, 13, 18, 23];
        let well_formed = text.len() == 36
            && text.bytes().enumerate().all(|(at, byte)| match byte {
                b'-' => dashes.contains(&at),
                b'0'..=b'9' | b'a'..=b'f' => !dashes.contains(&at),
                _ => false,
            });
        if well_formed {
            Ok(Self(text.into()))
        } else {
            Err(InvalidUploadId)
        }
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_distinct_and_parse() {
        let (a, b) = (UploadId::random(), UploadId::random());
        assert_ne!(a, b);
        assert_eq!(a.as_str().parse::<UploadId>().expect("an id parses"), a);
        assert_eq!(&a.as_str()[14..15], "4");
    }

    #[test]
    fn other_texts_do_not_parse() {
        let id = UploadId::random().to_string();
        for bad in [
            "",
            "1",
            "..",
            &id[1..],
            &id.replace('-', "0"),
            &id.to_uppercase().replace(|c: char| c.is_ascii_digit(), "A"),
            &format!("{id}0"),
        ] {
            assert!(bad.parse::<UploadId>().is_err(), "{bad:?}");
        }
    }
}
