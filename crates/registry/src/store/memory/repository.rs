//! What one repository has.

use std::collections::{BTreeMap, HashMap, HashSet};

use oci_spec::image::Digest;

use crate::name::TagName;
use crate::store::{NewManifest, Referrer, StoredManifest};

/// What one repository has.
#[derive(Debug, Default)]
pub(super) struct Repository {
    pub(super) blobs: HashSet<Digest>,
    pub(super) manifests: HashMap<Digest, Manifest>,
    pub(super) tags: BTreeMap<TagName, Digest>,
    /// By subject, then by the referring manifest's digest as text.
    pub(super) referrers: HashMap<Digest, BTreeMap<String, Referrer>>,
}

/// A manifest and what it refers to.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) stored: StoredManifest,
    subject: Option<Digest>,
}

impl Repository {
    /// Puts a manifest. Tells the size of the one that it replaces.
    pub(super) fn put(&mut self, manifest: NewManifest) -> u64 {
        let NewManifest {
            digest,
            media_type,
            raw,
            tags,
            subject,
        } = manifest;
        for tag in tags {
            self.tags.insert(tag, digest.clone());
        }
        let subject = subject.map(|(subject, referrer)| {
            let referrers = self.referrers.entry(subject.clone()).or_default();
            referrers.insert(digest.to_string(), referrer);
            subject
        });
        let manifest = Manifest {
            stored: StoredManifest::new(media_type, raw),
            subject,
        };
        let replaced = self.manifests.insert(digest, manifest);
        replaced.map_or(0, |old| old.stored.raw.len() as u64)
    }

    /// Deletes a manifest with its tags. Tells its size if it was there.
    pub(super) fn delete(&mut self, digest: &Digest) -> Option<u64> {
        let manifest = self.manifests.remove(digest)?;
        self.tags.retain(|_, target| target != digest);
        if let Some(subject) = manifest.subject
            && let Some(referrers) = self.referrers.get_mut(&subject)
        {
            referrers.remove(&digest.to_string());
            if referrers.is_empty() {
                self.referrers.remove(&subject);
            }
        }
        Some(manifest.stored.raw.len() as u64)
    }
}
