//! Removing what nobody needs any more.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use oci_spec::image::Digest;

use crate::manifest::judge;
use crate::name::RepositoryName;
use crate::store::{Error, Garbage};

use super::disk;
use super::layout::{ALGORITHMS, Layout};
use super::repository::Repository;
use super::walk;

/// What is garbage, and whether it is removed.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct GarbageOptions {
    /// Whether it is only told what would be removed. Default: no.
    pub dry_run: bool,
    /// Whether manifests go to which no tag leads. Those stay that a tag's manifest lists, and those that refer to one
    /// that stays. Default: no, all manifests stay.
    pub untagged: bool,
    /// Blobs and manifests stay that came within this time: who pushes an image does so part by part, its manifest
    /// last. Default: one hour.
    pub grace: Duration,
}

impl Default for GarbageOptions {
    fn default() -> Self {
        Self {
            dry_run: false,
            untagged: false,
            grace: Duration::from_secs(60 * 60),
        }
    }
}

impl GarbageOptions {
    /// Sets [`dry_run`](Self::dry_run).
    #[must_use]
    pub fn with_dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// Sets [`untagged`](Self::untagged).
    #[must_use]
    pub fn with_untagged(mut self, untagged: bool) -> Self {
        self.untagged = untagged;
        self
    }

    /// Sets [`grace`](Self::grace).
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }
}

/// What a manifest leads to.
struct Known {
    /// All digests that it names.
    named: HashSet<Digest>,
    subject: Option<Digest>,
    is_young: bool,
}

/// Collects garbage. Nobody else may use the directory meanwhile.
pub(super) fn collect(layout: &Layout, options: &GarbageOptions) -> Result<Garbage, Error> {
    let mut garbage = Garbage::default();
    let mut needed = HashSet::new();
    for name in walk::repositories(layout)? {
        let repository = Repository::new(layout, &name);
        let known = manifests(layout, &name, options.grace)?;
        let kept = kept(&repository, &known, options)?;
        let named: HashSet<&Digest> = kept.iter().flat_map(|digest| &known[*digest].named).collect();
        let mut all: Vec<&Digest> = known.keys().collect();
        all.sort_unstable_by(|a, b| a.as_ref().cmp(b.as_ref()));
        for digest in all {
            if kept.contains(digest) {
                needed.insert(digest.clone());
                continue;
            }
            if !options.dry_run {
                repository.delete_manifest(digest)?;
            }
            garbage.manifests.push((name.clone(), digest.clone()));
        }
        for (digest, path) in digests(&layout.repository(&name).blobs())? {
            if named.contains(&digest) || is_young(&path, options.grace)? {
                needed.insert(digest);
                continue;
            }
            if !options.dry_run {
                repository.delete_blob(&digest)?;
            }
            garbage.blobs.push((name.clone(), digest));
        }
    }
    for (digest, path) in content(layout)? {
        if needed.contains(&digest) {
            continue;
        }
        let size = fs::metadata(&path)?.len();
        if !options.dry_run {
            disk::remove(&path)?;
        }
        garbage.content.push((digest, size));
    }
    Ok(garbage)
}

/// The manifests of a repository.
fn manifests(
    layout: &Layout,
    name: &RepositoryName,
    grace: Duration,
) -> Result<HashMap<Digest, Known>, Error> {
    let repository = Repository::new(layout, name);
    let mut known = HashMap::new();
    for (digest, path) in digests(&layout.repository(name).manifests())? {
        let stored = repository.read_manifest(&digest)?;
        // Whatever the document is: what it names is needed.
        let mut named = named(&stored.raw);
        let mut subject = None;
        if let Ok(judged) = judge(Some(&stored.media_type), &stored.raw) {
            let links = judged.links;
            named.extend(links.blobs);
            named.extend(links.children);
            subject = links.subject;
        }
        let is_young = is_young(&path, grace)?;
        let manifest = Known {
            named,
            subject,
            is_young,
        };
        known.insert(digest, manifest);
    }
    Ok(known)
}

/// The manifests that stay.
fn kept<'a>(
    repository: &Repository<'_>,
    known: &'a HashMap<Digest, Known>,
    options: &GarbageOptions,
) -> Result<HashSet<&'a Digest>, Error> {
    if !options.untagged {
        return Ok(known.keys().collect());
    }
    let tagged = repository.tagged()?;
    let mut pending: Vec<&Digest> = known
        .iter()
        .filter(|(digest, manifest)| tagged.contains(*digest) || manifest.is_young)
        .map(|(digest, _)| digest)
        .collect();
    let mut kept = HashSet::new();
    while let Some(digest) = pending.pop() {
        let Some((digest, manifest)) = known.get_key_value(digest) else {
            continue;
        };
        if !kept.insert(digest) {
            continue;
        }
        pending.extend(&manifest.named);
        let referrers = known
            .iter()
            .filter(|(_, other)| other.subject.as_ref() == Some(digest));
        pending.extend(referrers.map(|(referrer, _)| referrer));
    }
    Ok(kept)
}

/// The digests in a document, whatever else it is.
fn named(raw: &[u8]) -> HashSet<Digest> {
    let text = String::from_utf8_lossy(raw);
    let mut found = HashSet::new();
    for algorithm in ALGORITHMS {
        for (at, _) in text.match_indices(algorithm) {
            let rest = text[at + algorithm.len()..].strip_prefix(':').unwrap_or_default();
            let hex = rest
                .split(|c: char| !c.is_ascii_hexdigit())
                .next()
                .unwrap_or_default();
            found.extend(format!("{algorithm}:{hex}").parse::<Digest>());
        }
    }
    found
}

/// The digests below a directory with a folder for each algorithm, with their paths.
fn digests(dir: &Path) -> Result<Vec<(Digest, PathBuf)>, Error> {
    let mut found = Vec::new();
    for algorithm in ALGORITHMS {
        let dir = dir.join(algorithm);
        for hash in disk::names(&dir)? {
            if let Ok(digest) = format!("{algorithm}:{hash}").parse::<Digest>() {
                found.push((digest, dir.join(hash)));
            }
        }
    }
    found.sort_unstable_by(|(a, _), (b, _)| a.as_ref().cmp(b.as_ref()));
    Ok(found)
}

/// All content that there is.
fn content(layout: &Layout) -> Result<Vec<(Digest, PathBuf)>, Error> {
    let mut found = Vec::new();
    for algorithm in ALGORITHMS {
        let dir = layout.blobs().join(algorithm);
        for prefix in disk::names(&dir)? {
            for hash in disk::names(&dir.join(&prefix))? {
                if let Ok(digest) = format!("{algorithm}:{hash}").parse::<Digest>() {
                    let path = layout.content(&digest)?;
                    found.push((digest, path));
                }
            }
        }
    }
    found.sort_unstable_by(|(a, _), (b, _)| a.as_ref().cmp(b.as_ref()));
    Ok(found)
}

fn is_young(path: &Path, grace: Duration) -> Result<bool, Error> {
    let modified = fs::metadata(path)?.modified()?;
    // A time in the future is a clock that was set back.
    Ok(modified.elapsed().map_or(true, |age| age < grace))
}
