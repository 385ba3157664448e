//! What one repository has, on disk.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};

use bytes::Bytes;
use oci_spec::image::Digest;
use serde::{Deserialize, Serialize};

use crate::name::{RepositoryName, TagName};
use crate::store::{Error, Listing, ManifestInfo, NewManifest, Page, Referrer, StoredManifest};

use super::disk;
use super::layout::{ALGORITHMS, Layout, RepositoryPaths};

/// One repository. All of its methods block.
pub(super) struct Repository<'a> {
    layout: &'a Layout,
    paths: RepositoryPaths,
    name: &'a RepositoryName,
}

/// What is kept of a manifest besides its bytes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    media_type: String,
    size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<Digest>,
}

impl<'a> Repository<'a> {
    pub(super) fn new(layout: &'a Layout, name: &'a RepositoryName) -> Self {
        Self {
            layout,
            paths: layout.repository(name),
            name,
        }
    }

    pub(super) fn blob_size(&self, digest: &Digest) -> Result<u64, Error> {
        let unknown = || Error::blob_unknown(self.name, digest);
        if !disk::exists(&self.paths.blob(digest)?)? {
            return Err(unknown());
        }
        let content = disk::present(fs::metadata(self.layout.content(digest)?))?;
        content.map(|content| content.len()).ok_or_else(unknown)
    }

    pub(super) fn open_blob(&self, digest: &Digest) -> Result<File, Error> {
        let unknown = || Error::blob_unknown(self.name, digest);
        if !disk::exists(&self.paths.blob(digest)?)? {
            return Err(unknown());
        }
        disk::present(File::open(self.layout.content(digest)?))?.ok_or_else(unknown)
    }

    /// Makes content that is there a blob of this repository.
    pub(super) fn link_blob(&self, digest: &Digest) -> Result<(), Error> {
        Ok(disk::touch(&self.paths.blob(digest)?)?)
    }

    pub(super) fn delete_blob(&self, digest: &Digest) -> Result<(), Error> {
        match disk::remove(&self.paths.blob(digest)?)? {
            true => Ok(()),
            false => Err(Error::blob_unknown(self.name, digest)),
        }
    }

    fn link(&self, digest: &Digest) -> Result<Link, Error> {
        let json = disk::read(&self.paths.manifest(digest)?)?;
        let json = json.ok_or_else(|| Error::manifest_unknown(self.name, digest))?;
        serde_json::from_slice(&json).map_err(|error| Error::Other(error.into()))
    }

    pub(super) fn manifest(&self, digest: &Digest) -> Result<ManifestInfo, Error> {
        self.link(digest)
            .map(|link| ManifestInfo::new(link.media_type, link.size))
    }

    pub(super) fn read_manifest(&self, digest: &Digest) -> Result<StoredManifest, Error> {
        let link = self.link(digest)?;
        let raw = disk::read(&self.layout.content(digest)?)?;
        let raw = raw.ok_or_else(|| Error::manifest_unknown(self.name, digest))?;
        Ok(StoredManifest::new(link.media_type, Bytes::from(raw)))
    }

    /// Puts a manifest: first what is invisible by itself, then the manifest, then its tags. Wherever
    /// it is interrupted, what can be seen is whole.
    pub(super) fn put_manifest(&self, manifest: &NewManifest) -> Result<(), Error> {
        let tmp = self.layout.tmp();
        disk::write(&tmp, &self.layout.content(&manifest.digest)?, &manifest.raw)?;
        let _lock = self.lock()?;
        if let Some((subject, referrer)) = &manifest.subject {
            disk::write(
                &tmp,
                &self.paths.referrer(subject, &manifest.digest)?,
                &json(referrer),
            )?;
        }
        let link = Link {
            media_type: manifest.media_type.clone(),
            size: manifest.raw.len() as u64,
            subject: manifest.subject.as_ref().map(|(subject, _)| subject.clone()),
        };
        disk::write(&tmp, &self.paths.manifest(&manifest.digest)?, &json(&link))?;
        for tag in &manifest.tags {
            disk::write(&tmp, &self.paths.tag(tag), manifest.digest.as_ref().as_bytes())?;
        }
        Ok(())
    }

