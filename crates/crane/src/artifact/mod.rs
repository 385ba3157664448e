//! Files as artifacts: manifests whose layers are files, whatever they hold.

mod file;
mod pack;
mod unpack;

pub use file::ArtifactFile;
pub use pack::{ArtifactOptions, artifact, attach, push_artifact};
pub use unpack::{PulledFile, UnpackedArtifact, pull_artifact};

/// The layer's annotation that says that it is a directory, packed; the convention of oras.
const UNPACK: &str = "io.deis.oras.content.unpack";
/// The layer's annotation with the digest of the directory's archive before it was compressed.
const CONTENT_DIGEST: &str = "io.deis.oras.content.digest";
