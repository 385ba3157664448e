//! How an archive is written.

use std::num::NonZeroUsize;

/// How an archive is written. Only the format changes its bytes.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct WriteOptions {
    /// What the archive looks like. Default: [`Format::Docker`].
    pub format: Format,
    /// How many layers are read at a time, where the archive is a regular file. Default: 8.
    pub jobs: NonZeroUsize,
    /// How many layers are opened and read ahead, some megabytes of each at most, where the archive is
    /// written from front to back. Default: 1.
    pub read_ahead: usize,
}

/// What an archive looks like. All are read by `docker load`, and by [`Archive`](crate::Archive).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A config and some layers beside `manifest.json`, as go-containerregistry writes it. The manifests
    /// of the images are lost.
    #[default]
    Docker,
    /// An [OCI layout] that has a `manifest.json` too, as Docker writes it since version 25: what reads
    /// layouts gets the images with their own manifests.
    ///
    /// [OCI layout]: https://github.com/opencontainers/image-spec/blob/main/image-layout.md
    DockerWithOci,
    /// The format of Docker's first versions ([image specification 1.2]), with uncompressed layers in
    /// directories and a `repositories` file, beside `manifest.json`. The layers are read twice, to know
    /// their sizes first.
    ///
    /// [image specification 1.2]: https://github.com/moby/docker-image-spec/blob/main/v1.2.md
    Legacy,
}

impl WriteOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what the archive looks like.
    #[must_use]
    pub fn with_format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Sets how many layers are read at a time.
    #[must_use]
    pub fn with_jobs(mut self, jobs: NonZeroUsize) -> Self {
        self.jobs = jobs;
        self
    }

    /// Sets how many layers are read ahead.
    #[must_use]
    pub fn with_read_ahead(mut self, layers: usize) -> Self {
        self.read_ahead = layers;
        self
    }

    pub(super) fn to_archive(&self) -> wharf_archive::WriteOptions {
        wharf_archive::WriteOptions::new()
            .with_jobs(self.jobs)
            .with_read_ahead(self.read_ahead)
    }
}

impl Default for WriteOptions {
    fn default() -> Self {
        let archive = wharf_archive::WriteOptions::default();
        Self {
            format: Format::default(),
            jobs: archive.jobs,
            read_ahead: archive.read_ahead,
        }
    }
}
