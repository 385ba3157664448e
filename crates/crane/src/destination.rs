//! Where something goes that was made from something else.

use std::fmt;

use serde::Serialize;
use wharf::name::{Reference, Repository};
use wharf::remote::Client;
use wharf::v1::oci_spec::image::Descriptor;

use crate::{Content, CopySummary, DescriptorSummary, Entry, Error, Place};

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

    /// Stores `content`, and says where.
    ///
    /// # Errors
    /// As for [`Place::write`].
    pub async fn write(&self, client: &Client, content: &Content) -> Result<Stored, Error> {
        let place = match self {
            Self::Place(place) => place.clone(),
            Self::Repository(repository) => {
                let digest = content.descriptor().await?.digest().clone();
                Place::Registry(repository.digest(digest).into())
            }
        };
        Ok(Stored::at(&place, &place.write(client, content).await?))
    }
}

impl From<Place> for Destination {
    fn from(place: Place) -> Self {
        Self::Place(place)
    }
}

/// Something that was stored. Displays as its name; serialises as what commands print with `--json`: `reference` and the
/// members of a summary.
#[non_exhaustive]
#[derive(Clone, Debug, Serialize)]
pub struct Stored {
    /// What it is called by digest, as [`Place::with_digest`] says it.
    pub reference: String,
    /// What it is, without annotations.
    #[serde(flatten)]
    pub summary: DescriptorSummary,
    /// What was moved for it, where that is known: by a copy between registries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<CopySummary>,
}

impl Stored {
    /// What is stored at `place`.
    #[must_use]
    pub fn at(place: &Place, descriptor: &Descriptor) -> Self {
        let mut summary = DescriptorSummary::from(descriptor);
        // They are what a list says that it came from.
        summary.annotations.clear();
        Self {
            reference: place.with_digest(descriptor.digest()),
            summary,
            report: None,
        }
    }

    /// Adds what was moved for it.
    #[must_use]
    pub fn with_report(mut self, report: CopySummary) -> Self {
        self.report = Some(report);
        self
    }
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reference)
    }
}
