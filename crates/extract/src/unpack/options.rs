//! How a filesystem is unpacked, and what came of it.

use std::path::PathBuf;

use crate::ExtractOptions;

/// How an image's filesystem is unpacked.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnpackOptions {
    /// How layers are merged, and the limits. Default: those of [`ExtractOptions`].
    pub extract: ExtractOptions,
    /// What of an entry is carried over. Default: [`Privileges::None`].
    pub privileges: Privileges,
}

/// What the one who unpacks is able, and willing, to do.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Privileges {
    /// Everything belongs to who runs this. Devices, set-user-ID and set-group-ID bits and extended
    /// attributes other than `user.*` are left out, and reported.
    #[default]
    None,
    /// Owners, devices, all bits of the mode and all extended attributes are carried over, which only a
    /// privileged process can do.
    All,
}

impl UnpackOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how layers are merged.
    #[must_use]
    pub fn with_extract(mut self, extract: ExtractOptions) -> Self {
        self.extract = extract;
        self
    }

    /// Sets what is carried over.
    #[must_use]
    pub fn with_privileges(mut self, privileges: Privileges) -> Self {
        self.privileges = privileges;
        self
    }
}

/// What came of unpacking.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Entries that were written.
    pub entries: u64,
    /// Bytes of content that were written.
    pub bytes: u64,
    /// What was left out: the first thousand.
    pub skipped: Vec<Skipped>,
    /// How much was left out.
    pub skipped_count: u64,
}

/// Something that was left out.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Of which entry, below the directory.
    pub path: PathBuf,
    /// What.
    pub what: SkippedPart,
}

/// What of an entry was left out.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkippedPart {
    /// All of it: it is a device.
    Device,
    /// Its set-user-ID and set-group-ID bits.
    SetId,
    /// An extended attribute of this name, not permitted or not known to the filesystem.
    Attribute(String),
}

impl Unpacked {
    pub(crate) fn skip(&mut self, path: PathBuf, what: SkippedPart) {
        self.skipped_count += 1;
        if self.skipped.len() < 1000 {
            self.skipped.push(Skipped { path, what });
        }
    }
}
