//! Lists, made of the names of objects.

use std::collections::BTreeSet;

use oci_spec::image::Digest;

use crate::name::{RepositoryName, TagName};
use crate::store::object::BucketStore;
use crate::store::{Error, Referrer};

impl BucketStore {
    /// The tags of a repository, in order.
    pub(super) async fn tag_names(&self, repository: &RepositoryName) -> Result<Vec<TagName>, Error> {
        let mut tags = Vec::new();
        let see = |key: &object_store::path::Path| {
            tags.extend(key.filename().and_then(|name| name.parse::<TagName>().ok()));
        };
        self.objects.for_each(&self.keys.tags(repository), see).await?;
        tags.sort();
        Ok(tags)
    }

    /// Whether anything was ever stored in a repository.
    pub(super) async fn is_known(&self, repository: &RepositoryName) -> Result<bool, Error> {
        self.objects.exists(&self.keys.known(repository)).await
    }

    /// Notes that something is stored in a repository.
    pub(super) async fn know(&self, repository: &RepositoryName) -> Result<(), Error> {
        if self.turns.knows(repository) {
            return Ok(());
        }
        self.objects
            .write(&self.keys.known(repository), "known".into())
            .await?;
        self.turns.know(repository);
        Ok(())
    }

    /// The repositories that have a manifest, in order.
    pub(super) async fn repository_names(&self) -> Result<BTreeSet<RepositoryName>, Error> {
        let mut names = BTreeSet::new();
        let see = |key: &object_store::path::Path| names.extend(self.keys.listing(key));
        self.objects.for_each(&self.keys.repositories(), see).await?;
        Ok(names)
    }

    /// The repositories that have a blob, in order.
    pub(super) async fn repositories_with(&self, digest: &Digest) -> Result<Vec<RepositoryName>, Error> {
        let mut names = BTreeSet::new();
        let see = |key: &object_store::path::Path| names.extend(self.keys.linking(key, digest));
        self.objects.for_each(&self.keys.repositories(), see).await?;
        Ok(names.into_iter().collect())
    }

    /// What refers to a manifest, in order.
    pub(super) async fn referrers_of(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
    ) -> Result<Vec<Referrer>, Error> {
        let mut referrers = Vec::new();
        for object in self
            .objects
            .list(&self.keys.referrers(repository, subject))
            .await?
        {
            let Some(json) = self.objects.read(&object.location).await? else {
                continue;
            };
            let referrer: Referrer =
                serde_json::from_slice(&json).map_err(|error| Error::Other(error.into()))?;
            referrers.push(referrer);
        }
        referrers.sort_by(|a, b| a.digest.as_ref().cmp(b.digest.as_ref()));
        Ok(referrers)
    }
}
