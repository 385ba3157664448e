//! What two images differ in.

use serde::Serialize;
use wharf::extract::{FileEntry, Files, FilesOptions};
use wharf::remote::Client;
use wharf::v1::oci_spec::image::Descriptor;
use wharf::v1::{Image, PlatformSpec, compare};

use crate::files::{files_of, mode_text};
use crate::{Error, Place};

/// How images are compared.
#[non_exhaustive]
#[derive(Clone, Debug, Default)]
pub struct DiffOptions {
    /// Of an index the image that is compared. Default: none, which is `linux/amd64`.
    pub platform: Option<PlatformSpec>,
    /// Whether files are compared, for which all layers of both images are read. Default: no.
    pub files: bool,
}

impl DiffOptions {
    /// Sets which image of an index is compared.
    #[must_use]
    pub fn with_platform(mut self, platform: Option<&PlatformSpec>) -> Self {
        self.platform = platform.cloned();
        self
    }

    /// Sets whether files are compared.
    #[must_use]
    pub fn with_files(mut self, files: bool) -> Self {
        self.files = files;
        self
    }
}

/// What two images differ in. Serialises as what `crane diff --json` prints; fields may be added.
#[non_exhaustive]
#[derive(Clone, Debug, Default, Serialize)]
pub struct ImageDiff {
    /// Places in manifests and configs, but for the layers.
    pub documents: Vec<DocumentChange>,
    /// Layers, base first, that are not on both sides.
    pub layers: Vec<LayerChange>,
    /// Files that are not the same, sorted by path; none if they are not compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<FileChange>>,
}

impl ImageDiff {
    /// Whether nothing differs, as far as was compared.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty() && self.layers.is_empty() && self.files.as_ref().is_none_or(Vec::is_empty)
    }
}

/// A place in a manifest or config that is not the same on both sides.
#[non_exhaustive]
#[derive(Clone, Debug, Serialize)]
pub struct DocumentChange {
    /// Where: `config.config.Labels.version`, `annotations.key`.
    pub place: String,
    /// What the first image has there, if anything.
    pub left: Option<String>,
    /// What the second image has there, if anything.
    pub right: Option<String>,
}

/// On which side something is.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Only in the first image.
    Removed,
    /// Only in the second image.
    Added,
    /// In both, but not the same.
    Changed,
}

/// A layer that only one of the images has.
#[non_exhaustive]
#[derive(Clone, Debug, Serialize)]
pub struct LayerChange {
    /// Which of the two.
    pub side: Side,
    /// Its place in its image, counted from 0, the base.
    pub position: usize,
    /// Its digest.
    pub digest: String,
    /// Its bytes as stored.
    pub size: u64,
}

/// A file that is not the same on both sides.
#[non_exhaustive]
#[derive(Clone, Debug, Serialize)]
pub struct FileChange {
    /// Where it is.
    pub side: Side,
    /// Its path.
    pub path: String,
    /// What is not the same: `content`, `mode`, `owner`, `link`, `kind`. Times do not count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub what: Vec<&'static str>,
    /// Its bytes in the first image, if it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_size: Option<u64>,
    /// Its bytes in the second image, if it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right_size: Option<u64>,
}

/// Compares the images at two places.
///
/// # Errors
/// As [`Place::image`]; [`Error::Content`] when something cannot be read; [`Error::Files`] when layers make no
/// filesystem.
pub async fn diff(
    client: &Client,
    left: &Place,
    right: &Place,
    options: &DiffOptions,
) -> Result<ImageDiff, Error> {
    let platform = options.platform.as_ref();
    let (left, right) =
        futures_util::future::try_join(left.image(client, platform), right.image(client, platform)).await?;
    let mut diff = ImageDiff {
        documents: documents(&left, &right).await?,
        layers: layers(&left, &right).await?,
        files: None,
    };
    if options.files {
        let how = FilesOptions::new().with_digests();
        let (left, right) =
            futures_util::future::try_join(files_of(left, &how), files_of(right, &how)).await?;
        diff.files = Some(files(&left, &right));
    }
    Ok(diff)
}

async fn documents(left: &dyn Image, right: &dyn Image) -> Result<Vec<DocumentChange>, Error> {
    let found = compare::images(left, right).await?;
    // Digests and sizes differ whenever anything does, and layers have a list of their own.
    let is_plain = |place: &str| {
        let place = place.strip_prefix("config.").unwrap_or(place);
        let own = [
            "digest",
            "size",
            "layers",
            "number of layers",
            "rootfs",
            "manifest.config",
            "manifest.layers",
        ];
        own.iter().all(|own| !place.starts_with(own))
    };
    let plain = found.into_iter().filter(|found| is_plain(&found.place));
    let change = |found: compare::Difference| DocumentChange {
        place: found.place,
        left: found.left,
        right: found.right,
    };
    Ok(plain.map(change).collect())
}

async fn layers(left: &dyn Image, right: &dyn Image) -> Result<Vec<LayerChange>, Error> {
    let (left, right) = (left.manifest().await?, right.manifest().await?);
    let (left, right) = (left.view()?.layers(), right.view()?.layers());
    let only = |side, these: &[Descriptor], those: &[Descriptor]| {
        let missing = |one: &Descriptor| those.iter().all(|other| other.digest() != one.digest());
        let these = these.iter().enumerate().filter(|(_, one)| missing(one));
        let change = |(position, one): (usize, &Descriptor)| LayerChange {
            side,
            position,
            digest: one.digest().to_string(),
            size: one.size(),
        };
        these.map(change).collect::<Vec<_>>()
    };
    let mut changes = only(Side::Removed, left, right);
    changes.extend(only(Side::Added, right, left));
    Ok(changes)
}

fn files(left: &Files, right: &Files) -> Vec<FileChange> {
    let mut changes = Vec::new();
    for one in left.iter() {
        let Some(other) = right.get(&one.path) else {
            changes.push(FileChange {
                side: Side::Removed,
                path: one.path.clone(),
                what: Vec::new(),
                left_size: Some(one.size),
                right_size: None,
            });
            continue;
        };
        let what = differences(one, other);
        if !what.is_empty() {
            changes.push(FileChange {
                side: Side::Changed,
                path: one.path.clone(),
                what,
                left_size: Some(one.size),
                right_size: Some(other.size),
            });
        }
    }
    let added = right.iter().filter(|one| left.get(&one.path).is_none());
    changes.extend(added.map(|one| FileChange {
        side: Side::Added,
        path: one.path.clone(),
        what: Vec::new(),
        left_size: None,
        right_size: Some(one.size),
    }));
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    changes
}

fn differences(one: &FileEntry, other: &FileEntry) -> Vec<&'static str> {
    if one.kind != other.kind {
        return vec!["kind"];
    }
    let checks = [
        ("content", one.digest != other.digest),
        ("mode", mode_text(one) != mode_text(other)),
        ("owner", (one.uid, one.gid) != (other.uid, other.gid)),
        ("link", one.link != other.link),
    ];
    checks
        .into_iter()
        .filter(|(_, differs)| *differs)
        .map(|(what, _)| what)
        .collect()
}
