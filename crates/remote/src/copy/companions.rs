//! What goes along with an image: what refers to it, and tags that are named after its digest.

use std::collections::HashSet;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oci_spec::image::{Descriptor, Digest};
use wharf_name::{DigestReference, Reference};

use crate::copy::Children;
use crate::copy::job::Job;
use crate::error::Error;

/// How far referrers of referrers are followed.
const DEEPEST: usize = 8;

impl Job<'_> {
    /// Copies what goes along with manifests that were copied.
    pub(super) async fn companions(&self, manifests: Vec<Digest>) -> Result<(), Error> {
        let mut known: HashSet<Digest> = manifests.iter().cloned().collect();
        if self.options.referrers {
            let mut level = manifests;
            for _ in 0..DEEPEST {
                level = self.referrers(level, &mut known).await?;
                if level.is_empty() {
                    break;
                }
            }
        }
        if self.options.digest_tags {
            self.digest_tags(&known).await?;
        }
        Ok(())
    }

    /// Copies what refers to these, as far as it was not copied yet, and says what that was.
    async fn referrers(
        &self,
        subjects: Vec<Digest>,
        known: &mut HashSet<Digest>,
    ) -> Result<Vec<Digest>, Error> {
        let (source, destination) = (self.source.repository(), self.destination.repository());
        let mut lists = Vec::new();
        for subject in subjects {
            lists.push(self.list(source.digest(subject)));
        }
        let lists = stream::iter(lists).buffer_unordered(self.client.jobs());
        let (mut found, mut copies) = (Vec::new(), Vec::new());
        for referrer in lists.try_concat().await? {
            let digest = referrer.digest().clone();
            if known.insert(digest.clone()) {
                let from = Reference::Digest(source.digest(digest.clone()));
                let to = Reference::Digest(destination.digest(digest.clone()));
                copies.push(self.along(from, to));
                found.push(digest);
            }
        }
        self.all(copies).await?;
        Ok(found)
    }

    /// Copies the tags that begin with one of these digests: `sha256-….sig`, as signing tools make them.
    async fn digest_tags(&self, manifests: &HashSet<Digest>) -> Result<(), Error> {
        let (source, destination) = (self.source.repository(), self.destination.repository());
        let stems: HashSet<String> = manifests
            .iter()
            .map(|digest| digest.to_string().replace(':', "-"))
            .collect();
        let tags = self.client.tags(source).collect_all().await?;
        let mut copies = Vec::new();
        for tag in tags {
            let (stem, suffix) = tag.split_once('.').unwrap_or((&tag, ""));
            // The bare one lists referrers, and is kept when those are written.
            if !stems.contains(stem) || (suffix.is_empty() && self.options.referrers) {
                continue;
            }
            // What is no tag by the specification cannot be named.
            if let (Ok(from), Ok(to)) = (source.tag(&tag), destination.tag(&tag)) {
                copies.push(self.along(Reference::Tag(from), Reference::Tag(to)));
            }
        }
        self.all(copies).await
    }

    async fn list(&self, subject: DigestReference) -> Result<Vec<Descriptor>, Error> {
        self.client.referrers(&subject, None).await
    }

    async fn along(&self, from: Reference, to: Reference) -> Result<(), Error> {
        self.one(&from, &to, None, &Children::All).await.map(drop)
    }

    async fn all(&self, copies: Vec<impl Future<Output = Result<(), Error>>>) -> Result<(), Error> {
        stream::iter(copies)
            .buffer_unordered(self.client.jobs())
            .try_collect()
            .await
    }
}
