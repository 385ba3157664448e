//! The records of a PAX header.

use wharf_v1::tar_format::pax_record;

use crate::Error;
use crate::header::record;

use super::not_tar;

/// [Records](https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_92_13_03) in
/// their order. Values are any bytes, line feeds among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Records(Vec<(Vec<u8>, Vec<u8>)>);

impl Records {
    pub(super) fn parse(mut text: &[u8]) -> Result<Self, Error> {
        let mut records = Vec::new();
        while !text.is_empty() {
            let (key, value, rest) = pax_record(text).ok_or_else(|| not_tar("malformed PAX record"))?;
            records.push((key.to_vec(), value.to_vec()));
            text = rest;
        }
        Ok(Self(records))
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (key, value) in &self.0 {
            record(&mut out, key, value);
        }
        out
    }

    /// The value that counts: the last one of the key.
    pub(super) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let mut found = self.0.iter().rev().filter(|(name, _)| name == key);
        found.next().map(|(_, value)| &value[..])
    }

    /// Sets a value. A key that is new goes to its place in the alphabet.
    pub(super) fn set(&mut self, key: &[u8], value: &[u8]) {
        let at = match self.0.iter().position(|(name, _)| name == key) {
            Some(at) => at,
            None => self.0.partition_point(|(name, _)| &name[..] < key),
        };
        self.remove(key);
        self.0.insert(at, (key.to_vec(), value.to_vec()));
    }

    pub(super) fn remove(&mut self, key: &[u8]) {
        self.0.retain(|(name, _)| name != key);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn malformed_records_are_refused() {
        for text in [
            "x",
            "5",
            "5 a=b",
            "6 a=b",
            "5 ab\n",
            "-1 a=b\n",
            "0 a=b\n",
            "99999999999999999999 a=b\n",
            "2 \n",
        ] {
            assert!(Records::parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn keys_go_to_their_place_and_the_last_value_counts() {
        let mut records = Records::parse(b"6 b=1\n6 d=2\n6 b=3\n").expect("valid");
        assert_eq!(records.get(b"b"), Some(&b"3"[..]));
        records.set(b"c", b"4");
        records.set(b"b", b"5");
        assert_eq!(records.to_bytes(), b"6 b=5\n6 c=4\n6 d=2\n");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            records in prop::collection::vec(("[a-zA-Z.]{1,9}", prop::collection::vec(any::<u8>(), 0..120)), 0..5),
        ) {
            let records = Records(records.into_iter().map(|(key, value)| (key.into_bytes(), value)).collect());
            prop_assert_eq!(Records::parse(&records.to_bytes()).expect("valid"), records);
        }

        #[test]
        fn nothing_panics(text in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = Records::parse(&text);
        }
    }
}