    /// Deletes a manifest, in the reverse order.
    pub(super) fn delete_manifest(&self, digest: &Digest) -> Result<(), Error> {
        let link = self.link(digest)?;
        let _lock = self.lock()?;
        for name in disk::names(&self.paths.tags())? {
            let path = self.paths.tags().join(name);
            if disk::read(&path)?.is_some_and(|target| target == digest.as_ref().as_bytes()) {
                disk::remove(&path)?;
            }
        }
        let was_there = disk::remove(&self.paths.manifest(digest)?)?;
        if let Some(subject) = link.subject {
            disk::remove(&self.paths.referrer(&subject, digest)?)?;
        }
        if was_there {
            Ok(())
        } else {
            Err(Error::manifest_unknown(self.name, digest))
        }
    }

    pub(super) fn tag(&self, tag: &TagName) -> Result<Digest, Error> {
        let target = disk::read(&self.paths.tag(tag))?;
        let target = target.ok_or_else(|| Error::tag_unknown(self.name, tag))?;
        let target = String::from_utf8(target).map_err(|error| Error::Other(error.into()))?;
        Digest::try_from(target).map_err(|error| Error::Other(error.into()))
    }

    pub(super) fn delete_tag(&self, tag: &TagName) -> Result<(), Error> {
        let unknown = || Error::tag_unknown(self.name, tag);
        if !disk::exists(&self.paths.tag(tag))? {
            return Err(unknown());
        }
        let _lock = self.lock()?;
        if disk::remove(&self.paths.tag(tag))? {
            Ok(())
        } else {
            Err(unknown())
        }
    }

    pub(super) fn tags(&self, page: &Page) -> Result<Listing<TagName>, Error> {
        if !self.exists()? {
            return Err(Error::RepositoryUnknown {
                repository: self.name.clone(),
            });
        }
        let names = disk::names(&self.paths.tags())?;
        let mut tags: Vec<TagName> = names.iter().filter_map(|name| name.parse().ok()).collect();
        tags.sort_unstable();
        Ok(page.cut(tags, |tag| tag.as_str()))
    }

    /// All digests that tags point at.
    pub(super) fn tagged(&self) -> Result<HashSet<Digest>, Error> {
        let mut tagged = HashSet::new();
        for name in disk::names(&self.paths.tags())? {
            if let Ok(tag) = name.parse() {
                tagged.insert(self.tag(&tag)?);
            }
        }
        Ok(tagged)
    }

    pub(super) fn referrers(&self, subject: &Digest) -> Result<Vec<Referrer>, Error> {
        let dir = self.paths.referrers(subject)?;
        let mut referrers = Vec::new();
        for name in disk::names(&dir)? {
            let Some(json) = disk::read(&dir.join(name))? else {
                continue;
            };
            let referrer: Referrer =
                serde_json::from_slice(&json).map_err(|error| Error::Other(error.into()))?;
            // One without a manifest is left of a put or delete that was interrupted.
            match self.link(&referrer.digest) {
                Ok(link) if link.subject.as_ref() == Some(subject) => referrers.push(referrer),
                Ok(_) => {}
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        referrers.sort_unstable_by(|a, b| a.digest.as_ref().cmp(b.digest.as_ref()));
        Ok(referrers)
    }

    /// Whether anything was ever stored here.
    fn exists(&self) -> Result<bool, Error> {
        Ok(disk::exists(&self.paths.manifests())? || disk::exists(&self.paths.blobs())?)
    }

    pub(super) fn has_manifests(&self) -> Result<bool, Error> {
        for algorithm in ALGORITHMS {
            if !disk::names(&self.paths.manifests().join(algorithm))?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Keeps others, in this process and in others, from changing manifests and tags.
    fn lock(&self) -> Result<File, Error> {
        disk::make_dir(&self.paths.root)?;
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.paths.lock())?;
        file.lock()?;
        Ok(file)
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("maps with text keys, lists and texts serialise")
}
