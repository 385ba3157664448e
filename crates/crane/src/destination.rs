//! Where something goes that was made from something else.

use wharf::name::{Reference, Repository};
use wharf::remote::Client;

use crate::{Content, Entry, Error, Place};

/// Where something goes that was made from something else, and whose digest is not known before.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum Destination {
    /// To a place, whatever its digest.
    Place(Place),
    /// Into a repository, under its digest.
    Repository(Repository),
}

impl Destination {
    /// The place of `source`: a tag moves to what is new. Where `source` has a digest, what is new goes beside it,
    /// under its own.
    #[must_use]
    pub fn replacing(source: &Place) -> Self {
        match source {
            Place::Registry(Reference::Digest(reference)) => Self::Repository(reference.repository().clone()),
            Place::Layout {
                path,
                entry: Entry::Digest(_),
            } => Self::Place(Place::Layout {
                path: path.clone(),
                entry: Entry::Only,
            }),
            place => Self::Place(place.clone()),
        }
    }

    /// `destination` if there is one, else as for [`replacing`](Self::replacing).
    #[must_use]
    pub fn or_replacing(destination: Option<Place>, source: &Place) -> Self {
        destination.map_or_else(|| Self::replacing(source), Self::Place)
    }

    /// Stores `content`, and says what it is called by digest, as [`Place::with_digest`] does.
    ///
    /// # Errors
    /// As for [`Place::write`].
    pub async fn write(&self, client: &Client, content: &Content) -> Result<String, Error> {
        let place = match self {
            Self::Place(place) => place.clone(),
            Self::Repository(repository) => {
                let digest = content.descriptor().await?.digest().clone();
                Place::Registry(repository.digest(digest).into())
            }
        };
        let stored = place.write(client, content).await?;
        Ok(place.with_digest(stored.digest()))
    }
}

impl From<Place> for Destination {
    fn from(place: Place) -> Self {
        Self::Place(place)
    }
}
