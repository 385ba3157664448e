//! Whether a layout has what it lists, and its blobs are what their names say.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oci_spec::image::Digest;
use wharf_v1::IndexManifest;

use crate::blobs::Blobs;
use crate::digest::digest_of;
use crate::file::blocking;
use crate::reach::reach;
use crate::{Error, Layout, index_file};

/// What is wrong with a blob.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// Something needs it, and it is not there.
    #[error("missing")]
    Missing,
    /// It has another number of bytes than a descriptor says.
    #[error("{got} bytes, want {want}")]
    Size {
        /// Bytes that are there.
        got: u64,
        /// Bytes that the descriptor promises.
        want: u64,
    },
    /// Its bytes hash to another digest.
    #[error("has digest {got}")]
    Digest {
        /// The digest of the bytes that are there.
        got: Digest,
    },
    /// It is a manifest or index that cannot be read as one.
    #[error("cannot be read")]
    Document {
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// It cannot be checked, because nobody here computes digests of its algorithm.
    #[error("cannot be checked")]
    Unknown,
}

/// What [`Layout::verify`] found.
#[non_exhaustive]
#[derive(Debug, Default)]
pub struct Verified {
    /// How many blobs were read.
    pub blobs: usize,
    /// How many bytes they have.
    pub bytes: u64,
    /// What is wrong, in the order of the digests.
    pub damaged: Vec<(Digest, Damage)>,
}

impl Verified {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.damaged.is_empty()
    }
}

impl Layout {
    /// Reads every blob of the layout and checks it against its name, and everything that is listed
    /// against what is there. Children that an index lists without having them count as missing;
    /// layers that live elsewhere do not.
    ///
    /// To repair what is damaged append the image again, with
    /// [`PresentCheck::Digest`](crate::PresentCheck::Digest) where the sizes are right.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Content`] when `index.json` is damaged, [`Error::Io`] when files
    /// cannot be read. All else is in the result.
    pub async fn verify(&self) -> Result<Verified, Error> {
        let root = self.path().to_owned();
        let index = blocking(move || index_file::read(&root)).await?;
        verify(&self.blobs(), index).await
    }
}

pub(crate) async fn verify(blobs: &Blobs, index: IndexManifest) -> Result<Verified, Error> {
    let (reach, listing) = {
        let blobs = blobs.clone();
        blocking(move || Ok((reach(&blobs, &index)?, blobs.list_now()?))).await?
    };
    let mut damaged: HashMap<Digest, Damage> = HashMap::new();
    for (digest, sizes) in &reach.needed {
        match listing.blobs.get(digest) {
            None if reach.foreign.contains(digest) => {}
            None => {
                damaged.insert(digest.clone(), Damage::Missing);
            }
            Some(got) => {
                if let Some(want) = sizes.iter().find(|want| *want != got) {
                    let (got, want) = (*got, *want);
                    damaged.insert(digest.clone(), Damage::Size { got, want });
                }
            }
        }
    }
    let jobs = std::thread::available_parallelism().map_or(2, NonZeroUsize::get);
    let hashed: Vec<_> = stream::iter(listing.blobs.keys().cloned())
        .map(|digest| hash(blobs.clone(), digest))
        .buffer_unordered(jobs)
        .try_collect()
        .await?;
    for (digest, damage) in hashed {
        if let Some(damage) = damage {
            damaged.entry(digest).or_insert(damage);
        }
    }
    for (digest, source) in reach.broken {
        damaged.entry(digest).or_insert(Damage::Document {
            source: Box::new(source),
        });
    }
    let mut damaged: Vec<_> = damaged.into_iter().collect();
    damaged.sort_by(|(a, _), (b, _)| a.as_ref().cmp(b.as_ref()));
    Ok(Verified {
        blobs: listing.blobs.len(),
        bytes: listing.blobs.values().sum(),
        damaged,
    })
}

async fn hash(blobs: Blobs, digest: Digest) -> Result<(Digest, Option<Damage>), Error> {
    blocking(move || {
        let (content, _) = match blobs.open_now(&digest) {
            Ok(opened) => opened,
            // Removed since it was listed.
            Err(error) if error.is_not_found() => return Ok((digest, None)),
            Err(error) => return Err(error),
        };
        let damage = match digest_of(content, digest.algorithm()) {
            Ok(got) => (got != digest).then_some(Damage::Digest { got }),
            Err(Error::Content(wharf_v1::Error::UnsupportedAlgorithm { .. })) => Some(Damage::Unknown),
            Err(error) => return Err(error),
        };
        Ok((digest, damage))
    })
    .await
}
