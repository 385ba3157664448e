//! Media types of images, and what follows from them.
//!
//! The type is the ecosystem's own, [`oci_spec::image::MediaType`]. It has variants for OCI's types and
//! holds all others, Docker's among them, as text; [`MediaTypeExt`] therefore asks by text. Unknown
//! media types are legal everywhere.
//!
//! ```
//! use wharf_v1::media_type::{self, MediaTypeExt as _};
//! use wharf_v1::oci_spec::image::MediaType;
//!
//! let media_type = MediaType::from(media_type::DOCKER_MANIFEST_LIST);
//! assert!(media_type.is_index());
//! assert!(media_type::without_parameters("application/vnd.oci.image.index.v1+json; charset=utf-8").is_index());
//! ```

mod family;

use oci_spec::image::MediaType;

pub use family::Family;

/// A descriptor on its own.
pub const OCI_DESCRIPTOR: &str = "application/vnd.oci.descriptor.v1+json";
/// An OCI image index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// An OCI image manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The config of an OCI image.
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// The content `{}`, where a descriptor is needed but no content.
pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// An artifact manifest, a kind of document that the image specification dropped before 1.1.
pub const OCI_ARTIFACT_MANIFEST: &str = "application/vnd.oci.artifact.manifest.v1+json";
/// An uncompressed layer.
pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// A layer compressed with gzip.
pub const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// A layer compressed with zstd.
pub const OCI_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
/// An uncompressed layer that must not be uploaded.
pub const OCI_RESTRICTED_LAYER: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar";
/// A layer compressed with gzip that must not be uploaded.
pub const OCI_RESTRICTED_LAYER_GZIP: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
/// A layer compressed with zstd that must not be uploaded.
pub const OCI_RESTRICTED_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd";
/// Docker's first manifest format.
pub const DOCKER_SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+json";
/// Docker's first manifest format, signed.
pub const DOCKER_SCHEMA1_SIGNED: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";
/// A Docker image manifest, version 2 schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// A Docker manifest list.
pub const DOCKER_MANIFEST_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// The config of a Docker image.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// The config of a Docker plugin. Not an image's config.
pub const DOCKER_PLUGIN_CONFIG: &str = "application/vnd.docker.plugin.v1+json";
/// An uncompressed layer in Docker's naming.
pub const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
/// A layer compressed with gzip in Docker's naming.
pub const DOCKER_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
/// A layer compressed with zstd in Docker's naming, as some engines write it.
pub const DOCKER_LAYER_ZSTD: &str = "application/vnd.docker.image.rootfs.diff.tar.zstd";
/// A layer that lives elsewhere and must not be uploaded, in Docker's naming.
pub const DOCKER_FOREIGN_LAYER: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
/// An uncompressed layer that lives elsewhere and must not be uploaded, in Docker's naming.
pub const DOCKER_PLAIN_FOREIGN_LAYER: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar";

/// The media type in a header value: without parameters such as `; charset=utf-8`, without blanks
/// around it and, where it is one of those above, in the lower case that they are written in.
#[must_use]
pub fn without_parameters(value: &str) -> MediaType {
    let essence = value.split(';').next().unwrap_or_default().trim();
    // Media types are case-insensitive (RFC 6838 section 4.2), but those we do not know stay as they are.
    let lower = essence.to_ascii_lowercase();
    let known = lower.starts_with("application/vnd.oci.") || lower.starts_with("application/vnd.docker.");
    MediaType::from(if known { &lower } else { essence })
}

/// What a media type says about content. All answers go by the exact text.
pub trait MediaTypeExt {
    /// Whether this is an image manifest, OCI's or Docker's (version 2 schema 2).
    fn is_image(&self) -> bool;

    /// Whether this is an OCI index or a Docker manifest list.
    fn is_index(&self) -> bool;

    /// Whether this is a layer, distributable or not.
    fn is_layer(&self) -> bool;

    /// Whether this is an image's config.
    fn is_config(&self) -> bool;

    /// Whether this is a manifest of Docker's first format.
    fn is_schema1(&self) -> bool;

    /// Whether content of this type may be uploaded: true for all but foreign and nondistributable
    /// layers, unknown types included.
    fn is_distributable(&self) -> bool;
}

impl MediaTypeExt for MediaType {
    fn is_image(&self) -> bool {
        matches!(self.as_ref(), OCI_MANIFEST | DOCKER_MANIFEST)
    }

