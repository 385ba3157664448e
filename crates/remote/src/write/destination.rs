//! The repository that is written to.

use std::collections::HashSet;
use std::sync::Arc;

use oci_spec::image::{Descriptor, Digest};
use wharf_name::{Reference, Repository};
use wharf_v1::MountSource;

use crate::client::{HostFacts, RepositoryFacts};
use crate::error::{Error, Misuse, Operation};
use crate::events::Event;
use crate::{Client, wire};

/// A repository that is written to, with what is known about it.
#[derive(Clone)]
pub(crate) struct Destination {
    pub(crate) client: Client,
    pub(super) repository: Repository,
    pub(super) host: Arc<HostFacts>,
    pub(super) facts: Arc<RepositoryFacts>,
    /// The children of an index that are written, if not all.
    pub(super) only: Option<Arc<HashSet<Digest>>>,
}

/// What is known of the manifest that a reference names before something is written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tip {
    /// Nothing: ask first.
    Unknown,
    /// It is another one, or there is none.
    Differs,
}

impl Client {
    pub(crate) fn destination(&self, repository: &Repository) -> Destination {
        Destination {
            client: self.clone(),
            repository: repository.clone(),
            host: self.facts().host(repository.registry()),
            facts: self.facts().repository(repository),
            only: None,
        }
    }
}

impl Destination {
    /// The same, where of an index only these children are written; all if there is no such set.
    pub(crate) fn with_children(&self, only: Option<Arc<HashSet<Digest>>>) -> Self {
        Self { only, ..self.clone() }
    }

    pub(crate) fn repository(&self) -> &Repository {
        &self.repository
    }

    pub(super) fn emit(&self, event: Event<'_>) {
        self.client.events().emit(event);
    }

    /// Whether content that comes from `source` is in this repository already.
    pub(crate) fn is_home(&self, source: Option<&MountSource>) -> bool {
        source.is_some_and(|source| {
            source.registry == self.repository.registry().as_str()
                && source.repository == self.repository.path()
        })
    }

    /// Whether `reference` names this very manifest already. It is only a question whether work can be saved, so
    /// whatever the registry answers but a plain yes is a no; the requests that follow fail better, as theirs are
    /// answers with a body.
    pub(crate) async fn is_tip(&self, reference: &Reference, descriptor: &Descriptor) -> Result<bool, Error> {
        let _permit = self.host.question().await;
        // With the token that writing needs anyway.
        let context = wire::push(&self.repository);
        match self.client.try_head(context, reference).await {
            Ok(found) => Ok(found.is_some_and(|found| found.digest() == descriptor.digest())),
            Err(Error::Request { source, .. }) if source.status().is_some() => Ok(false),
            Err(Error::Answer { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Content is written to a digest only if it has that digest.
    pub(crate) fn check_digest(&self, reference: &Reference, descriptor: &Descriptor) -> Result<(), Error> {
        match reference.digest() {
            Some(want) if want != descriptor.digest() => {
                let misuse = Misuse::OtherDigest {
                    got: descriptor.digest().clone(),
                };
                Err(Error::input(Operation::WriteManifest, reference, misuse))
            }
            _ => Ok(()),
        }
    }
}
