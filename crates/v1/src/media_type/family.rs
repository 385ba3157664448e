//! Whose media types content has.

use oci_spec::image::MediaType;

use super::{DOCKER_CONFIG, DOCKER_LAYER, DOCKER_LAYER_GZIP, DOCKER_MANIFEST, DOCKER_MANIFEST_LIST};
use crate::Codec;

/// Whose media types content gets. An image should keep to one family.
///
/// ```
/// use wharf_v1::media_type::{DOCKER_MANIFEST, Family};
/// use wharf_v1::{Codec, oci_spec::image::MediaType};
///
/// assert_eq!(Family::of(&DOCKER_MANIFEST.into()), Family::Docker);
/// assert_eq!(Family::Oci.layer(Codec::Gzip), MediaType::ImageLayerGzip);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Family {
    /// Those of the OCI image specification.
    #[default]
    Oci,
    /// Docker's, from before that.
    Docker,
}

impl Family {
    /// The family of an image or index with this media type.
    #[must_use]
    pub fn of(media_type: &MediaType) -> Self {
        if media_type.as_ref().starts_with("application/vnd.docker.") {
            Self::Docker
        } else {
            Self::Oci
        }
    }

    /// The media type of an image's manifest.
    #[must_use]
    pub fn manifest(self) -> MediaType {
        match self {
            Self::Oci => MediaType::ImageManifest,
            Self::Docker => DOCKER_MANIFEST.into(),
        }
    }

    /// The media type of an index: an OCI index, or a Docker manifest list.
    #[must_use]
    pub fn index(self) -> MediaType {
        match self {
            Self::Oci => MediaType::ImageIndex,
            Self::Docker => DOCKER_MANIFEST_LIST.into(),
        }
    }

    /// The media type of an image's config.
    #[must_use]
    pub fn config(self) -> MediaType {
        match self {
            Self::Oci => MediaType::ImageConfig,
            Self::Docker => DOCKER_CONFIG.into(),
        }
    }

    /// The media type of a layer that is stored with this codec.
    ///
    /// Docker knows no type for zstd that other tools accept, so those layers get OCI's in both
    /// families.
    #[must_use]
    pub fn layer(self, codec: Codec) -> MediaType {
        match (self, codec) {
            (_, Codec::Zstd) => MediaType::ImageLayerZstd,
            (Self::Oci, Codec::Gzip) => MediaType::ImageLayerGzip,
            (Self::Oci, _) => MediaType::ImageLayer,
            (Self::Docker, Codec::Gzip) => DOCKER_LAYER_GZIP.into(),
            (Self::Docker, _) => DOCKER_LAYER.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media_type::MediaTypeExt as _;

    #[track_caller]
    fn check(manifest: &str, codec: Codec, layer: &str) {
        assert_eq!(Family::of(&manifest.into()).layer(codec).to_string(), layer);
    }

    #[test]
    fn documents() {
        for family in [Family::Oci, Family::Docker] {
            for media_type in [family.manifest(), family.index(), family.config()] {
                assert_eq!(Family::of(&media_type), family, "{media_type}");
            }
            assert!(family.manifest().is_image() && family.index().is_index() && family.config().is_config());
        }
    }

    #[test]
    fn layers() {
        let (oci, docker) = (
            "application/vnd.oci.image.manifest.v1+json",
            "application/vnd.docker.distribution.manifest.v2+json",
        );
        check(oci, Codec::None, "application/vnd.oci.image.layer.v1.tar");
        check(oci, Codec::Gzip, "application/vnd.oci.image.layer.v1.tar+gzip");
        check(oci, Codec::Zstd, "application/vnd.oci.image.layer.v1.tar+zstd");
        check(
            docker,
            Codec::None,
            "application/vnd.docker.image.rootfs.diff.tar",
        );
        check(
            docker,
            Codec::Gzip,
            "application/vnd.docker.image.rootfs.diff.tar.gzip",
        );
        check(docker, Codec::Zstd, "application/vnd.oci.image.layer.v1.tar+zstd");
        check(
            "application/x",
            Codec::Gzip,
            "application/vnd.oci.image.layer.v1.tar+gzip",
        );
    }
}
