//! Which media type of one family is which of the other.

use oci_spec::image::MediaType;
use wharf_layer::Family;
use wharf_v1::media_type::{
    DOCKER_CONFIG, DOCKER_FOREIGN_LAYER, DOCKER_LAYER, DOCKER_LAYER_GZIP, DOCKER_LAYER_ZSTD, DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST, DOCKER_PLAIN_FOREIGN_LAYER, OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_LAYER_GZIP,
    OCI_LAYER_ZSTD, OCI_MANIFEST, OCI_RESTRICTED_LAYER, OCI_RESTRICTED_LAYER_GZIP,
};

use crate::Error;

/// OCI's name and Docker's.
type Names = (&'static str, &'static str);

const MANIFESTS: &[Names] = &[(OCI_MANIFEST, DOCKER_MANIFEST)];
const INDEXES: &[Names] = &[(OCI_INDEX, DOCKER_MANIFEST_LIST)];
const CONFIGS: &[Names] = &[(OCI_CONFIG, DOCKER_CONFIG)];
/// Docker has no name for a foreign layer compressed with zstd.
const LAYERS: &[Names] = &[
    (OCI_LAYER, DOCKER_LAYER),
    (OCI_LAYER_GZIP, DOCKER_LAYER_GZIP),
    (OCI_LAYER_ZSTD, DOCKER_LAYER_ZSTD),
    (OCI_RESTRICTED_LAYER, DOCKER_PLAIN_FOREIGN_LAYER),
    (OCI_RESTRICTED_LAYER_GZIP, DOCKER_FOREIGN_LAYER),
];

/// What a family calls content that has a media type of either.
pub(crate) trait Counterparts {
    /// The media type of a manifest.
    fn of_manifest(self, media_type: &MediaType) -> Result<MediaType, Error>;
    /// The media type of an index.
    fn of_index(self, media_type: &MediaType) -> Result<MediaType, Error>;
    /// The media type of a config.
    fn of_config(self, media_type: &MediaType) -> Result<MediaType, Error>;
    /// The media type of a layer.
    fn of_layer(self, media_type: &MediaType) -> Result<MediaType, Error>;
    /// Whether an index may list content of this media type that is neither image nor index.
    fn allows(self, media_type: &MediaType) -> Result<(), Error>;
}

impl Counterparts for Family {
    fn of_manifest(self, media_type: &MediaType) -> Result<MediaType, Error> {
        known(self, MANIFESTS, media_type).ok_or_else(|| none(self, media_type))
    }

    fn of_index(self, media_type: &MediaType) -> Result<MediaType, Error> {
        known(self, INDEXES, media_type).ok_or_else(|| none(self, media_type))
    }

    fn of_config(self, media_type: &MediaType) -> Result<MediaType, Error> {
        known(self, CONFIGS, media_type).map_or_else(|| any(self, media_type), Ok)
    }

    fn of_layer(self, media_type: &MediaType) -> Result<MediaType, Error> {
        known(self, LAYERS, media_type).map_or_else(|| any(self, media_type), Ok)
    }

    fn allows(self, media_type: &MediaType) -> Result<(), Error> {
        any(self, media_type).map(drop)
    }
}

fn known(family: Family, table: &[Names], media_type: &MediaType) -> Option<MediaType> {
    let text = media_type.as_ref();
    let &(oci, docker) = table.iter().find(|names| names.0 == text || names.1 == text)?;
    Some(MediaType::from(if is_oci(family) { oci } else { docker }))
}

/// An OCI manifest may name content of any type; Docker's only what Docker knows.
fn any(family: Family, media_type: &MediaType) -> Result<MediaType, Error> {
    if is_oci(family) {
        Ok(media_type.clone())
    } else {
        Err(none(family, media_type))
    }
}

fn none(family: Family, media_type: &MediaType) -> Error {
    Error::NoCounterpart {
        media_type: media_type.clone(),
        family: if is_oci(family) { "OCI" } else { "Docker" },
    }
}

fn is_oci(family: Family) -> bool {
    family == Family::Oci
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn both_ways(ask: fn(Family, &MediaType) -> Result<MediaType, Error>, oci: &str, docker: &str) {
        for from in [oci, docker] {
            let from = MediaType::from(from);
            assert_eq!(ask(Family::Oci, &from).expect("known").as_ref(), oci);
            assert_eq!(ask(Family::Docker, &from).expect("known").as_ref(), docker);
        }
    }

    #[test]
    fn counterparts() {
        both_ways(
            Family::of_manifest,
            "application/vnd.oci.image.manifest.v1+json",
            "application/vnd.docker.distribution.manifest.v2+json",
        );
        both_ways(
            Family::of_index,
            "application/vnd.oci.image.index.v1+json",
            "application/vnd.docker.distribution.manifest.list.v2+json",
        );
        both_ways(
            Family::of_config,
            "application/vnd.oci.image.config.v1+json",
            "application/vnd.docker.container.image.v1+json",
        );
        let layers = [
            ("layer.v1.tar", "diff.tar"),
            ("layer.v1.tar+gzip", "diff.tar.gzip"),
            ("layer.v1.tar+zstd", "diff.tar.zstd"),
            ("layer.nondistributable.v1.tar", "foreign.diff.tar"),
            ("layer.nondistributable.v1.tar+gzip", "foreign.diff.tar.gzip"),
        ];
        for (oci, docker) in layers {
            both_ways(
                Family::of_layer,
                &format!("application/vnd.oci.image.{oci}"),
                &format!("application/vnd.docker.image.rootfs.{docker}"),
            );
        }
    }

    #[track_caller]
    fn refused(result: Result<MediaType, Error>, want: &str) {
        assert_eq!(result.expect_err("has none").to_string(), want);
    }

    #[test]
    fn what_docker_does_not_know() {
        let zstd = MediaType::from("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd");
        refused(
            Family::Docker.of_layer(&zstd),
            "media type application/vnd.oci.image.layer.nondistributable.v1.tar+zstd has no counterpart in Docker",
        );
        assert_eq!(Family::Oci.of_layer(&zstd).expect("is one"), zstd);
        let other = MediaType::from("application/vnd.in-toto+json");
        refused(
            Family::Docker.of_layer(&other),
            "media type application/vnd.in-toto+json has no counterpart in Docker",
        );
        assert_eq!(Family::Oci.of_layer(&other).expect("any"), other);
        let empty = MediaType::EmptyJSON;
        assert!(Family::Docker.of_config(&empty).is_err());
        assert_eq!(Family::Oci.of_config(&empty).expect("any"), empty);
        let schema1 = MediaType::from("application/vnd.docker.distribution.manifest.v1+json");
        refused(
            Family::Oci.of_manifest(&schema1),
            "media type application/vnd.docker.distribution.manifest.v1+json has no counterpart in OCI",
        );
        assert!(Family::Docker.of_manifest(&schema1).is_err());
        assert!(Family::Oci.of_index(&schema1).is_err());
    }
}
