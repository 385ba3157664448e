//! The media types of layers.

use oci_spec::image::MediaType;
use wharf_v1::Codec;
use wharf_v1::media_type::{DOCKER_LAYER, DOCKER_LAYER_GZIP};

/// Whose media types a layer gets. An image should keep to one family.
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

    #[track_caller]
    fn check(manifest: &str, codec: Codec, layer: &str) {
        assert_eq!(Family::of(&manifest.into()).layer(codec).to_string(), layer);
    }

    #[test]
    fn media_types() {
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
