//! The media types of layers that are made of others.

use oci_spec::image::MediaType;
use wharf_v1::Codec;
use wharf_v1::media_type::{DOCKER_FOREIGN_LAYER, Family, MediaTypeExt as _};

/// The media type of what became of a layer of type `old`, now that it is stored with this codec:
/// one of the same family, for a layer that must not be uploaded too. Types of nothing we know stay.
pub(crate) fn follow(old: &MediaType, codec: Codec) -> MediaType {
    if !old.is_layer() {
        return old.clone();
    }
    let family = Family::of(old);
    match (family, codec) {
        _ if old.is_distributable() => family.layer(codec),
        (_, Codec::Zstd) => MediaType::ImageLayerNonDistributableZstd,
        (Family::Docker, Codec::Gzip) => DOCKER_FOREIGN_LAYER.into(),
        // Docker knows foreign layers with gzip only.
        (_, Codec::Gzip) => MediaType::ImageLayerNonDistributableGzip,
        (_, _) => MediaType::ImageLayerNonDistributable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_follow(old: &str, codec: Codec, new: &str) {
        assert_eq!(follow(&old.into(), codec).to_string(), new);
    }

    #[test]
    fn a_layer_keeps_its_family() {
        let oci = "application/vnd.oci.image.layer";
        let docker = "application/vnd.docker.image.rootfs";
        check_follow(
            &format!("{oci}.v1.tar"),
            Codec::Gzip,
            &format!("{oci}.v1.tar+gzip"),
        );
        check_follow(
            &format!("{oci}.v1.tar+gzip"),
            Codec::Zstd,
            &format!("{oci}.v1.tar+zstd"),
        );
        check_follow(
            &format!("{docker}.diff.tar.gzip"),
            Codec::None,
            &format!("{docker}.diff.tar"),
        );
        check_follow(
            &format!("{docker}.diff.tar.zstd"),
            Codec::Gzip,
            &format!("{docker}.diff.tar.gzip"),
        );
        let closed = format!("{oci}.nondistributable.v1.tar");
        check_follow(&closed, Codec::Gzip, &format!("{closed}+gzip"));
        check_follow(&format!("{closed}+gzip"), Codec::Zstd, &format!("{closed}+zstd"));
        check_follow(&format!("{closed}+zstd"), Codec::None, &closed);
        let foreign = format!("{docker}.foreign.diff.tar.gzip");
        check_follow(&foreign, Codec::Gzip, &foreign);
        check_follow(&foreign, Codec::Zstd, &format!("{closed}+zstd"));
        check_follow("application/wasm", Codec::Gzip, "application/wasm");
    }
}
