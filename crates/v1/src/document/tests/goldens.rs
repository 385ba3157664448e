//! Digests that go-containerregistry gives for the same content.

use oci_spec::image::{HistoryBuilder, ImageIndexBuilder, ImageManifestBuilder, MediaType};

use crate::partial::StaticLayer;
use crate::{Config, Image as _, IndexManifest, Manifest, empty, media_type};

fn docker_empty() -> (Manifest, Config) {
    let config = Config::new(
        r#" { "config" : { }, "rootfs" : { "diff_ids" : null, "type" : "layers" } } "#,
        MediaType::from(media_type::DOCKER_CONFIG),
    );
    let config = config.canonical().expect("a config");
    let manifest = ImageManifestBuilder::default()
        .schema_version(2_u32)
        .config(config.descriptor())
        .layers(Vec::new())
        .build()
        .expect("all fields");
    (
        Manifest::from_view(manifest, MediaType::from(media_type::DOCKER_MANIFEST)),
        config,
    )
}

#[test]
fn empty_image() {
    let (manifest, config) = docker_empty();
    assert_eq!(config.size(), 115);
    assert_eq!(
        config.digest().to_string(),
        "sha256:5b943e2b943f6c81dbbd4e2eca5121f4fcc39139e3d1219d6d89bd925b77d9fe"
    );
    assert_eq!(manifest.size(), 264);
    assert_eq!(
        manifest.digest().to_string(),
        "sha256:732112270d7e59418a8c080b134b24cabd67d250d0d0147a97ed95ba5c280aa4"
    );
}

#[test]
fn empty_image_of_oci_types() {
    let (manifest, _) = docker_empty();
    let oci = manifest.edit(|manifest| {
        let mut config = manifest.config().clone();
        config.set_media_type(MediaType::ImageConfig);
        manifest.set_config(config);
        manifest.set_media_type(Some(MediaType::ImageManifest));
    });
    let oci = oci.expect("a manifest");
    assert_eq!(*oci.media_type(), MediaType::ImageManifest);
    assert_eq!(
        oci.digest().to_string(),
        "sha256:3d56b3c004797db33c7f771a2194d4c43a6cb740954863530b45f471da48cc08"
    );
}

#[test]
fn empty_index() {
    let index = ImageIndexBuilder::default()
        .schema_version(2_u32)
        .manifests(Vec::new())
        .build()
        .expect("all fields");
    let index = IndexManifest::from_view(index, MediaType::ImageIndex);
    assert_eq!(index.size(), 88);
    assert_eq!(
        index.digest().to_string(),
        "sha256:dff9de10919148711140d349bf03f1a99eb06f94b03e51715ccebfa7cdc518e2"
    );
}

#[tokio::test]
async fn a_layer_on_the_empty_image() {
    let layer = StaticLayer::new(vec![b'.'; 10], MediaType::ImageLayerGzip);
    let base = empty::image();
    let config = base.config().await.expect("known").edit(|config| {
        config
            .rootfs_mut()
            .diff_ids_mut()
            .push(layer.as_descriptor().digest().to_string());
        let entry = HistoryBuilder::default()
            .author("dave")
            .build()
            .expect("no required fields");
        config.set_history(Some(vec![entry]));
    });
    let config = config.expect("a config");
    assert_eq!(config.size(), 249);
    assert_eq!(
        config.digest().to_string(),
        "sha256:44fd21e0311ae59e7c456c9f35a3133e8bc7e6ac015180b7ca389e88bd4755c5"
    );
    let manifest = base.manifest().await.expect("known").edit(|manifest| {
        manifest.set_config(config.descriptor());
        manifest.layers_mut().push(layer.as_descriptor().clone());
    });
    assert_eq!(
        manifest.expect("a manifest").digest().to_string(),
        "sha256:6434884393f624fd15e82473b954944b115935bd5a383e732082a3895648839d"
    );
}