    fn is_index(&self) -> bool {
        matches!(self.as_ref(), OCI_INDEX | DOCKER_MANIFEST_LIST)
    }

    fn is_layer(&self) -> bool {
        let distributable = matches!(
            self.as_ref(),
            OCI_LAYER
                | OCI_LAYER_GZIP
                | OCI_LAYER_ZSTD
                | DOCKER_LAYER
                | DOCKER_LAYER_GZIP
                | DOCKER_LAYER_ZSTD
        );
        distributable || !self.is_distributable()
    }

    fn is_config(&self) -> bool {
        matches!(self.as_ref(), OCI_CONFIG | DOCKER_CONFIG)
    }

    fn is_schema1(&self) -> bool {
        matches!(self.as_ref(), DOCKER_SCHEMA1 | DOCKER_SCHEMA1_SIGNED)
    }

    fn is_distributable(&self) -> bool {
        !matches!(
            self.as_ref(),
            OCI_RESTRICTED_LAYER
                | OCI_RESTRICTED_LAYER_GZIP
                | OCI_RESTRICTED_LAYER_ZSTD
                | DOCKER_FOREIGN_LAYER
                | DOCKER_PLAIN_FOREIGN_LAYER
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `flags`: one letter for each predicate that holds, of image, indeX, Layer, Config, schema1,
    /// Distributable.
    #[track_caller]
    fn check(text: &str, flags: &str) {
        let media_type = MediaType::from(text);
        let answers = [
            ('i', media_type.is_image()),
            ('x', media_type.is_index()),
            ('l', media_type.is_layer()),
            ('c', media_type.is_config()),
            ('1', media_type.is_schema1()),
            ('d', media_type.is_distributable()),
        ];
        let got: String = answers
            .iter()
            .filter(|(_, holds)| *holds)
            .map(|(flag, _)| *flag)
            .collect();
        assert_eq!(got, flags, "{text}");
        assert_eq!(media_type.as_ref(), text);
    }

    #[test]
    fn predicates() {
        check("application/vnd.oci.descriptor.v1+json", "d");
        check("application/vnd.oci.image.index.v1+json", "xd");
        check("application/vnd.oci.image.manifest.v1+json", "id");
        check("application/vnd.oci.image.config.v1+json", "cd");
        check("application/vnd.oci.empty.v1+json", "d");
        check("application/vnd.oci.artifact.manifest.v1+json", "d");
        check("application/vnd.oci.image.layer.v1.tar", "ld");
        check("application/vnd.oci.image.layer.v1.tar+gzip", "ld");
        check("application/vnd.oci.image.layer.v1.tar+zstd", "ld");
        check("application/vnd.oci.image.layer.nondistributable.v1.tar", "l");
        check(
            "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
            "l",
        );
        check(
            "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
            "l",
        );
        check("application/vnd.docker.distribution.manifest.v1+json", "1d");
        check("application/vnd.docker.distribution.manifest.v1+prettyjws", "1d");
        check("application/vnd.docker.distribution.manifest.v2+json", "id");
        check("application/vnd.docker.distribution.manifest.list.v2+json", "xd");
        check("application/vnd.docker.container.image.v1+json", "cd");
        check("application/vnd.docker.plugin.v1+json", "d");
        check("application/vnd.docker.image.rootfs.diff.tar", "ld");
        check("application/vnd.docker.image.rootfs.diff.tar.gzip", "ld");
        check("application/vnd.docker.image.rootfs.diff.tar.zstd", "ld");
        check("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "l");
        check("application/vnd.docker.image.rootfs.foreign.diff.tar", "l");
        check("application/vnd.example+json", "d");
        check("application/vnd.oci.image.index.v1+json; charset=utf-8", "d");
        check("", "d");
    }

    #[track_caller]
    fn strips(value: &str, want: &str) {
        assert_eq!(without_parameters(value).as_ref(), want, "{value}");
        assert_eq!(without_parameters(value), MediaType::from(want));
    }

    #[test]
    fn header_values() {
        strips("application/vnd.oci.image.index.v1+json", OCI_INDEX);
        strips(
            " application/vnd.oci.image.index.v1+json ; charset=utf-8",
            OCI_INDEX,
        );
        strips(
            "Application/Vnd.Docker.Distribution.Manifest.V2+JSON;q=1",
            DOCKER_MANIFEST,
        );
        strips("application/X-Own; a=b; c=d", "application/X-Own");
        strips("", "");
        strips(";", "");
    }
}
