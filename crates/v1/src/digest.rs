//! Computing digests. The type itself is the ecosystem's own, [`oci_spec::image::Digest`].

use std::fmt;

use oci_spec::image::{Digest, DigestAlgorithm};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::Error;

/// The sha256 digest of `bytes`.
///
/// ```
/// let digest = wharf_v1::sha256(b"asdf");
/// assert_eq!(
///     digest.to_string(),
///     "sha256:f0e4c2f76c58916ec258f246851bea091d14d4247a2fc3e18694461b1816e13b"
/// );
/// ```
#[must_use]
pub fn sha256(bytes: impl AsRef<[u8]>) -> Digest {
    let mut hasher = Hasher::sha256();
    hasher.update(bytes.as_ref());
    hasher.finish()
}

/// Parses a digest that someone wrote down: `sha256:`, `sha384:` or `sha512:` and lower-case hex of the
/// algorithm's length.
///
/// Stricter than [`Digest`]'s own parsing, which also takes digests of algorithms that nobody here can
/// compute. Those pass through documents untouched, but make no sense in a reference.
///
/// ```
/// let text = "sha256:f0e4c2f76c58916ec258f246851bea091d14d4247a2fc3e18694461b1816e13b";
/// assert_eq!(wharf_v1::parse_digest(text)?, wharf_v1::sha256("asdf"));
/// # Ok::<(), wharf_v1::Error>(())
/// ```
///
/// # Errors
/// [`Error::InvalidDigest`] when the text is no digest by the
/// [grammar](https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests) or of another
/// length than its algorithm's, [`Error::UnsupportedAlgorithm`] when it is one of another algorithm.
pub fn parse_digest(text: &str) -> Result<Digest, Error> {
    let digest = Digest::try_from(text).map_err(|error| Error::InvalidDigest {
        input: text.to_owned(),
        source: error.into(),
    })?;
    match digest.algorithm() {
        DigestAlgorithm::Sha256 | DigestAlgorithm::Sha384 | DigestAlgorithm::Sha512 => Ok(digest),
        other => Err(Error::UnsupportedAlgorithm {
            algorithm: other.to_string(),
        }),
    }
}

/// A running hash: bytes in, [`Digest`] out.
///
/// Cloning it keeps the state, so that an interrupted read can go on where it stopped.
#[derive(Clone)]
pub struct Hasher(State);

#[derive(Clone)]
enum State {
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Hasher {
    /// A hasher for `algorithm`.
    ///
    /// # Errors
    /// [`Error::UnsupportedAlgorithm`] for anything but sha256, sha384 and sha512.
    pub fn new(algorithm: &DigestAlgorithm) -> Result<Self, Error> {
        Ok(Self(match algorithm {
            DigestAlgorithm::Sha256 => State::Sha256(Sha256::new()),
            DigestAlgorithm::Sha384 => State::Sha384(Sha384::new()),
            DigestAlgorithm::Sha512 => State::Sha512(Sha512::new()),
            other => {
                return Err(Error::UnsupportedAlgorithm {
                    algorithm: other.to_string(),
                });
            }
        }))
    }

    /// A hasher for sha256, the algorithm of all that wharf itself makes.
    #[must_use]
    pub fn sha256() -> Self {
        Self(State::Sha256(Sha256::new()))
    }

    /// Takes in more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(h) => h.update(bytes),
            State::Sha384(h) => h.update(bytes),
            State::Sha512(h) => h.update(bytes),
        }
    }

    /// The digest of all bytes taken in.
    #[must_use]
    pub fn finish(self) -> Digest {
        match self.0 {
            State::Sha256(h) => to_digest("sha256", &h.finalize()),
            State::Sha384(h) => to_digest("sha384", &h.finalize()),
            State::Sha512(h) => to_digest("sha512", &h.finalize()),
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithm = match self.0 {
            State::Sha256(_) => "sha256",
            State::Sha384(_) => "sha384",
            State::Sha512(_) => "sha512",
        };
        f.debug_tuple("Hasher").field(&algorithm).finish()
    }
}

fn to_digest(algorithm: &str, hash: &[u8]) -> Digest {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(algorithm.len() + 1 + hash.len() * 2);
    text.push_str(algorithm);
    text.push(':');
    for byte in hash {
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
    Digest::try_from(text).expect("lower-case hex of the algorithm's own length")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn good(text: &str) {
        assert_eq!(parse_digest(text).expect(text).to_string(), text);
    }

    #[track_caller]
    fn bad(text: &str) {
        match parse_digest(text) {
            Err(Error::InvalidDigest { input, .. }) => assert_eq!(input, text),
            other => panic!("{text:?}: {other:?}"),
        }
    }

    #[test]
    fn good_digests() {
        good(&format!("sha256:{}", "deadbeef".repeat(8)));
        good(&format!("sha256:{}", "0123456789abcdef".repeat(4)));
        good(&format!("sha384:{}", "0123456789abcdef".repeat(6)));
        good(&format!("sha512:{}", "0123456789abcdef".repeat(8)));
    }

    #[test]
    fn bad_digests() {
        let hex = "0123456789abcdef".repeat(4);
        bad("");
        bad(":");
        bad("sha256:");
        bad("sha256:deadbeef");
        bad(&format!("sha256:o{}", &hex[1..]));
        bad(&format!("sha256:{}", hex.to_uppercase()));
        bad("sha256:abc:def");
        bad(&format!("{hex}:"));
        bad(&format!("sha256:0:{hex}"));
        bad(&format!("sha256::{hex}"));
        bad(&hex);
        bad(&format!("md5:sha256:{hex}"));
        bad(&format!("sha512:{hex}"));
        bad(&format!("sha256:{hex} "));
    }

    #[test]
    fn other_algorithms_are_named() {
        let error = parse_digest(&format!("md5:{}", "0123456789abcdef".repeat(4))).expect_err("md5");
        assert_eq!(error.to_string(), "unsupported digest algorithm md5");
    }

    #[track_caller]
    fn hashes_to(algorithm: &str, want: &str) {
        let mut hasher = Hasher::new(&DigestAlgorithm::from(algorithm)).expect("supported");
        hasher.update(b"ab");
        let mut resumed = hasher.clone();
        hasher.update(b"lost");
        resumed.update(b"c");
        assert_eq!(resumed.finish().to_string(), format!("{algorithm}:{want}"));
    }

    /// The examples of FIPS 180-4 for the message "abc".
    #[test]
    fn known_answers() {
        hashes_to(
            "sha256",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        );
        hashes_to(
            "sha384",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
             8086072ba1e7cc2358baeca134c825a7",
        );
        hashes_to(
            "sha512",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        );
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in ".{0,80}") {
            if let Ok(digest) = parse_digest(&text) {
                prop_assert_eq!(digest.to_string(), text);
            }
        }

        #[test]
        fn parse_undoes_display(bytes: Vec<u8>) {
            let digest = sha256(&bytes);
            prop_assert_eq!(parse_digest(digest.as_ref()).expect("our own"), digest);
        }
    }
}
