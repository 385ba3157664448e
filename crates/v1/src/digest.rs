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
            other => return Err(Error::UnsupportedAlgorithm { algorithm: other.to_string() }),
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
