//! The smallest image and the smallest index.
//!
//! Their bytes, and so their digests, are those that go-containerregistry's `empty` package gives, so
//! that what is built on them has the same digests too.

use oci_spec::image::MediaType;

use crate::partial::{AssembledImage, AssembledIndex};
use crate::{Config, IndexManifest, Manifest, media_type};

const CONFIG: &str = concat!(
    r#"{"architecture":"","created":"0001-01-01T00:00:00Z","os":"","#,
    r#""rootfs":{"type":"layers","diff_ids":null},"config":{}}"#,
);

const INDEX: &str =
    r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

/// An image without layers, of Docker's media types: Go's `empty.Image`.
///
/// ```
/// use wharf_v1::ImageExt as _;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
/// assert_eq!(
///     wharf_v1::empty::image().digest().await?.to_string(),
///     "sha256:732112270d7e59418a8c080b134b24cabd67d250d0d0147a97ed95ba5c280aa4"
/// );
/// # Ok(()) }
/// ```
#[must_use]
pub fn image() -> AssembledImage {
    of(media_type::DOCKER_MANIFEST, media_type::DOCKER_CONFIG)
}

/// An image without layers, of OCI's media types.
#[must_use]
pub fn oci_image() -> AssembledImage {
    of(media_type::OCI_MANIFEST, media_type::OCI_CONFIG)
}

/// An OCI index without children: Go's `empty.Index`.
#[must_use]
pub fn index() -> AssembledIndex {
    AssembledIndex::new(IndexManifest::new(INDEX, MediaType::ImageIndex), [])
}

/// The config of an image without layers.
pub(crate) fn config(media_type: MediaType) -> Config {
    Config::new(CONFIG, media_type)
}

fn of(manifest_type: &str, config_type: &str) -> AssembledImage {
    let config = config(config_type.into());
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{manifest_type}","config":{{"mediaType":"{config_type}","size":{},"digest":"{}"}},"layers":[]}}"#,
        config.size(),
        config.digest(),
    );
    let manifest = Manifest::new(manifest, MediaType::from(manifest_type));
    AssembledImage::new(manifest, config, Vec::new()).expect("the manifest was just made of the config")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Image, ImageExt as _, Index as _, IndexExt as _};

    async fn check(image: impl Image, manifest_digest: &str) {
        assert_eq!(image.digest().await.expect("known").to_string(), manifest_digest);
        let config = image.config().await.expect("known");
        assert_eq!(config.size(), 115);
        assert_eq!(
            config.digest().to_string(),
            "sha256:5b943e2b943f6c81dbbd4e2eca5121f4fcc39139e3d1219d6d89bd925b77d9fe"
        );
        assert!(image.layers().await.expect("known").is_empty());
    }

    #[tokio::test]
    async fn images_are_those_of_go() {
        let docker = "sha256:732112270d7e59418a8c080b134b24cabd67d250d0d0147a97ed95ba5c280aa4";
        check(image(), docker).await;
        assert_eq!(image().manifest().await.expect("known").size(), 264);
        let oci = "sha256:3d56b3c004797db33c7f771a2194d4c43a6cb740954863530b45f471da48cc08";
        check(oci_image(), oci).await;
    }

    #[tokio::test]
    async fn the_index_is_that_of_go() {
        let manifest = index().manifest().await.expect("known");
        assert_eq!(manifest.size(), 88);
        assert_eq!(
            manifest.digest().to_string(),
            "sha256:dff9de10919148711140d349bf03f1a99eb06f94b03e51715ccebfa7cdc518e2"
        );
        assert!(index().children().await.expect("known").is_empty());
    }
}
